"""Which rules a change of the library affects, as arguments for Snakemake.

Snakemake runs a rule again when its script changes, but it does not see the modules of the library that the
script imports. This follows the imports and prints the rules behind whose results lies a changed module:

    python workflow/affected_rules.py                             modules that differ from the last commit
    python workflow/affected_rules.py --since v1.0                … from a tag, a branch or another commit
    python workflow/affected_rules.py --results results/era5      modules newer than a rule's oldest result
    snakemake $(python workflow/affected_rules.py) -n             what that would run

Whether a change matters (a comment doesn't) is yours to judge: take rules out of the list, or leave it.
"""

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parent
SCRIPTS = WORKFLOW / "scripts"
RULE = re.compile(r'^rule (\w+):(?:(?!^rule ).)*?"\.\./scripts/(\w+\.py)"', re.M | re.S)


def scripts_of_rules() -> dict[str, Path]:
    """Rule → its script, for every rule that has one."""
    files = [WORKFLOW / "Snakefile", *sorted((WORKFLOW / "rules").glob("*.smk"))]
    return {rule: SCRIPTS / script for file in files for rule, script in RULE.findall(file.read_text())}


@cache
def imported(file: Path) -> frozenset[Path]:
    """Files of the library that a file imports itself, wherever in it the import stands."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found = set()
    for name in names:
        parts = name.split(".")
        if parts[0] == "atmodist":
            packages = (
                SCRIPTS.joinpath(*parts[:length], "__init__.py") for length in range(1, len(parts) + 1)
            )
            found |= {SCRIPTS.joinpath(*parts).with_suffix(".py"), *packages}
    return frozenset(path for path in found if path.exists())


def behind(script: Path) -> set[Path]:
    """A script and all files of the library that it imports, directly or through others."""
    found, new = set(), {script}
    while new:
        found |= new
        new = set().union(*(imported(file) for file in new)) - found
    return found


def git(*arguments: str) -> str:
    """What Git prints."""
    run = subprocess.run(["git", *arguments], cwd=WORKFLOW, text=True, capture_output=True, check=False)
    if run.returncode:
        sys.exit(f"affected_rules: {run.stderr.strip()}")
    return run.stdout


def changed_since(revision: str) -> set[Path]:
    """Files that differ from a revision, or that Git does not know."""
    top = Path(git("rev-parse", "--show-toplevel").strip())
    names = git("diff", "--name-only", "-z", revision, "--", str(SCRIPTS)).split("\0")
    names += git("ls-files", "--others", "--exclude-standard", "-z", "--full-name", str(SCRIPTS)).split("\0")
    return {top / name for name in names if name}


def changed_at(file: Path, edited: set[Path]) -> float:
    """When a file got its content: its commit, or its own time if that is not committed."""
    committed = "" if file in edited else git("log", "-1", "--format=%ct", "--", str(file)).strip()
    return float(committed) if committed else file.stat().st_mtime


def made_at(results: Path) -> dict[str, float]:
    """Rule → when the oldest of its results was begun, as far as there are any, from their logs."""
    logs = results / "logs"
    if not logs.is_dir():
        sys.exit(f"affected_rules: {logs} does not exist; expected a folder of results, like results/era5")
    times = {}
    for entry in logs.iterdir():
        files = [entry] if entry.is_file() else [file for file in entry.rglob("*") if file.is_file()]
        if files:
            rule = entry.name.split(".")[0]
            times[rule] = min([times.get(rule, float("inf")), *(file.stat().st_mtime for file in files)])
    return times


def affected(changed: Mapping[str, set[Path]]) -> Iterator[tuple[str, set[Path]]]:
    """Rules whose script or a module behind it is among the files that changed for them."""
    for rule, script in sorted(scripts_of_rules().items()):
        if found := behind(script) & changed.get(rule, set()):
            yield rule, found


def main() -> None:
    """Print the rules; to the terminal, why."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--since", metavar="REVISION", default="HEAD", help="compare with this commit")
    which.add_argument("--results", type=Path, metavar="FOLDER", help="compare with when results were made")
    options = parser.parse_args()
    rules = scripts_of_rules()
    if options.results:
        edited, made = changed_since("HEAD"), made_at(options.results)
        when = {file: changed_at(file, edited) for file in set().union(*map(behind, rules.values()))}
        changed = {
            rule: {file for file, time in when.items() if time > made[rule]} for rule in rules if rule in made
        }
    else:
        changed = dict.fromkeys(rules, changed_since(options.since))
    found = dict(affected(changed))
    for rule, files in found.items():
        print(
            f"{rule}: {', '.join(sorted(str(file.relative_to(SCRIPTS)) for file in files))}", file=sys.stderr
        )
    if found:
        print("--forcerun", *found)


if __name__ == "__main__":
    main()
