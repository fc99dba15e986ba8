"""A real Slurm on loopback: two nodes with declared GPUs, started for a test and stopped after it.

Needs Debian's slurmctld, slurmd, slurm-client and munge. Run by itself it starts a cluster for trying things:
``python tests/slurm_cluster.py`` prints what to set, and stops at Ctrl-C.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
MISSING = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name, path=PATH)]

# More cores and memory than the machine may have, so that the rules can ask for what the paper needs.
CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
MinJobAge=3600
SchedulerParameters=bf_interval=1
GresTypes=gpu
NodeName=DEFAULT CPUs=16 RealMemory=256000 Gres=gpu:2
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]}
PartitionName=batch Nodes=node1,node2 Default=YES State=UP
"""
NODES = ("node1", "node2")
GPUS = "".join(f"NodeName={node} Name=gpu File=/dev/{name}\n" for node in NODES for name in ("null", "zero"))
# Snakemake takes SLURM_CONF out of a job's environment; at a site, srun finds its configuration by itself.
SRUN = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


class SlurmCluster:
    """Context manager: a cluster whose files lie in ``folder``; ``environment`` makes programs use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"SLURM_CONF": f"{folder}/slurm.conf", "PATH": f"{folder}/bin:{PATH}"}
        self.daemons: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> "SlurmCluster":
        for part in ("state", "bin", *(f"spool-{node}" for node in NODES)):
            (self.folder / part).mkdir(parents=True)
        about = {"host": socket.gethostname(), "user": getpass.getuser(), "folder": self.folder}
        about |= {"ports": free_ports(3), "srun": shutil.which("srun")}
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(**about))
        (self.folder / "gres.conf").write_text(GPUS)
        (self.folder / "bin/srun").write_text(SRUN.format(**about))
        (self.folder / "bin/srun").chmod(0o755)
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)
        try:
            files = {
                "key-file": "key",
                "pid-file": "pid",
                "log-file": "log",
                "seed-file": "seed",
                "socket": "socket",
            }
            self.start(
                "munged", "-F", "-f", *(f"--{key}={self.folder}/munge.{name}" for key, name in files.items())
            )
            self.wait(lambda: (self.folder / "munge.socket").exists())
            self.start("slurmctld", "-D")
            for node in NODES:
                self.start_node(node)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.run("scancel", "--signal=KILL", "--full", f"--user={getpass.getuser()}")
        self.stop()

    def stop(self) -> None:
        """Stop the daemons, the first one last, and what a killed node has left running."""
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(15)
            except subprocess.TimeoutExpired:
                daemon.kill()
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # it has just ended
                if process.environ().get("SLURM_CONF") == self.environment["SLURM_CONF"]:
                    process.kill()

    def start(self, program: str, *options: str, name: str = "") -> None:
        """Start a daemon, under a name of its own if there are several."""
        with open(self.folder / f"{name or program}.log", "a") as stream:
            self.daemons[name or program] = subprocess.Popen(
                [shutil.which(program, path=PATH), *options],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

    def start_node(self, node: str) -> None:
        """Start a node and wait until it takes jobs."""
        self.start("slurmd", "-D", "-N", node, name=node)
        if "down" in self.run("sinfo", "--noheader", "--format=%T", f"--nodes={node}"):
            self.run("scontrol", "update", f"nodename={node}", "state=resume")
        self.wait(
            lambda: self.run("sinfo", "--noheader", "--format=%T", f"--nodes={node}") in ("idle", "mixed")
        )

    def kill_node(self, node: str) -> None:
        """Kill a node with all that runs on it and say that it is down, as Slurm would find after minutes."""
        running = [job["JobId"] for job in self.jobs() if job["JobState"] == "RUNNING"]
        tasks = [task for job in running for task in self.tasks(job, node)]
        keepers = set()  # each job's slurmstepd, and shells
        for task in tasks:
            with suppress(psutil.NoSuchProcess):  # it has just ended
                if task.ppid() != 1:
                    keepers.add(task.parent())
        self.daemons[node].kill()
        for process in {*keepers, *tasks} - {None}:
            with suppress(psutil.NoSuchProcess):  # its parent was killed before it
                process.kill()
        self.daemons[node].wait()
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=killed")

    def tasks(self, job: str, node: str) -> list[psutil.Process]:
        """Processes of a job, or of a step of it, on a node."""
        lines = self.run("scontrol", "listpids", job, node).splitlines()
        found = []
        for pid, *_ in filter(None, map(str.split, lines)):
            with suppress(ValueError, psutil.NoSuchProcess):  # the heading, and what has just ended
                found.append(psutil.Process(int(pid)))
        return found

    def start_now(self, job: str) -> None:
        """Start a job that Slurm has queued again; by itself it would wait two minutes."""
        self.wait(lambda: {each["JobId"]: each["JobState"] for each in self.jobs()}[job] == "PENDING")
        self.run("scontrol", "update", f"job={job}", "StartTime=now+2")

    def run(self, *command: str) -> str:
        """What one of Slurm's programs says."""
        environment = os.environ | self.environment
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        run = subprocess.run(command, env=environment, text=True, timeout=60, check=False, **streams)
        return run.stdout.strip()

    def jobs(self) -> list[dict[str, str]]:
        """What Slurm knows about each job since the start, in the order of submission."""
        lines = self.run("scontrol", "--oneliner", "show", "jobs").splitlines()
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]

    def wait(self, condition: Callable[[], object], seconds: float = 180) -> None:
        """Wait until the condition holds; if it does not in time, say what the daemons say."""
        limit = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > limit:
                logs = (f"{path}:\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))
                raise TimeoutError("the cluster does not do what was waited for\n" + "\n".join(logs))
            time.sleep(0.2)


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


if __name__ == "__main__":
    with SlurmCluster(Path(tempfile.mkdtemp(prefix="slurm-"))) as cluster:
        print("export", *(f"{name}={value}" for name, value in cluster.environment.items()), flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        with suppress(KeyboardInterrupt):
            signal.pause()
