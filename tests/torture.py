"""Faults over the whole chain: its processes are killed, stopped and starved at random moments, then it ends.

    python tests/torture.py --faults 1000

runs the tiny config once in peace, and then again and again from nothing under faults, on one machine or,
with ``--slurm``, on a Slurm of two nodes that is started for it. Each
round must end by itself with the same bytes as the run in peace, and leave nothing half-written, no lock
beyond that of a killed Snakemake, and no process. What is drawn at random comes from ``--seed``. Stopped at
any moment, it goes on with the same command. Counts by rule and kind are in ``report.md`` in the folder.
"""

import argparse
import filecmp
import hashlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from faults import (
    CUT,
    DELETED,
    DISK_FULL,
    JOB_KINDS,
    NODE,
    PLACES,
    REQUEUE,
    SCANCEL,
    SLURM,
    SNAKEMAKE_KINDS,
    TOKEN,
    Disk,
    Inputs,
    Plan,
    Process,
    Watch,
    draw,
    unfinished,
)
from slurm_cluster import SlurmCluster
from snakemake_runs import ON_SLURM, ROOT, TINY, workspace

RESULTS = "results/tiny"
POLL = 0.01  # s between two looks at the processes
# Looks (not seconds: a paused machine does not look) without computing after which a struck job is stuck.
STUCK = 9000
PATIENCE = 1800  # s for Snakemake to end after a signal: running jobs may end first, on a busy machine late
USUAL_CPU = 0.7  # s of a job of which nothing is known
JOBS = 4  # on Slurm at once, on a machine that has fewer cores than its nodes say
RELEASE = 3  # s between two looks at what Slurm has queued again, which would wait for two minutes
ON_CLUSTER = (f"{RESULTS}/figures/energy_spectrum.pdf", f"{RESULTS}/evaluation/orderings.csv")


@dataclass(frozen=True)
class Limits:
    """Faults in a run, those to the jobs of each rule, and about after how many one strikes Snakemake."""

    faults: int
    per_rule: dict[str, int]
    per_snakemake: int = 25


def shares(faults: int, usual: dict[str, float]) -> dict[str, int]:
    """How many faults each rule gets, the more the less its jobs compute, which have to begin anew."""
    seconds: dict[str, list[float]] = {}
    for job, spent in usual.items():
        seconds.setdefault(job.partition("/")[0], []).append(spent)
    weights = {rule: 1 / np.clip(np.mean(spent), 0.5, 5) for rule, spent in seconds.items()}
    return {rule: math.ceil(faults * weight / sum(weights.values())) for rule, weight in weights.items()}


@dataclass(frozen=True)
class Fault:
    """What happened to whom, and when."""

    round: int
    kind: str
    rule: str
    job: str
    moment: str
    detail: str


class Ledger:
    """Lines of JSON that are on disk once they are told."""

    def __init__(self, path: Path):
        self.path = path
        self.lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def add(self, line: dict) -> None:
        """Write one more."""
        self.lines.append(line)
        with open(self.path, "a") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


