"""The config: merged, checked before anything runs, and the few things that follow from it.

Imports nothing heavy, because the Snakefile imports it.
"""

from collections.abc import Mapping
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
from atmodist.configuration.merging import merged, tidy
from atmodist.configuration.reading import read
from atmodist.configuration.schema import mistake
from atmodist.configuration.study import encoder_settings, shared_settings
from atmodist.core.errors import InputError

__all__ = [
    "DESCRIBED_IN",
    "ENCODER_SECTIONS",
    "archive_truncation",
    "check",
    "compared_content_losses",
    "content_losses",
    "encoder_settings",
    "encoders",
    "evaluation_shards",
    "file_name",
    "grid_rows",
    "merged",
    "models",
    "pair_shards",
    "patch_shards",
    "periods",
    "processors",
    "read",
    "shared_settings",
    "splits",
    "tidy",
    "time_count",
    "uncertainty_models",
    "wind",
    "zooms",
]


def check(config: Mapping[str, Any], schema: Mapping[str, Any], default: Path | None = None) -> None:
    """Refuse a config that cannot work.

    Raises ``InputError`` with one sentence that names the key, what it holds and what it may hold; and the
    file ``default`` that lies beneath the others, if a key is missing because there is no such file.
    """
    if problem := mistake(config, schema) or next(problems(config), None):
        absent = " is missing;" in problem and default and not default.exists()
        hint = f" (there is no {default} in {Path.cwd()} to take it from)" if absent else ""
        raise InputError(" ".join(f"config key {problem}{hint}".split()))
