"""Which rules a change of the library affects, as arguments for Snakemake.

Snakemake runs a rule again when its script changes, but it does not see the modules of the library that the
script imports. This follows the imports and prints the rules behind whose results lies a changed module:

    python workflow/affected_rules.py                             modules that differ from the last commit
    python workflow/affected_rules.py --since v1.0                … from a tag, a branch or another commit
    python workflow/affected_rules.py --configfile mine.yaml      … for this config, as Snakemake takes it
    python workflow/affected_rules.py --results results/era5      modules newer than a rule's oldest result
    snakemake $(python workflow/affected_rules.py) -n             what that would run

The last but one goes by the times of files: in a fresh clone beside older results all modules are newer, and
--since, with the commit that made them, says more.

Whether a change matters (a comment doesn't) is yours to judge: take rules out of the list, or leave it.
"""

import argparse
import ast
import csv
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from atmodist import configuration
from atmodist.core.errors import InputError

WORKFLOW = Path(__file__).resolve().parent
SCRIPTS = WORKFLOW / "scripts"
SOURCES = {path.stem.removeprefix("source_"): path for path in (WORKFLOW / "rules").glob("source_*.smk")}
"""Value of ``data.source``, and where the rules of that source are."""
RULE = re.compile(r'^rule (\w+):(?:(?!^rule ).)*?"\.\./scripts/(\w+\.py)"', re.M | re.S)


def scripts_of_rules(source: str) -> dict[str, Path]:
    """Rule → its script, where fields come from ``source``."""
    others = set(SOURCES.values()) - {SOURCES[source]}
    files = [WORKFLOW / "Snakefile", *sorted({*(WORKFLOW / "rules").glob("*.smk")} - others)]
    return {rule: SCRIPTS / script for file in files for rule, script in RULE.findall(file.read_text())}


def planned_rules(configfiles: Sequence[Path]) -> set[str]:
    """Rules of the jobs that a config plans from nothing: forced, others would make what it does without."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", WORKFLOW / "Snakefile", "--dry-run"]
    command += ["--forceall", "--quiet", "rules", *(["--configfile", *configfiles] if configfiles else [])]
    run = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if run.returncode:
        sys.exit(f"affected_rules: Snakemake cannot plan this config: {run.stdout[-1000:].strip()}")
    return set(re.findall(r"(?m)^(\w+) +\d+ *$", run.stdout))


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


def begun_at(file: Path) -> float:
    """When a job began, at the latest: its benchmark, written at its end, says how many seconds it took."""
    rows = []
    if file.suffix == ".tsv":
        with open(file, encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t"))
    return file.stat().st_mtime - sum(float(row["s"]) for row in rows)  # a job that was killed leaves none


def made_at(results: Path) -> dict[str, float]:
    """Rule → when the oldest of its results was begun, as far as there are any, from logs and benchmarks."""
    logs = results / "logs"
    if not logs.is_dir():
        sys.exit(f"affected_rules: {logs} does not exist; expected a folder of results, like results/era5")
    times: dict[str, float] = {}
    for folder in ("logs", "benchmarks"):
        for file in (results / folder).rglob("*"):
            if file.is_file():
                rule = file.relative_to(results / folder).parts[0].split(".")[0]
                times[rule] = min(times.get(rule, float("inf")), begun_at(file))
    return times


def source_of(made: Mapping[str, float]) -> str | None:
    """Where the fields of results came from: the source whose rule has been run."""
    firsts = {source: RULE.search(path.read_text())[1] for source, path in SOURCES.items()}
    return next((source for source, rule in firsts.items() if rule in made), None)


def affected(rules: Mapping[str, Path], changed: Mapping[str, set[Path]]) -> Iterator[tuple[str, set[Path]]]:
    """Rules whose script or a module behind it is among the files that changed for them."""
    for rule, script in sorted(rules.items()):
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
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="what Snakemake lays over config/config.yaml; results say themselves which rules they are of",
    )
    options = parser.parse_args()
    try:
        paths = [WORKFLOW.parent / "config/config.yaml", *options.configfile]
        config = configuration.tidy(configuration.stacked(*map(configuration.read, paths)))
    except InputError as error:
        sys.exit(f"affected_rules: {error}")
    source = config["data"]["source"]
    if options.results:
        made = made_at(options.results)
        rules = scripts_of_rules(source_of(made) or source)
        when = {file: file.stat().st_mtime for file in set().union(*map(behind, rules.values()))}
        changed = {
            rule: {file for file, time in when.items() if time > made[rule]} for rule in rules if rule in made
        }
    else:
        rules = scripts_of_rules(source)
        changed = dict.fromkeys(rules, changed_since(options.since))
    found = dict(affected(rules, changed))
    if found and not options.results:
        planned = planned_rules(options.configfile)
        found = {rule: files for rule, files in found.items() if rule in planned}
    for rule, files in found.items():
        print(
            f"{rule}: {', '.join(sorted(str(file.relative_to(SCRIPTS)) for file in files))}", file=sys.stderr
        )
    if found:
        print("--forcerun", *found)


if __name__ == "__main__":
    main()
