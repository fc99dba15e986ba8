"""How training starts, on one device, several, or those of several nodes; and the signals that stop it."""

import os
import signal
import sys
from collections.abc import Callable

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException, active_children

from atmodist.core.job import SIGNALS, failing_in_one_sentence, logger
from atmodist.learning.devices import Hardware, check, prepare
from atmodist.learning.nodes import other_nodes

PATIENCE = 2  # one Ctrl-C may come twice: from the terminal and from the launcher
stopped_by: list[int] = []
"""Numbers of the signals that have come since ``launch``."""


def fabric_of(hardware: Hardware) -> Fabric:
    """Fabric of the devices of all nodes, chosen and set up by `devices.prepare`.

    Several devices of a node are as many processes, forked by ``launch``.
    """
    return Fabric(
        accelerator=prepare(hardware),
        devices=hardware.devices,
        num_nodes=hardware.nodes,
        strategy="ddp_fork" if hardware.devices * hardware.nodes > 1 else "auto",
        plugins=LightningEnvironment(),  # processes are ours, also inside a Slurm job
        precision=hardware.precision,
    )


def launch(hardware: Hardware, train: Callable, *arguments) -> None:
    """Run ``train(fabric, …)`` on all devices; `SIGNALS` end it after a step, its state saved.

    Whoever presses Ctrl-C three times does not want to wait for that. Networks are loaded by ``train``, not
    before it: a process that has computed with several threads cannot be forked, since its children would
    wait for OpenMP's threads, which they inherit by name only.
    """
    stopped_by.clear()
    launcher = os.getpid()

    def stop(number, frame):
        """Remember the signal; the launcher of several processes passes it on to them."""
        stopped_by.append(number)
        if os.getpid() == launcher:
            for child in active_children():
                os.kill(child.pid, number)
        if stopped_by.count(signal.SIGINT) > PATIENCE:
            sys.exit(128 + number)

    previous = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        with other_nodes(hardware.nodes, hardware.threads * hardware.devices):
            fabric = fabric_of(hardware)
            if fabric.world_size == 1:
                check(fabric.device, hardware.precision)  # before Fabric fails with a traceback
            fabric.launch(_in_its_process, hardware, train, arguments)
    except ProcessExitedException as error:
        if error.signal_name:
            logger.error("failed: a process of the training run was ended by %s", error.signal_name)
            sys.exit(1)
        sys.exit(error.exit_code)
    except ProcessRaisedException as error:  # before any of them trained
        print(error, file=sys.stderr)
        logger.error(
            "failed: the processes of the training run do not find each other or their devices: %s "
            "(the whole traceback is in the log)",
            str(error).strip().splitlines()[-1],
        )
        sys.exit(1)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _in_its_process(fabric, hardware, train, arguments):
    torch.set_num_threads(hardware.threads)  # again: Lightning sets its own number in forked processes
    if fabric.is_global_zero:
        gpu = fabric.device.type == "cuda"
        name = torch.cuda.get_device_name() if gpu else f"CPU of {hardware.threads} threads"
        logger.info("training on %d × %s, precision %s", fabric.world_size, name, hardware.precision)
    with failing_in_one_sentence():
        check(fabric.device, hardware.precision)
        train(fabric, *arguments)
