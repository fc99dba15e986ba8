# The library, and the config files before Snakemake merges them: it would take the second of two equal keys.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from atmodist import configuration
from atmodist.core.errors import InputError

CONFIG_FILE = "config/config.yaml"


try:
    for path in (CONFIG_FILE, *workflow.configfiles):
        if Path(path).exists():
            configuration.read(path)
except InputError as error:
    raise WorkflowError(str(error)) from None
