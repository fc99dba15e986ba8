"""A training run on several nodes of a Slurm job: the first one starts the same script on the others.

The processes find each other by ``MASTER_ADDR``, ``MASTER_PORT`` and ``NODE_RANK``, like those that PyTorch's
own launcher starts (https://docs.pytorch.org/docs/stable/elastic/run.html).
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from lightning_fabric.plugins.environments.lightning import find_free_network_port
from torch.multiprocessing import active_children

from atmodist.core.errors import InputError
from atmodist.core.job import SIGNALS, logger

# What a training run ends with that Slurm has stopped: its state is saved, nothing is wrong.
STOPPED = {0, *(128 + number for number in SIGNALS)}
# Slurm numbers the processes of the step on the other nodes from 0.
NUMBERED = 'NODE_RANK=$((SLURM_PROCID + 1)) exec "$@"'
PATIENCE = 60  # s for the other nodes to end after a failure here


@contextmanager
def other_nodes(nodes: int, cores: int) -> Iterator[None]:
    """Have the script that runs here run on all ``nodes`` of the Slurm job, on ``cores`` of each.

    On the others it does nothing. If the script fails on one of them, the processes of the run here are
    killed, which would wait for it forever. Outside a Slurm job raises ``InputError``.
    """
    if nodes == 1 or "NODE_RANK" in os.environ:
        yield
        return
    if not {"SLURM_JOB_ID", "SLURMD_NODENAME"} <= set(os.environ):
        raise InputError(f"training.nodes is {nodes}, but this is no Slurm job; expected 1.")
    port = str(find_free_network_port())
    os.environ |= {"MASTER_ADDR": socket.gethostname(), "MASTER_PORT": port, "NODE_RANK": "0"}
    ended = Event()
    with subprocess.Popen(_command(nodes, cores), env=_environment(), stdin=subprocess.DEVNULL) as others:
        Thread(target=_watch, args=[others, ended], daemon=True).start()
        try:
            yield
        except BaseException:
            ended.set()
            others.terminate()
            try:
                others.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                others.kill()
            raise
        others.wait()
        ended.set()


def _command(nodes: int, cores: int) -> list[str]:
    """What runs this script on the other nodes."""
    step = [
        f"--nodes={nodes - 1}",
        f"--ntasks={nodes - 1}",
        "--ntasks-per-node=1",
        f"--cpus-per-task={cores}",
    ]
    step += [f"--exclude={os.environ['SLURMD_NODENAME']}", "--kill-on-bad-exit=1"]
    return ["srun", *step, "sh", "-c", NUMBERED, "sh", sys.executable, sys.argv[0]]


def _environment() -> dict[str, str]:
    """Without what Slurm set for this step, of one process on one node: it must not shape the other."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    return environment | {"SLURM_JOB_ID": os.environ["SLURM_JOB_ID"]}


def _watch(others: subprocess.Popen, ended: Event) -> None:
    """Kill the run's processes, those too that are yet to start, when another node has failed."""
    if others.wait() in STOPPED or ended.is_set():
        return
    logger.error("the training run has failed on another node; the logs that end in .node-1 … say why")
    while not ended.wait(1):
        for child in active_children():
            child.kill()
