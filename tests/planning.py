"""What a config plans, job by job, and which jobs another config would plan otherwise.

    python tests/planning.py CONFIGS EDITS     two JSON files

The first holds, by name, the config files and targets of plans to start from, the second a list of (name of a
plan, changes of its config). Printed as JSON, for every edit: the rules of the jobs that the changes reach
first, and of all that run again. A job runs again for what Snakemake looks at, its parameters and its input
files, or because it is new; nothing needs to have been run.
"""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings


def plan(files: Sequence[str], targets: Sequence[str]) -> dict:
    """Job, as its rule and outputs → its parameters, its inputs, and the jobs that make these.

    Of the parameters all that Snakemake compares: the values, whatever their names and number.
    """
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        handle = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[Path(file).resolve() for file in files]),
            snakefile=Path("workflow/Snakefile"),
        )
        workflow = handle._workflow
        workflow.dag_settings = DAGSettings(targets=set(targets))
        handle.dag(dag_settings=workflow.dag_settings)
        workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True)
        workflow._build_dag()
        return {
            name(job): (
                set(map(repr, job.non_derived_params)),
                list(map(str, job.input)),
                [name(before) for before in workflow.dag.dependencies[job]],
                bool(job.rule.script),
            )
            for job in workflow.dag.jobs
        }


def name(job) -> tuple[str, tuple[str, ...]]:
    """What tells a job from the others."""
    return job.rule.name, tuple(map(str, job.output)) or tuple(map(str, job.input))


def difference(before: Mapping, after: Mapping) -> dict[str, list[str]]:
    """Rules of jobs that run first, that run at all, and that exist, when a plan changes."""
    changed = {job for job, content in after.items() if content[:2] != before.get(job, (None, None))[:2]}

    @cache
    def runs(job):
        return job in changed or any(map(runs, after[job][2]))

    scripted = [job for job, content in after.items() if content[3]]
    running = [job for job in scripted if runs(job)]
    first = [job for job in running if not any(map(runs, after[job][2]))]
    kinds = {"first": first, "running": running, "all": scripted}
    return {kind: sorted({rule for rule, _ in jobs}) for kind, jobs in kinds.items()}


def main() -> None:
    """Print what every edit runs."""
    plans, edits = (json.loads(Path(path).read_text()) for path in sys.argv[1:])
    before = {name: plan(**settings) for name, settings in plans.items()}
    found = []
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        for start, changes in edits:
            file.seek(0)
            file.truncate()
            yaml.safe_dump(changes, file)
            file.flush()
            settings = plans[start]
            try:
                after = plan([*settings["files"], file.name], settings["targets"])
            except Exception as error:  # of one edit, told with the results of the others
                found.append({"error": str(error)})
            else:
                found.append(difference(before[start], after))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
