"""What can happen to a process of a running workflow, and who runs; needs Linux's ``/proc``."""

import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TOKEN = "TORTURED_RUN"
"""Environment variable that every process of a run inherits, so that it is found wherever it went."""
SCRIPT = re.compile(rb"\.snakemake/scripts/tmp[^/]+\.(\w+)\.py$")
LOG = re.compile(rb"results/[\w.-]+/logs/([\w./-]+?)\.log")
RESULT = re.compile(rb"results/[\w.-]+/(?!logs/|benchmarks/)[\w./-]+\.\w+")
TICKS = os.sysconf("SC_CLK_TCK")
YOUNG = 5  # s in which a process may still become another program


@dataclass
class Process:
    """A process of a run: ``kind`` is snakemake, script, worker (a fork of a script) or other."""

    pid: int
    parent: int
    kind: str
    rule: str = ""
    job: str = ""
    command: bytes = b""

    def cpu(self) -> float:
        """Seconds that it has computed."""
        with open(f"/proc/{self.pid}/stat", "rb") as stream:
            numbers = stream.read().rpartition(b")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / TICKS

    def files(self) -> list[str]:
        """Paths that it has open."""
        found = []
        for number in os.listdir(f"/proc/{self.pid}/fd"):
            with suppress(OSError):
                found.append(os.readlink(f"/proc/{self.pid}/fd/{number}"))
        return found

    def writes(self) -> bool:
        """Whether an unfinished file is open."""
        return any(".partial" in path for path in self.files())

    def results(self) -> list[str]:
        """Files of the run that a script names, relative to its folder: those it reads and those it makes."""
        text = Path(os.fsdecode(self.command.rstrip(b"\0").rpartition(b"\0")[2])).read_bytes()
        return sorted({os.fsdecode(path) for path in RESULT.findall(text)})

    def signal(self, number: int) -> None:
        """Send a signal, also to what has just ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Watch:
    """The processes that carry ``TOKEN={token}`` in their environment."""

    def __init__(self, token: str):
        self.mark = f"{TOKEN}={token}".encode()
        self.strangers: set[int] = set()
        self.seen: dict[int, float] = {}

    def processes(self) -> dict[int, Process]:
        """All of them that live, by number."""
        found = {}
        numbers = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        self.strangers &= numbers
        for pid in numbers - self.strangers:
            try:
                if self.mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                    found[pid] = _describe(pid)
                    continue
            except OSError:  # it has just ended
                continue
            if time.monotonic() > self.seen.setdefault(pid, time.monotonic()) + YOUNG:
                self.strangers.add(pid)
        for process in found.values():
            parent = found.get(process.parent)
            if process.kind == "script" and parent and parent.command == process.command:
                process.kind = "worker"
        return found

    def kill(self) -> None:
        """Kill all of them."""
        while found := self.processes():
            for process in found.values():
                process.signal(signal.SIGKILL)
            time.sleep(0.05)


def _describe(pid: int) -> Process:
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    parent = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    words = command.rstrip(b"\0").split(b"\0")
    if script := SCRIPT.search(words[-1]):
        return Process(pid, parent, "script", script[1].decode(), _job(words[-1]), command)
    if b"snakemake" in words[:4]:
        return Process(pid, parent, "snakemake", command=command)
    return Process(pid, parent, "other", command=command)


def _job(script: bytes) -> str:
    """The job that a script runs, named as its log is; its text is gone when the job is."""
    with suppress(OSError):
        if log := LOG.search(Path(os.fsdecode(script)).read_bytes()):
            return log[1].decode()
    return ""


class Disk:
    """A file system of its own for a folder, whose size can change; only root can have one."""

    size = "2000m"

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        mounted = folder.is_mount() or self._mount(f"size={self.size}", "tmpfs")
        self.exists = mounted and self._mount(f"remount,size={self.size}")

    def fill(self, spare: int) -> None:
        """Leave ``spare`` bytes."""
        state = os.statvfs(self.folder)
        used = (state.f_blocks - state.f_bfree) * state.f_frsize
        self._mount(f"remount,size={max(used + spare, 4096)}")

    def empty(self) -> None:
        """Give it its size again."""
        self._mount(f"remount,size={self.size}")

    def remove(self) -> None:
        """Unmount it; what it holds is lost."""
        subprocess.run(["umount", "--lazy", self.folder], check=False, capture_output=True)

    def _mount(self, options: str, *source: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, *source, self.folder]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


class Inputs:
    """A file that a running job reads is deleted or cut, and is back when the job has ended.

    Tables in CSV are not cut: they have no checksum, as docs/reliability.md says.
    """

    def __init__(self, folder: Path):
        self.folder, self.aside = folder, folder / "results/aside"
        self.taken_from: int | None = None

    def strike(self, kind: str, process: Process, stream: np.random.Generator) -> str | None:
        """Delete a file that the job reads, or cut it; nothing where it reads none."""
        paths = [self.folder / path for path in process.results()]
        found = [path for path in paths if path.is_file() and not (kind == CUT and path.suffix == ".csv")]
        if not found or self.taken_from is not None:
            return None
        path = found[stream.integers(len(found))]
        size = int(stream.integers(path.stat().st_size + 1))
        kept = self.aside / path.relative_to(self.folder / "results")
        kept.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, kept)
        if kind == CUT:
            copy = self.aside / "cut"
            copy.write_bytes(path.read_bytes()[:size])
            os.replace(copy, path)
        else:
            path.unlink()
        self.taken_from = process.pid
        return f"{path.relative_to(self.folder)}{f' to {size} bytes' if kind == CUT else ''}"

    def give_back(self, living: Container[int] = ()) -> None:
        """Put back what was taken from a job that has ended, also by a harness that was killed."""
        if self.taken_from in living:
            return
        for kept in self.aside.rglob("*"):
            if kept.is_file():
                os.replace(kept, self.folder / "results" / kept.relative_to(self.aside))
        self.taken_from = None


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how often it is drawn, and what it does to a script; returns the details in words."""

    weight: float
    strike: Callable[[Process, np.random.Generator], str]


def _send(number: int) -> Callable:
    def strike(process, stream):
        process.signal(number)
        return ""

    return strike


def _log_uniform(stream: np.random.Generator, low: float, high: float) -> int:
    return int(np.exp(stream.uniform(np.log(low), np.log(high))))


def _limit(process: Process, limit: int, value: int) -> None:
    resource.prlimit(process.pid, limit, (value, value))


def _starve_of_file_size(process: Process, stream: np.random.Generator) -> str:
    size = _log_uniform(stream, 1, 1e6)
    _limit(process, resource.RLIMIT_FSIZE, size)
    return f"files of at most {size} bytes"


def _starve_of_memory(process: Process, stream: np.random.Generator) -> str:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
    spare = _log_uniform(stream, 2**16, 2**28)
    _limit(process, resource.RLIMIT_AS, pages * resource.getpagesize() + spare)
    return f"{spare} bytes more than it has"


def _starve_of_descriptors(process: Process, stream: np.random.Generator) -> str:
    numbers = map(int, os.listdir(f"/proc/{process.pid}/fd"))
    limit = max(numbers) + 1 + int(stream.integers(3))
    _limit(process, resource.RLIMIT_NOFILE, limit)
    return f"{limit} file descriptors"


JOB_KINDS = {
    "SIGKILL": Kind(4, _send(signal.SIGKILL)),
    "SIGTERM": Kind(2, _send(signal.SIGTERM)),
    "SIGINT": Kind(2, _send(signal.SIGINT)),
    "RLIMIT_FSIZE": Kind(2, _starve_of_file_size),
    "RLIMIT_AS": Kind(2, _starve_of_memory),
    "RLIMIT_NOFILE": Kind(2, _starve_of_descriptors),
}
DISK_FULL = "disk full"
DELETED, CUT = "input deleted", "input cut"
SCANCEL, REQUEUE, NODE = "scancel", "requeue", "node killed"
PLACES = {DISK_FULL: 2, DELETED: 1, CUT: 1}
"""Faults of what is around a job, and their weights."""
SLURM = {SCANCEL: 3, REQUEUE: 3, NODE: 1}
"""What a cluster may do to a job besides."""
SNAKEMAKE_KINDS = ("SIGKILL alone", "SIGKILL with its jobs", "SIGTERM", "SIGINT", "Ctrl-C")


@dataclass
class Plan:
    """A fault that waits for its moment in a job: computed seconds, or the time since it began to write."""

    kind: str
    cpu: float | None
    delay: float = 0.0
    due: float | None = field(default=None, init=False)

    def is_due(self, process: Process) -> bool:
        """Whether the moment has come."""
        if self.cpu is not None:
            return process.cpu() >= self.cpu
        if self.due is None and process.writes():
            self.due = time.monotonic() + self.delay
        return self.due is not None and time.monotonic() >= self.due


def draw(stream: np.random.Generator, cpu: float, others: Mapping[str, float]) -> Plan:
    """A fault for a job that usually computes ``cpu`` seconds: while it writes, or at any moment.

    ``others`` are weights of the kinds that can strike it besides `JOB_KINDS`.
    """
    kinds = {name: kind.weight for name, kind in JOB_KINDS.items()} | dict(others)
    weights = np.array(list(kinds.values()))
    kind = str(stream.choice(list(kinds), p=weights / weights.sum()))
    if stream.random() < 0.4:
        return Plan(kind, None, float(stream.uniform(0, 0.1)))
    return Plan(kind, float(stream.uniform(0, cpu)))


def unfinished(folder: Path) -> Iterator[Path]:
    """What a writer or a training run that was stopped has left."""
    for path in folder.rglob("*"):
        unfinished_training = path.name == ".resume" and not (path / "finished").exists()
        if ".partial" in path.name or unfinished_training:
            yield path