class Run:
    """The workflow in a folder of its own, in peace or under faults, until it has made its targets."""

    def __init__(
        self,
        folder: Path,
        targets: Sequence[str],
        options: Sequence[str],
        cluster: SlurmCluster | None = None,
    ):
        self.folder, self.targets, self.options = folder, targets, options
        self.cluster = Cluster(cluster) if cluster else None
        self.inputs = Inputs(folder)
        self.environment = os.environ | (cluster.environment if cluster else {}) | {TOKEN: str(folder)}
        self.watch = Watch(str(folder))
        self.wrong: list[str] = []
        self.cpu: dict[str, float] = {}
        workspace(folder)

    def start(self, *options: str) -> subprocess.Popen:
        """Start Snakemake, which writes to ``snakemake.log``."""
        arguments = [*self.options, *TINY, "--keep-going", *options]
        command = [sys.executable, "-m", "snakemake", *arguments, "--", *self.targets]
        with open(self.folder / "snakemake.log", "a") as stream:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                process_group=0,  # Ctrl-C strikes all of them, and nobody else
            )

    def locked(self) -> bool:
        """Whether a Snakemake has left its lock."""
        return any((self.folder / ".snakemake/locks").glob("*"))

    def unlock(self) -> None:
        """What the message of a locked folder advises."""
        if self.locked():
            self.start("--unlock").wait()

    def settle(self) -> None:
        """Wait for what still runs; that it ends is part of what is asked."""
        if self.cluster:
            self.cluster.empty()
            self.cluster.reap(self.watch)
        if left := wait_for_none(self.watch):
            self.wrong.append(f"processes are left: {left}")

    def peace(self) -> None:
        """Run to the end undisturbed."""
        self.unlock()
        snakemake = self.start()
        while snakemake.poll() is None:
            for process in self.watch.processes().values():
                self._measure(process)
            time.sleep(POLL)
        if snakemake.returncode:
            self.wrong.append(f"Snakemake fails without a fault; see {self.folder}/snakemake.log")

    def _measure(self, process: Process) -> float:
        try:
            seconds = process.cpu()
        except (OSError, IndexError):
            return 0.0
        if process.kind == "script" and process.job:
            self.cpu[process.job] = seconds
        return seconds

    def torture(
        self, ledger: Ledger, seed: int, number: int, limits: Limits, usual: dict, disk: Disk
    ) -> None:
        """Run to the end under faults; ``usual`` are the seconds that jobs compute."""
        mine = [line for line in ledger.lines if line["round"] == number]
        attempt = 0
        while not self.wrong:
            self.watch.kill()  # of a harness that was killed
            self.inputs.give_back()
            self.unlock()
            struck = len(mine)
            attempt += 1
            stream = np.random.default_rng([seed, number, struck, attempt])
            snakemake = self.start("--retries", "1000")
            assailant = Assailant(self, stream, ledger, mine, number, limits, usual, disk)
            while snakemake.poll() is None:
                assailant.look(snakemake)
                time.sleep(POLL)
            assailant.after(snakemake)
            if snakemake.returncode == 0 and assailant.spared:
                return
            if snakemake.returncode and len(mine) == struck:
                self.wrong.append(f"Snakemake fails without a fault; see {self.folder}/snakemake.log")


