"""Check config files without Snakemake, and name file and line of what is no YAML:

    PYTHONPATH=workflow/scripts python -m atmodist.configuration config/config.yaml mine.yaml

Each file is merged over those before it, as with Snakemake's ``--configfile``.
"""

import sys
from pathlib import Path

from atmodist.configuration import check, read, stacked, tidy
from atmodist.core.errors import InputError

SCHEMA = Path(__file__).parents[3] / "schemas/config.schema.yaml"

try:
    check(tidy(stacked(*map(read, sys.argv[1:]))), read(SCHEMA))
except InputError as error:
    sys.exit(f"error: {error}")
print("The config is fine.")
