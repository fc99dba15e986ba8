"""What is told of a GPU that cannot be used, and the processes that compile for GPUs."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from atmodist.core.errors import InputError
from atmodist.learning.devices import Hardware, one_device

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
SIGNALLED_WHILE_COMPILING = """
import os, signal, time
from atmodist.learning.devices import start_compilers

come = []
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: come.append(number))
start_compilers()
from torch._inductor.async_compile import AsyncCompile

pool = AsyncCompile.process_pool()
pool.submit(os.getpid).result(60)
kernel = pool.submit(time.sleep, 1)
os.killpg(0, signal.SIGTERM)
os.killpg(0, signal.SIGUSR1)
kernel.result(60)
print(len(come))
"""


@pytest.fixture
def one_gpu(monkeypatch):
    """A GPU that PyTorch sees, and can start."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla V100")
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    yield
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode(mode)


def test_a_driver_that_does_not_fit_is_told_in_one_sentence(one_gpu, monkeypatch):
    def too_old():
        raise RuntimeError(
            "The NVIDIA driver on your system is too old (found version 11040).\nPlease update"
        )

    monkeypatch.setattr(torch.cuda, "init", too_old)
    with pytest.raises(InputError, match=r"CUDA .* \(The NVIDIA driver on your system is too old .*\); exp"):
        one_device(Hardware(device="auto"))


def test_a_gpu_without_bfloat16_does_not_emulate_it(one_gpu, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    with pytest.raises(InputError, match="bf16-mixed, but Tesla V100 has no units for bfloat16"):
        one_device(Hardware(device="gpu", precision="bf16-mixed"))
    assert one_device(Hardware(device="gpu")).on_gpu


def test_a_build_for_cpus_is_named_where_a_gpu_is_expected(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError) as told:
        one_device(Hardware(device="gpu"))
    assert (f"PyTorch {torch.__version__}, a build for CPUs" in str(told.value)) == (
        torch.version.cuda is None
    )


def test_compilers_outlive_the_signals_that_stop_a_training_run():
    run = subprocess.run(
        [sys.executable, "-c", SIGNALLED_WHILE_COMPILING],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        timeout=200,
        start_new_session=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "2\n"), run.stderr
