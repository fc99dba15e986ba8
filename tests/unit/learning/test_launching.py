"""Several processes of a training run, forked from one that has loaded networks."""

import subprocess
import sys
from unittest import mock

import pytest
import trainings

from atmodist.core.errors import InputError
from atmodist.core.files import write_json
from atmodist.learning import launching, saved
from atmodist.learning.networks import Generator

ENCODER = {"classes": 3, "stages": [16, 16, 32, 64], "blocks": 1}
GENERATOR = {"channels": 64, "blocks": 1}
SHORT = {"content": {"encoder": "lags", "layer": "stage4"}, "batches": 1}
COMMON = {"patch": 32, "variables": trainings.VARIABLES, "seed": 1, "model": "tiny"}
SCRIPTS = {
    "train_srgan": (
        {"patches": ["samples.h5"], "generator": "generator.pt"},
        {
            "generator": GENERATOR,
            "settings": trainings.SRGAN | SHORT | {"phases": [{"epochs": 1, "learning_rate": 1e-4}]},
        },
    ),
    "train_inpainting": (
        {"pairs": ["samples.h5"]},
        {"settings": trainings.INPAINTING | SHORT | {"stages": [16, 16, 32, 64], "epochs": 1}},
    ),
}


KILLED = """
import os, signal, sys, time
from dataclasses import replace
sys.path[:] = {paths!r}
from atmodist.core.job import job
from trainings import CPU
from atmodist.learning.launching import launch

def train(fabric):
    if fabric.global_rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)

with job("job.log", "train"):
    launch(replace(CPU, devices=2), train)
"""


def test_the_signal_that_ended_a_process_is_named(tmp_path):
    """As the kernel's where memory has run out."""
    code = KILLED.format(paths=sys.path)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == "train: failed: a process of the training run was ended by SIGKILL"


def test_a_device_that_cannot_be_used_is_told_before_lightning_fails(monkeypatch):
    def refuse(device, precision):
        raise InputError("training.device is gpu; expected a driver that fits")

    fabric = mock.Mock(world_size=1)
    fabric.launch.side_effect = RuntimeError("the driver is too old")
    monkeypatch.setattr(launching, "fabric_of", lambda _: fabric)
    monkeypatch.setattr(launching, "check", refuse)
    with pytest.raises(InputError, match="expected a driver that fits"):
        launching.launch(trainings.CPU, print)


@pytest.mark.parametrize("script", SCRIPTS)
def test_they_do_not_wait_for_threads_that_they_do_not_have(tmp_path, script):
    """Tensors so large that PyTorch computes with several threads, in the parent and in its children."""
    inputs, params = SCRIPTS[script]
    write = trainings.write_pairs if script == "train_inpainting" else trainings.write_patches
    write(tmp_path / "samples.h5", count=32)
    network = Generator(2, **GENERATOR)
    assert max(each.numel() for each in network.parameters()) > 32768
    saved.save(tmp_path / "generator.pt", {"generator": network.state_dict()})
    network = saved.build(ENCODER, 32, trainings.VARIABLES)
    about = {"settings": ENCODER, "patch": 32, "variables": trainings.VARIABLES}
    saved.save_network(tmp_path / "best.pt", network, **about)
    write_json(tmp_path / "scale.json", {"scale": 1.0, "layer": "stage4", "pairs": 1})
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; import trainings\n"
        f"inputs = {inputs | {'encoder': 'best.pt', 'scale': 'scale.json'}!r}\n"
        f"outputs = {{'log': 'training.csv', 'weights': 'weights'}}\n"
        f"hardware = trainings.HARDWARE | {{'threads': 2, 'devices': 2}}\n"
        f"trainings.run({script!r}, {str(tmp_path)!r}, inputs, outputs, {COMMON | params!r}, hardware)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert "training on 2 × CPU of 2 threads" in run.stderr
    assert (tmp_path / "training.csv").exists()
