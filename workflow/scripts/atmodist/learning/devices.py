"""What networks are trained and evaluated on: the hardware that the config names, and one device of it."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from atmodist.core.errors import InputError
from atmodist.core.job import signals_blocked


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
    cuda_graphs: bool = True
    threads: int = 1
    checkpoint_minutes: float = 10

    def on_cpu(self) -> "Hardware":
        """The same without a GPU and in float32, for jobs whose rules ask for no GPU."""
        return replace(self, device="cpu", precision="32-true")


class Device(Protocol):
    """What evaluations need to know: Lightning's Fabric has it too, but takes seconds to import."""

    @property
    def device(self) -> torch.device:
        """Where tensors lie."""

    def autocast(self) -> AbstractContextManager:
        """Context in which networks compute in the precision of the hardware."""


@dataclass(frozen=True)
class OneDevice:
    """One device and its precision: a `Device`."""

    device: torch.device
    precision: str

    @property
    def on_gpu(self) -> bool:
        """Whether it is a GPU, to which memory that is pinned is copied faster."""
        return self.device.type == "cuda"

    def autocast(self) -> AbstractContextManager:
        """Context in which networks compute in ``precision``."""
        if self.precision == "32-true":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


def one_device(hardware: Hardware) -> OneDevice:
    """One device to evaluate on, chosen and set up by `prepare`."""
    device = torch.device(prepare(hardware))
    check(device, hardware.precision)
    return OneDevice(device, hardware.precision)


def prepare(hardware: Hardware) -> str:
    """Set PyTorch up; "cuda" if there is a GPU, unless ``hardware`` says otherwise, or "cpu".

    On a CPU the order of sums depends on ``threads`` alone. A GPU or a precision that is asked for and
    missing raises ``InputError``.
    """
    gpu = torch.cuda.device_count() > 0  # unlike is_available, without a context that forks cannot share
    if hardware.device == "gpu" and not gpu:
        built = (
            ""
            if torch.version.cuda or torch.version.hip
            else f" to PyTorch {torch.__version__}, a build for CPUs"
        )
        raise InputError(f"training.device is gpu, but no GPU is visible{built}; expected auto or cpu.")
    gpu = gpu and hardware.device != "cpu"
    if hardware.precision == "bf16-mixed" and not gpu and not cpu_has_bfloat16():
        raise InputError(
            "training.precision is bf16-mixed, but no GPU is used and this CPU has no units for bfloat16 "
            "(AVX512-BF16, AMX-BF16 or Arm's BF16); expected 32-true."
        )
    torch.set_num_threads(hardware.threads)
    # Like use_deterministic_algorithms, which imports the compiler, a second of every job.
    torch.set_deterministic_debug_mode("default" if gpu else "error")
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    return "cuda" if gpu else "cpu"


def check(device: torch.device, precision: str) -> None:
    """Start a GPU and see whether it can do what is asked for, or raise ``InputError``; CPUs are `prepare`'s.

    In the process that computes on it: once a GPU is started, the process cannot be forked.
    """
    if device.type != "cuda":
        return
    try:
        torch.cuda.init()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"the GPU cannot be used by PyTorch {torch.__version__}, built for CUDA {torch.version.cuda} "
            f"({reason}); expected a driver that fits, or training.device cpu."
        ) from None
    if precision == "bf16-mixed" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise InputError(
            f"training.precision is bf16-mixed, but {torch.cuda.get_device_name()} has no units for "
            "bfloat16; expected 32-true."
        )


def cpu_has_bfloat16() -> bool:
    """Whether the CPU multiplies in bfloat16 itself; emulating it would be slower than 32 bits."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(Path("/proc/cpuinfo").read_text().split()))


def lay_out(network: nn.Module, hardware: Hardware) -> nn.Module:
    """The network itself, its weights channels last and, if ``hardware`` says so, compiled."""
    network.to(memory_format=torch.channels_last)
    if hardware.compile:
        start_compilers()
        network.compile(dynamic=False)
    return network


def start_compilers() -> None:
    """The processes in which torch.compile compiles for GPUs, deaf to the signals that stop a training run.

    Slurm sends those to all its processes; without its compilers PyTorch would wait for them for ever.
    """
    with signals_blocked():
        from torch._inductor.async_compile import AsyncCompile  # a second, and may start them itself

        AsyncCompile.warm_pool()
        AsyncCompile.wakeup()


def to_device(device: Device, fields: Tensor) -> Tensor:
    """Fields on the device, in 32 bits, channels last."""
    fields = fields.to(device.device, non_blocking=True)
    return fields.to(torch.float32, memory_format=torch.channels_last)