class Assailant:
    """Strikes the processes of one Snakemake."""

    def __init__(self, run, stream, ledger, mine, number, limits, usual, disk):
        self.run, self.stream, self.ledger, self.mine = run, stream, ledger, mine
        self.number, self.limits, self.usual, self.disk = number, limits, usual, disk
        self.plans: dict[int, Plan | None] = {}
        self.struck: dict[int, tuple[str, int, float]] = {}  # kind, looks, computed seconds
        self.full_for: int | None = None
        self.next_snakemake = len(mine) + int(stream.integers(1, 2 * limits.per_snakemake))
        self.interrupted = self.spared = False
        self.sent: float | None = None

    def look(self, snakemake: subprocess.Popen) -> None:
        """Look at all processes once, and strike those whose moment has come."""
        processes = self.run.watch.processes()
        scripts = {pid: each for pid, each in processes.items() if each.kind == "script"}
        if self.full_for is not None and self.full_for not in scripts:
            self.disk.empty()
            self.full_for = None
        if self.run.inputs.taken_from is not None:
            self.run.inputs.give_back(scripts)
        if self.run.cluster:
            self.run.cluster.release()
        for pid in self.plans.keys() - scripts.keys():
            del self.plans[pid]
            self.struck.pop(pid, None)
        for pid, process in scripts.items():
            if pid in self.struck:
                self._look_after(process)
                continue
            if pid not in self.plans:
                self.plans[pid] = self._plan(process)
            plan = self.plans[pid]
            try:
                if plan and plan.is_due(process):
                    self._strike(process, plan)
            except (OSError, IndexError):  # it has just ended
                continue
        if self.sent is None and len(self.mine) >= self.next_snakemake and scripts:
            self._strike_snakemake(snakemake, processes)
        if self.sent is not None and time.monotonic() > self.sent + PATIENCE:
            self.run.wrong.append(f"Snakemake goes on {PATIENCE} s after {self.mine[-1]['kind']}")
            self.run.watch.kill()

    def _plan(self, process: Process) -> Plan | None:
        suffered = Counter(line["rule"] for line in self.mine)
        if (
            len(self.mine) >= self.limits.faults
            or suffered[process.rule] >= self.limits.per_rule.get(process.rule, 0)
            or self.sent is not None
        ):
            return None
        usual = self.usual.get(process.job, USUAL_CPU)
        others = PLACES | (SLURM if self.run.cluster else {})
        if not self.disk.exists or self.full_for is not None:
            del others[DISK_FULL]
        return draw(self.stream, usual, others)

    def _strike(self, process: Process, plan: Plan) -> None:
        moment = "writing" if plan.cpu is None else f"after {plan.cpu:.2f} s"
        if plan.kind == DISK_FULL:
            spare = int(np.exp(self.stream.uniform(np.log(4096), np.log(2**20))))
            self.disk.fill(spare)
            self.full_for, detail = process.pid, f"{spare} bytes left"
        elif plan.kind in (DELETED, CUT):
            detail = self.run.inputs.strike(plan.kind, process, self.stream)
        elif plan.kind in SLURM:
            detail = self.run.cluster.strike(plan.kind, process)
        else:
            detail = JOB_KINDS[plan.kind].strike(process, self.stream)
        if detail is None:  # it reads nothing, or has ended
            self.plans[process.pid] = None
            return
        self._note(plan.kind, process.rule, process.job, moment, detail)
        self.struck[process.pid] = (plan.kind, 0, process.cpu())

    def _look_after(self, process: Process) -> None:
        """Give a struck process up if it neither ends nor computes."""
        kind, looks, before = self.struck[process.pid]
        seconds = self.run._measure(process)
        looks = looks + 1 if seconds == before else 0
        self.struck[process.pid] = (kind, looks, seconds)
        if looks > STUCK:
            self.run.wrong.append(f"{process.rule} {process.job} is stuck after {kind}")
            process.signal(signal.SIGKILL)

    def _strike_snakemake(self, snakemake: subprocess.Popen, processes: dict[int, Process]) -> None:
        kind = str(self.stream.choice(SNAKEMAKE_KINDS))
        self.sent, self.interrupted = time.monotonic(), kind.startswith("SIGKILL")
        self._note(kind, "snakemake", "", f"{len(processes)} processes run", "")
        if kind == "SIGKILL alone":
            snakemake.kill()
        elif kind == "SIGKILL with its jobs":
            self.run.watch.kill()
        elif kind == "Ctrl-C":
            os.killpg(snakemake.pid, signal.SIGINT)
        else:
            snakemake.send_signal(signal.Signals[kind])

    def _note(self, kind: str, rule: str, job: str, moment: str, detail: str) -> None:
        fault = asdict(Fault(self.number, kind, rule, job, moment, detail))
        self.ledger.add(fault)
        self.mine.append(fault)
        print(f"{len(self.ledger.lines)}: {kind} to {job or rule}, {moment} {detail}", flush=True)

    def after(self, snakemake: subprocess.Popen) -> None:
        """Look at what a Snakemake that has ended leaves."""
        self.disk.empty()
        self.run.inputs.give_back()
        self.spared = self.sent is None or snakemake.returncode == 0
        if not self.interrupted:
            if self.run.locked():
                self.run.wrong.append(f"a Snakemake that was not killed has left its lock ({self.sent})")
            self.run.settle()
        elif self.stream.random() < 0.5:  # else the next one meets the jobs of this one
            wait_for_none(self.run.watch)


class Cluster:
    """What Slurm does to jobs: cancels them, queues them again, loses a node."""

    def __init__(self, slurm: SlurmCluster):
        self.slurm, self.last = slurm, 0.0

    def strike(self, kind: str, process: Process) -> str | None:
        """Do it to the job of a process; nothing if that has just ended."""
        try:
            parents = psutil.Process(process.pid).parents()
            titles = " ".join(word for each in parents for word in each.cmdline())
        except psutil.NoSuchProcess:
            return None
        if not (found := re.search(r"slurmstepd: \[(\d+)\.", titles)):
            return None
        job = found[1]
        if kind == SCANCEL:
            self.slurm.run("scancel", job)
        elif kind == REQUEUE:
            self.slurm.run("scontrol", "requeue", job)
        elif kind == NODE:
            node = {each["JobId"]: each for each in self.slurm.jobs()}[job]["NodeList"]
            self.slurm.kill_node(node)
            self.slurm.start_node(node)
        return f"job {job}"

    def release(self) -> None:
        """Let start what Slurm has queued again, which by itself waits."""
        if time.monotonic() < self.last + RELEASE:
            return
        self.last = time.monotonic()
        for job in self.slurm.run("squeue", "--noheader", "--states=PENDING", "--format=%i").split():
            self.slurm.run("scontrol", "update", f"job={job}", "StartTime=now")

    def reap(self, watch: Watch) -> None:
        """Kill Snakemakes of jobs that Slurm has ended, as the cgroups of a site do.

        Here processes are tracked by their parents; a Snakemake that hangs as it shuts down has none.
        """
        running = {job["JobId"] for job in self.slurm.jobs() if job["JobState"] in ("RUNNING", "COMPLETING")}
        for process in watch.processes().values():
            with suppress(psutil.NoSuchProcess):
                job = psutil.Process(process.pid).environ().get("SLURM_JOB_ID")
                if process.kind == "snakemake" and job and job not in running:
                    process.signal(signal.SIGKILL)

    def empty(self, seconds: float = PATIENCE) -> None:
        """Wait until no job is left."""
        self.slurm.wait(lambda: self.release() or not self.slurm.run("squeue", "--noheader"), seconds)


