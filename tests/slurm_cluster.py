"""A real Slurm on loopback: one node with a declared GPU, started for a test and stopped after it.

Needs Debian's slurmctld, slurmd, slurm-client and munge. Run by itself it starts a cluster for trying things:
``python tests/slurm_cluster.py`` prints what to set, and stops at Ctrl-C.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
MISSING = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name, path=PATH)]

# More cores and memory than the machine may have, so that the rules can ask for what the paper needs.
CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
MinJobAge=3600
GresTypes=gpu
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=256000 Gres=gpu:2
PartitionName=batch Nodes=node Default=YES State=UP
"""
GPUS = "NodeName=node Name=gpu File=/dev/null\nNodeName=node Name=gpu File=/dev/zero\n"
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
        for part in ("state", "spool", "bin"):
            (self.folder / part).mkdir(parents=True)
        about = {"host": socket.gethostname(), "user": getpass.getuser(), "folder": self.folder}
        about |= {"ports": free_ports(2), "srun": shutil.which("srun")}
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
            self.start_node()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.run("scancel", "--signal=KILL", "--full", f"--user={getpass.getuser()}")
        self.stop()

    def stop(self) -> None:
        """Stop the daemons, the first one last."""
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(15)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def start(self, program: str, *options: str) -> None:
        """Start a daemon."""
        with open(self.folder / f"{program}.log", "a") as stream:
            self.daemons[program] = subprocess.Popen(
                [shutil.which(program, path=PATH), *options],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

    def start_node(self) -> None:
        """Start the node and wait until it takes jobs."""
        self.start("slurmd", "-D", "-N", "node")
        self.wait(lambda: self.run("sinfo", "--noheader", "--format=%T") in ("idle", "mixed"))

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

    def wait(self, condition: Callable[[], object], seconds: float = 60) -> None:
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
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
