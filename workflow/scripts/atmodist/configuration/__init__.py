"""The config: merged, checked before anything runs, and the few things that follow from it.

Imports nothing heavy, because the Snakefile imports it.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from atmodist.configuration.consistency import DESCRIBED_IN, problems
from atmodist.configuration.derived import (
    ENCODER_SECTIONS,
    archive_truncation,
    compared_content_losses,
    content_losses,
    encoders,
    evaluation_shards,
    file_name,
    grid_rows,
    models,
    pair_shards,
    patch_shards,
    periods,
    processors,
    splits,
    time_count,
    uncertainty_models,
    wind,
    zooms,
)
from atmodist.configuration.merging import merged, stacked, tidy
from atmodist.configuration.reading import read
from atmodist.configuration.schema import mistakes, ordered
from atmodist.configuration.study import encoder_settings, shared_settings
from atmodist.core.errors import InputError

TOLD = 5
"""Problems that are told at once."""


def check(config: Mapping[str, Any], schema: Mapping[str, Any], default: Path | None = None) -> None:
    """Refuse a config that cannot work.

    Raises ``InputError`` with up to five lines, each one sentence that names the key, what it holds and what
    it may hold; or, if a key is missing because the file ``default`` that lies beneath the others is, with
    one that names this file, too.
    """
    found = list(islice(mistakes(config, schema), TOLD)) or list(islice(problems(config), TOLD))
    if found and " is missing;" in found[0] and default and not default.exists():
        found = [f"{found[0]} (there is no {default} in {Path.cwd()} to take it from)"]
    if found:
        raise InputError("\n".join(" ".join(f"config key {problem}".split()) for problem in found))
