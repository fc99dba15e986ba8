"""A training on several nodes of a Slurm job: the first one starts the same script on the others.

The processes find each other by ``MASTER_ADDR``, ``MASTER_PORT`` and ``NODE_RANK``, like those that PyTorch's
own launcher starts (https://docs.pytorch.org/docs/stable/elastic/run.html).
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from lightning_fabric.plugins.environments.lightning import find_free_network_port
from torch.multiprocessing import active_children

from atmodist.errors import InputError
from atmodist.job import logger

# What a training ends with that Slurm has stopped: its state is saved, nothing is wrong.
STOPPED = {0, *(128 + number for number in (signal.SIGTERM, signal.SIGUSR1))}
# Slurm numbers the processes of the step on the other nodes from 0.
NUMBERED = 'NODE_RANK=$((SLURM_PROCID + 1)) exec "$@"'


@contextmanager
def other_nodes(nodes: int, cores: int) -> Iterator[None]:
    """Have the script that runs here run on all ``nodes`` of the Slurm job, on ``cores`` of each.

    On the others it does nothing. If the script fails on one of them, the processes of the training here are
    killed: they would wait for it for ever. Outside a Slurm job of so many nodes raises ``InputError``.
    """
    if nodes == 1 or "NODE_RANK" in os.environ:
        yield
        return
    if "SLURM_JOB_ID" not in os.environ:
        raise InputError(f"config key training.nodes is {nodes}, but this is no Slurm job; expected 1.")
    port = str(find_free_network_port())
    os.environ |= {"MASTER_ADDR": socket.gethostname(), "MASTER_PORT": port, "NODE_RANK": "0"}
    # What Slurm told this step, of one process on one node, must not shape the other.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    environment["SLURM_JOB_ID"] = os.environ["SLURM_JOB_ID"]
    command = ["srun", f"--nodes={nodes - 1}", f"--ntasks={nodes - 1}", "--ntasks-per-node=1"]
    command += [f"--cpus-per-task={cores}", f"--exclude={os.environ['SLURMD_NODENAME']}"]
    command += ["--kill-on-bad-exit=1", "sh", "-c", NUMBERED, "sh", sys.executable, sys.argv[0]]
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as others:
        Thread(target=_watch, args=[others], daemon=True).start()
        try:
            yield
        finally:
            if sys.exc_info()[0]:
                others.terminate()


def _watch(others: subprocess.Popen) -> None:
    """Kill the training's processes when those of the other nodes have failed."""
    if others.wait() not in STOPPED:
        logger.error("the training has failed on another node; the logs that end in .node-1 … say why")
        for child in active_children():
            child.kill()
