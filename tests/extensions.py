"""Edits of a copy of the repository, as someone makes them who adds to it."""

import shutil
from pathlib import Path

from snakemake_runs import PARTS, ROOT

LAST_FIELD = '            Variable("vorticity", 138'
TEMPERATURE = (
    '            Variable("temperature", 130, "t", "K", "temperature", "T", (150, 350), "inferno"),\n'
)


def copy_of_the_repository(folder: Path) -> Path:
    """A folder with the repository's parts, of which the workflow may be edited."""
    folder.mkdir(parents=True)
    for part in PARTS:
        if part == "workflow":
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / part).symlink_to(ROOT / part)
    return folder


def add_temperature(repository: Path) -> None:
    """Give the table of variables a row for temperature."""
    table = repository / "workflow/scripts/atmodist/data/variables.py"
    before, after = table.read_text().split(LAST_FIELD)
    table.write_text(before + TEMPERATURE + LAST_FIELD + after)
