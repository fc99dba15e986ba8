"""The recipes of docs/extending.md, applied to a copy of the repository."""

import re
import shutil
from pathlib import Path

from snakemake_runs import PARTS, ROOT

BLOCK = re.compile(r"```(diff|python|rst|yaml)\n# (\S+)\n(.*?)```", re.S)


def copy_of_the_repository(folder: Path) -> Path:
    """A folder with the repository's parts, of which workflow, config and tests may be edited."""
    folder.mkdir(parents=True)
    for part in PARTS:
        if part in ("workflow", "config", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / part).symlink_to(ROOT / part)
    return folder


def recipe(title: str) -> str:
    """Text of the recipe with this title."""
    (found,) = re.findall(
        rf"(?ms)^## \d {re.escape(title)}\n(.*?)(?=^## |\Z)", (ROOT / "docs/extending.md").read_text()
    )
    return found


def apply(title: str, repository: Path) -> list[str]:
    """Make the edits of a recipe; the files that were edited.

    A block of kind diff adds its lines behind those that it quotes; another is appended to its file, which is
    made if there is none.
    """
    edited = []
    for kind, name, block in BLOCK.findall(recipe(title)):
        path = repository / name
        if kind == "diff":
            lines = block.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if line[0] == " ")
            new = "".join(line[1:] for line in lines)
            text = path.read_text()
            assert text.count(old) == 1, f"{name} holds the quoted lines {text.count(old)} times:\n{old}"
            path.write_text(text.replace(old, new))
        else:
            before = f"{path.read_text()}\n\n" if path.exists() else ""
            path.write_text(before + block)
        edited.append(name)
    return edited
