"""Give the conda environments the versions that requirements.txt pins: `make pins`.

Which packages an environment of `workflow/envs` holds is written there by hand, their versions come from
requirements.txt; `environment.yaml` is all of them and Snakemake. With ``--check`` nothing is written, and
what differs is named.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# conda's name → name in requirements.txt, where the two differ.
PIP_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "netcdf4": "netCDF4",
    "pyyaml": "PyYAML",
    # The package of conda holds the C library as well, which pip knows as eccodeslib.
    "python-eccodes": "eccodes",
}
SNAKEMAKE = ("snakemake", "snakemake-executor-plugin-slurm")
PACKAGE = re.compile(r"(?m)^  - ([\w.-]+)=.*$")


def pins() -> dict[str, str]:
    """Package → version in requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text().split()
    return dict(line.split("==") for line in lines)


def pinned(content: str, versions: dict[str, str]) -> str:
    """An environment with the versions of the packages that it names; Python keeps its own."""

    def pin(line: re.Match) -> str:
        name = line[1]
        return line[0] if name == "python" else f"  - {name}={versions[PIP_NAMES.get(name, name)]}"

    return PACKAGE.sub(pin, content)


def whole(content: str, stages: list[str], versions: dict[str, str]) -> str:
    """The one environment: its own head, then the packages of all stages and Snakemake by name."""
    head = content.split("dependencies:\n")[0]
    names = {name for stage in stages for name in PACKAGE.findall(stage)} - {"python"}
    python = next(line[0] for line in PACKAGE.finditer(stages[0]) if line[1] == "python")
    lines = [python, *(f"  - {name}=" for name in sorted(names.union(SNAKEMAKE)))]
    return pinned(head + "dependencies:\n" + "\n".join(lines) + "\n", versions)


def main() -> int:
    """Write the environments, or name those that differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="name those that differ, and write none")
    check = parser.parse_args().check
    versions = pins()
    stages = {path: path.read_text() for path in sorted((ROOT / "workflow/envs").glob("*.yaml"))}
    wanted = {path: pinned(content, versions) for path, content in stages.items()}
    one = ROOT / "environment.yaml"
    wanted[one] = whole(one.read_text(), list(wanted.values()), versions)
    different = [path for path, content in wanted.items() if content != path.read_text()]
    for path in different:
        print(f"{path.relative_to(ROOT)} {'differs: run make pins' if check else 'is pinned'}")
        if not check:
            path.write_text(wanted[path])
    return int(check and bool(different))


if __name__ == "__main__":
    sys.exit(main())