def wait_for_none(watch: Watch, seconds: float = PATIENCE) -> list[str]:
    """Commands of the processes that are still there after a while."""
    limit = time.monotonic() + seconds
    while (left := watch.processes()) and time.monotonic() < limit:
        time.sleep(0.2)
    return [process.command.decode(errors="replace") for process in left.values()]


def files(results: Path) -> set[Path]:
    """Everything that a run publishes: not what tells how it went."""
    return {
        path.relative_to(results)
        for path in results.rglob("*")
        if not path.is_dir()
        and path.relative_to(results).parts[0] not in ("logs", "benchmarks")
        and not {"tensorboard", ".resume"} & {*path.parts}
    }


def same(path: Path, other: Path) -> bool:
    """Whether two files are equal in every byte, or in all but the seconds that an epoch took."""
    if filecmp.cmp(path, other, shallow=False):
        return True
    if path.name != "training.csv":
        return False
    tables = [pd.read_csv(each, dtype=str).drop(columns="seconds") for each in (path, other)]
    return tables[0].equals(tables[1])


def differences(results: Path, others: Path, parts: set[Path] | None = None) -> Iterator[str]:
    """What is not as in a run in peace, in words."""
    found, expected = files(results), files(others) if parts is None else parts
    for path in sorted(found ^ expected):
        yield f"{path} {'appears' if path in found else 'is missing'}"
    for path in sorted(found & expected):
        if not same(results / path, others / path):
            yield f"{path} differs"
    for path in unfinished(results):
        yield f"{path.relative_to(results)} is left"


def messages(log: Path) -> Counter:
    """What the jobs said when they failed, numbers left out."""
    said = re.findall(
        r"(?m)^\w+(?: [\w-]+)*: (?:error: |failed with |stopped by ).*", log.read_text(errors="replace")
    )
    return Counter(re.sub(r"\d+", "…", sentence) for sentence in said)


