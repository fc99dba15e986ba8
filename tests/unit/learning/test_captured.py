"""A captured step does what the step does: on a CPU by running it, on a GPU by repeating its kernels."""

import dataclasses
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from trainings import ATMODIST, CPU, GENERATOR, SRGAN, SRGAN_SETTINGS, training_job, write_pairs

from atmodist.learning import atmodist_training, captured
from atmodist.learning.captured import CapturedStep
from atmodist.learning.launching import fabric_of, launch
from atmodist.learning.networks import Discriminator, Generator
from atmodist.learning.optimisers import adam
from atmodist.learning.settings import AtmoDistSettings, SRGANSettings
from atmodist.learning.srgan_training import Duel, Player
from atmodist.samples.batches import PairBatches

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is visible")


def test_on_a_cpu_each_call_runs_the_step():
    calls = []
    step = CapturedStep(fabric_of(CPU), lambda *tensors: calls.append(tensors) or sum(tensors))
    for number in range(captured.WARM_UP + 3):
        assert step(torch.tensor(number), torch.tensor(1)) == number + 1
    assert len(calls) == captured.WARM_UP + 3


@needs_gpu
def test_a_captured_step_sees_each_batch():
    fabric = fabric_of(dataclasses.replace(CPU, device="gpu"))
    total = torch.zeros((), device="cuda")
    step = CapturedStep(fabric, lambda batch: {"sum": total.add_(batch.float().sum()).clone()})
    for number in range(captured.WARM_UP + 4):
        found = step(torch.full((3,), number, dtype=torch.float16))
        assert found["sum"].item() == 3 * sum(range(number + 1))


@needs_gpu
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("band", [(0.0, 9.0), (9.0, 0.0)], ids=["regular steps", "all extra steps"])
def test_a_captured_duel_is_the_duel(band, precision, monkeypatch):
    """Two epochs at two learning rates, captured and not."""
    ends, steps = [], captured.WARM_UP + 5
    for warm_up in (sys.maxsize, captured.WARM_UP):
        monkeypatch.setattr(captured, "WARM_UP", warm_up)
        torch.manual_seed(0)
        fabric = fabric_of(dataclasses.replace(CPU, device="gpu", precision=precision))
        networks = Generator(2, **GENERATOR), Discriminator(2, 16, channels=2, dense=4)
        players = [Player(*fabric.setup(network, adam(fabric, network, 0.0))) for network in networks]
        limits = dict(zip(("extra_generator_below", "extra_discriminator_above"), band, strict=True))
        settings = {**SRGAN_SETTINGS, "discriminator": {**SRGAN["discriminator"], **limits}}
        batches = torch.randn(2, steps, 4, 2, 16, 16)
        for rate, epoch in zip((1e-3, 1e-4), batches, strict=True):
            for player in players:
                player.optimiser.param_groups[0]["lr"] = rate
            duel = Duel(fabric, *players, None, SRGANSettings.of(settings))
            losses = [{name: float(value) for name, value in duel.step(high).items()} for high in epoch]
        assert (duel._both.graph is not None) == (warm_up < steps)
        ends.append(
            (losses, [parameter.detach().cpu() for each in networks for parameter in each.parameters()])
        )
    for once, again in zip(*(losses for losses, _ in ends), strict=True):
        assert once == pytest.approx(again, rel=2e-2 if precision == "bf16-mixed" else 1e-4)
    for once, again in zip(*(weights for _, weights in ends), strict=True):
        torch.testing.assert_close(once, again, rtol=1e-2, atol=1e-3)


@needs_gpu
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_captured_training_run_learns_what_a_launched_one_does(compiled, tmp_path, monkeypatch):
    """Fed by processes that read ahead, over epochs with two learning rates."""
    write_pairs(tmp_path / "pairs.h5", count=400)
    settings = AtmoDistSettings.of({**ATMODIST, "batches": 40})
    hardware = dataclasses.replace(CPU, device="gpu", threads=3, compile=compiled)
    monkeypatch.setattr(atmodist_training, "PairBatches", partial(PairBatches, memory=0))
    tables = []
    for warm_up in (captured.WARM_UP, sys.maxsize):
        monkeypatch.setattr(captured, "WARM_UP", warm_up)
        folder = tmp_path / str(warm_up)
        folder.mkdir()
        job = training_job(folder, [tmp_path / "pairs.h5"], hardware=hardware)
        launch(hardware, atmodist_training.train_atmodist, job, settings)
        tables.append(pd.read_csv(job.log))
    assert tables[0]["loss"].iloc[-1] < 0.7 * tables[0]["loss"].iloc[0]
    np.testing.assert_allclose(tables[0]["loss"], tables[1]["loss"], rtol=0.05)


@pytest.mark.parametrize("ways", [{"foreach": True}, {"foreach": False, "fused": True, "capturable": True}])
def test_adam_loads_a_state_of_another_kind_of_device(ways):
    """PyTorch would take from the state how the saved optimiser computed, which this device may not."""
    network = torch.nn.Linear(2, 1)
    optimiser = adam(fabric_of(CPU), network, 0.1)
    network(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    state = optimiser.state_dict()
    foreign = {**state, "param_groups": [group | ways for group in state["param_groups"]]}
    optimiser.load_state_dict(foreign)
    assert {name: optimiser.param_groups[0][name] for name in ("foreach", "fused", "capturable")} == {
        "foreach": True,
        "fused": False,
        "capturable": False,
    }
    optimiser.step()
