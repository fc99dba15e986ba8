"""What training runs on: one device, several, or those of several nodes; and the signals that stop it."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators import CUDAAccelerator
from lightning_fabric.plugins.environments import LightningEnvironment
from torch import Tensor
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException, active_children

from atmodist.core.errors import InputError
from atmodist.core.job import SIGNALS, failing_in_one_sentence, logger
from atmodist.learning.nodes import other_nodes

stopped_by: list[int] = []
"""Numbers of the signals that have come since ``launch``."""


@dataclass(frozen=True)
class Hardware:
    """What a training run computes on, in the words of the config's section ``training``.

    ``device`` is "auto", "cpu" or "gpu"; ``devices`` are those of each node, ``threads`` those of each
    device; ``precision`` is "32-true" or, on GPUs and CPUs that have units for it, "bf16-mixed".
    """

    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "32-true"
    compile: bool = False
    threads: int = 1
    checkpoint_minutes: float = 10


def device(hardware: Hardware, devices: int = 1, nodes: int = 1) -> Fabric:
    """Fabric of ``devices`` on each of ``nodes``: GPUs if there are any, unless ``hardware`` says otherwise.

    On a CPU the order of sums depends on ``threads`` alone. Several devices of a node are as many processes,
    forked by ``launch``. A GPU or a precision that is asked for and missing raises
    ``InputError``.
    """
    gpu = CUDAAccelerator.is_available()
    if hardware.device == "gpu" and not gpu:
        raise InputError("the device is to be a gpu, but none is visible; expected auto or cpu.")
    gpu = gpu and hardware.device != "cpu"
    if hardware.precision == "bf16-mixed" and not gpu and not cpu_has_bfloat16():
        raise InputError(
            "the precision is to be bf16-mixed, but no GPU is used and this CPU has no units for bfloat16 "
            "(AVX512-BF16, AMX-BF16 or Arm's BF16); expected 32-true."
        )
    torch.set_num_threads(hardware.threads)
    torch.use_deterministic_algorithms(not gpu)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    return Fabric(
        accelerator="cuda" if gpu else "cpu",
        devices=devices,
        num_nodes=nodes,
        strategy="ddp_fork" if devices * nodes > 1 else "auto",
        plugins=LightningEnvironment(),  # processes are ours, also inside a Slurm job
        precision=hardware.precision,
    )


def cpu_has_bfloat16() -> bool:
    """Whether the CPU multiplies in bfloat16 itself; emulating it would be slower than 32 bits."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(Path("/proc/cpuinfo").read_text().split()))


def launch(hardware: Hardware, train: Callable, *arguments, **settings) -> None:
    """Run ``train(fabric, …)`` on all devices; SIGTERM and SIGUSR1 end it after a step, its state saved."""
    stopped_by.clear()
    launcher = os.getpid()

    def stop(number, frame):
        """Remember the signal; the launcher of several processes passes it on to them."""
        stopped_by.append(number)
        if os.getpid() == launcher:
            for child in active_children():
                os.kill(child.pid, number)

    previous = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        with other_nodes(hardware.nodes, hardware.threads * hardware.devices):
            fabric = device(hardware, hardware.devices, hardware.nodes)
            fabric.launch(_in_its_process, hardware, train, arguments, settings)
    except ProcessExitedException as error:
        sys.exit(error.exit_code)
    except ProcessRaisedException as error:  # before any of them trained
        print(error, file=sys.stderr)
        logger.error(
            "failed: the processes of the training run do not find each other (see above in the log)"
        )
        sys.exit(1)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _in_its_process(fabric, hardware, train, arguments, settings):
    torch.set_num_threads(hardware.threads)  # again: Lightning sets its own number in forked processes
    if fabric.is_global_zero:
        gpu = fabric.device.type == "cuda"
        name = torch.cuda.get_device_name() if gpu else f"CPU of {hardware.threads} threads"
        logger.info("training on %d × %s, precision %s", fabric.world_size, name, hardware.precision)
    with failing_in_one_sentence():
        train(fabric, *arguments, **settings)


def to_device(fabric: Fabric, fields: Tensor) -> Tensor:
    """Fields on the device, in 32 bits, channels last."""
    fields = fields.to(fabric.device, non_blocking=True)
    return fields.to(torch.float32, memory_format=torch.channels_last)
