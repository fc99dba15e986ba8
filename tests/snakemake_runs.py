"""Run the workflow as a user would, in a folder of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PARTS = ("config", "workflow", "resources", "slurm", "tests")
# As at a site, but for conda, which needs channels, sacct, which needs a database, and long waits.
ON_SLURM = (
    "--profile=slurm",
    "--software-deployment-method=env-modules",
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=1",
    "--seconds-between-status-checks=1",
    "--latency-wait=5",
)
TINY = ("--configfile", "config/demo.yaml", "tests/tiny.yaml")


def edited(folder: Path, **changes) -> tuple[str, ...]:
    """Options that lay changes over the tiny config; unless they say otherwise, GPUs are asked for."""
    changes = {"training": {"device": "auto"}, **changes}
    (folder / "edit.yaml").write_text(yaml.safe_dump(changes))
    return *TINY, "edit.yaml"


def workspace(folder: Path) -> Path:
    """A folder with the repository's parts, and no results unless it had some."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if not (folder / part).exists():
            (folder / part).symlink_to(ROOT / part)
    return folder


def copy_results(finished: Path, folder: Path) -> None:
    """What Snakemake made in ``finished``, and what it knows of it. No links: a run writes through them."""
    for part in ("results", ".snakemake"):
        shutil.copytree(finished / part, folder / part, symlinks=True)


def snakemake(folder: Path, *arguments: str, cores: int | None = 2, timeout: float = 900, **environment: str):
    """Run Snakemake in ``folder``; its standard output and error come back as one text."""
    command = [sys.executable, "-m", "snakemake", *(["--cores", str(cores)] if cores else []), *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )


def planned_jobs(output: str) -> dict[str, int]:
    """Rule → number of jobs in the table that a dry run prints."""
    table = output.split("Job stats:")[-1].split("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"(?m)^(\w+)\s+(\d+)\s*$", table)}