def code() -> str:
    """Digest of everything that decides what a run makes."""
    sha = hashlib.sha256()
    for part in ("workflow", "config", "resources"):
        for path in sorted((ROOT / part).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                sha.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    sha.update((ROOT / "tests/tiny.yaml").read_bytes())
    return sha.hexdigest()


class Torture:
    """All rounds, in a folder from which they go on, on this machine or on a Slurm."""

    def __init__(
        self,
        folder: Path,
        cores: int,
        seed: int,
        targets: Sequence[str],
        cluster: SlurmCluster | None = None,
    ):
        self.folder, self.seed, self.targets, self.cluster = folder.resolve(), seed, targets, cluster
        self.folder.mkdir(parents=True, exist_ok=True)
        self.options = [*ON_SLURM, "--jobs", str(JOBS)] if cluster else ["--cores", str(cores)]
        state = self.folder / "code"
        if state.exists() and state.read_text() != code():
            raise SystemExit(f"{folder} holds a run of other code: delete it, or name another folder.")
        state.write_text(code())
        self.faults, self.rounds = Ledger(folder / "faults.jsonl"), Ledger(folder / "rounds.jsonl")

    def reference(self) -> tuple[Path, dict[str, float]]:
        """Results of a run in peace, and the seconds that each of its jobs computed."""
        folder, times = self.folder / "reference", self.folder / "seconds.json"
        if not times.exists():
            run = Run(folder, self.targets, self.options, self.cluster)
            run.watch.kill()
            shutil.rmtree(folder / "results", ignore_errors=True)
            run.peace()
            if run.wrong:
                raise SystemExit("; ".join(run.wrong))
            times.write_text(json.dumps(run.cpu))
        return folder / RESULTS, json.loads(times.read_text())

    def round(self, number: int, count: int) -> list[str]:
        """One run from nothing under ``count`` faults; what is wrong in the end."""
        expected, usual = self.reference()
        limits = Limits(count, shares(count, usual))
        folder = self.folder / f"round-{number:03d}"
        run = Run(folder, self.targets, self.options, self.cluster)
        disk = Disk(folder / "results")
        try:
            run.torture(self.faults, self.seed, number, limits, usual, disk)
            if not run.wrong:
                run.wrong += differences(folder / RESULTS, expected)
                run.settle()
            said = messages(folder / "snakemake.log")
            self.rounds.add({"round": number, "wrong": run.wrong, "said": said})
            if run.wrong and disk.exists:
                shutil.copytree(folder / "results", folder / "kept", symlinks=True)
        finally:
            run.watch.kill()
            if (folder / "kept").exists() or (self.rounds.lines and self.rounds.lines[-1]["round"] == number):
                disk.remove()
        if not run.wrong:
            shutil.rmtree(folder)
        return run.wrong

    def report(self) -> str:
        """Counts of faults by rule and kind, as a table in Markdown."""
        counts = Counter((line["rule"], line["kind"]) for line in self.faults.lines)
        known = dict.fromkeys((*JOB_KINDS, *PLACES, *SLURM, *SNAKEMAKE_KINDS))  # some strike both
        kinds = [kind for kind in known if any(struck == kind for _, struck in counts)]
        text = ["| rule | " + " | ".join(kinds) + " | all |", "|---" * (len(kinds) + 2) + "|"]
        for rule in [*sorted({rule for rule, _ in counts}), "all"]:
            row = [
                sum(n for (r, k), n in counts.items() if k == kind and rule in (r, "all")) for kind in kinds
            ]
            text.append(f"| {rule} | " + " | ".join(map(str, [*row, sum(row)])) + " |")
        wrong = [f"- round {line['round']}: {each}" for line in self.rounds.lines for each in line["wrong"]]
        said = sum((Counter(line["said"]) for line in self.rounds.lines), Counter())
        return "\n".join(
            [
                f"{sum(counts.values())} faults in {len(self.rounds.lines)} rounds.\n",
                *text,
                "\n## Wrong in the end\n",
                *(wrong or ["Nothing."]),
                "\n## What failed jobs said\n",
                *(f"- {count} × {sentence}" for sentence, count in said.most_common()),
                "",
            ]
        )


def main() -> int:
    """Torture as the command line says; 1 if something was wrong in the end."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--faults", type=int, default=1000, help="in all rounds together (%(default)s)")
    parser.add_argument("--per-round", type=int, default=250, help="faults in a round (%(default)s)")
    parser.add_argument("--seed", type=int, default=2021, help="of all that is drawn (%(default)s)")
    parser.add_argument("--folder", type=Path, help="(results/torture, results/torture-slurm)")
    parser.add_argument("--slurm", action="store_true", help="on a Slurm of two nodes on this machine")
    parser.add_argument("--cores", type=int, default=2, help="(%(default)s)")
    parser.add_argument("targets", nargs="*", help="files or rules of the tiny config (everything)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background jobs ignore it, and pass that on
    folder = given.folder or ROOT / ("results/torture-slurm" if given.slurm else "results/torture")
    with (
        tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as place,
        SlurmCluster(Path(place) / "cluster") if given.slurm else nullcontext() as cluster,
    ):
        targets = given.targets or (ON_CLUSTER if given.slurm else [])
        return go_on(Torture(folder, given.cores, given.seed, targets, cluster), given)


def go_on(torture: Torture, given: argparse.Namespace) -> int:
    """Rounds until there have been enough faults; 1 if something was wrong in the end."""
    done = {line["round"] for line in torture.rounds.lines}
    number = 0
    while number in done or len(torture.faults.lines) < given.faults:
        if number not in done:
            before = sum(line["round"] != number for line in torture.faults.lines)
            count = min(given.per_round, given.faults - before)
            for wrong in torture.round(number, count):
                print(f"round {number}: {wrong}", flush=True)
        number += 1
        (torture.folder / "report.md").write_text(torture.report())
    print(torture.report())
    return int(any(line["wrong"] for line in torture.rounds.lines))


if __name__ == "__main__":
    sys.exit(main())
