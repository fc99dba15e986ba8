"""A captured step does what the step does: on a CPU by running it, on a GPU by repeating its kernels."""

import dataclasses
import gc
import sys
import weakref
from functools import partial

import numpy as np
import pandas as pd
import pytest
import replay
import torch
from trainings import (
    ATMODIST,
    CPU,
    GENERATOR,
    SRGAN,
    training_job,
    write_pairs,
    write_patches,
)

from atmodist.learning import atmodist_training, captured, saved, srgan_training
from atmodist.learning.captured import CapturedStep
from atmodist.learning.launching import fabric_of, launch
from atmodist.learning.networks import Discriminator, Generator
from atmodist.learning.optimisers import adam
from atmodist.learning.settings import AtmoDistSettings, GeneratorSettings, GeneratorTraining, SRGANSettings
from atmodist.learning.srgan_training import Duel, Player
from atmodist.learning.training import TrainingRun
from atmodist.samples.batches import PairBatches, PatchBatches

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is visible")


def test_on_a_cpu_each_call_runs_the_step():
    calls = []
    step = CapturedStep(fabric_of(CPU), lambda *tensors: calls.append(tensors) or sum(tensors))
    for number in range(captured.WARM_UP + 3):
        assert step(torch.tensor(number), torch.tensor(1)) == number + 1
    assert len(calls) == captured.WARM_UP + 3


def test_what_a_step_returns_has_no_gradients():
    """Not in what it is packed in, either."""
    weight = torch.ones(1, requires_grad=True)
    step = CapturedStep(fabric_of(CPU), lambda x: ({"loss": x * weight}, x * weight, 3))
    found, other, number = step(torch.tensor(2.0))
    assert (found["loss"].grad_fn, other.grad_fn, number) == (None, None, 3)
    assert found["loss"] == other == 2


def save_generator(path):
    """The weights of a generator in a file."""
    torch.manual_seed(0)
    saved.save(path, {"generator": Generator(2, **GENERATOR).state_dict()})
    return path


GPU = dataclasses.replace(CPU, device="gpu")
REPLAYED = pytest.param(CPU, id="replayed on a CPU")
LAUNCHED = sys.maxsize  # so many steps of warming up that none is captured


@pytest.fixture
def hardware(request, monkeypatch):
    """A GPU; or a CPU on which what a step did to tensors is done again, without asking Python."""
    if request.param.device == "cpu":
        replay.on_cpu(monkeypatch, captured)
    return request.param


def on(*hardware):
    """Run a test replayed on a CPU, and where there is a GPU on ``hardware``."""
    words = (f"{each.device} {each.precision}{' compiled' * each.compile}" for each in hardware)
    more = [pytest.param(each, id=word, marks=needs_gpu) for each, word in zip(hardware, words, strict=True)]
    return pytest.mark.parametrize("hardware", [REPLAYED, *more], indirect=True)


def assert_alike(hardware, once, again, **tolerance):
    """Equal on a CPU; on a GPU, which may sum in another order, to a tolerance."""
    np.testing.assert_allclose(once, again, **(tolerance if hardware.device == "gpu" else {"rtol": 0}))


@on(GPU)
def test_a_captured_step_sees_each_batch(hardware):
    fabric = fabric_of(hardware)
    total = torch.zeros((), device=fabric.device)
    step = CapturedStep(fabric, lambda batch: {"sum": total.add_(batch.float().sum()).clone()})
    for number in range(captured.WARM_UP + 4):
        found = step(torch.full((3,), number, dtype=torch.float16))
        assert found["sum"].item() == 3 * sum(range(number + 1))
    assert step.graph is not None


def test_what_lies_in_no_tensor_is_not_seen_again(monkeypatch):
    """So a learning rate needs a new step."""
    replay.on_cpu(monkeypatch, captured)
    rates = iter(range(10))
    step = CapturedStep(fabric_of(CPU), lambda batch: batch * next(rates))
    found = [step(torch.ones(())).item() for _ in range(captured.WARM_UP + 3)]
    assert found == [*range(captured.WARM_UP), *[captured.WARM_UP] * 3]


def test_a_step_that_decides_by_a_value_is_not_captured(monkeypatch):
    replay.on_cpu(monkeypatch, captured)
    step = CapturedStep(fabric_of(CPU), lambda batch: batch if batch > 0 else -batch)
    for _ in range(captured.WARM_UP):
        step(torch.ones(()))
    with pytest.raises(AssertionError, match="decides by the value"):
        step(torch.ones(()))


@on(GPU, dataclasses.replace(GPU, precision="bf16-mixed"))
@pytest.mark.parametrize("band", [(0.0, 9.0), (9.0, 0.0)], ids=["regular steps", "all extra steps"])
def test_a_captured_duel_is_the_duel(band, hardware, monkeypatch):
    """Two epochs at two learning rates, captured and not."""
    ends, steps = [], captured.WARM_UP + 5
    for warm_up in (LAUNCHED, captured.WARM_UP):
        monkeypatch.setattr(captured, "WARM_UP", warm_up)
        torch.manual_seed(0)
        fabric = fabric_of(hardware)
        networks = Generator(2, **GENERATOR), Discriminator(2, 16, channels=2, dense=4)
        players = [Player(*fabric.setup(network, adam(fabric, network, 0.0))) for network in networks]
        limits = dict(zip(("extra_generator_below", "extra_discriminator_above"), band, strict=True))
        settings = {**SRGAN, "discriminator": {**SRGAN["discriminator"], **limits}}
        batches = torch.randn(2, steps, 4, 2, 16, 16)
        losses = []
        for rate, epoch in zip((1e-3, 1e-4), batches, strict=True):
            for player in players:
                player.optimiser.param_groups[0]["lr"] = rate
            duel = Duel(fabric, *players, None, SRGANSettings.of(settings))
            losses += [
                [float(torch.as_tensor(value).detach()) for value in duel.step(high).values()]
                for high in epoch
            ]
        assert (duel._both.graph is not None) == (warm_up < steps)
        weights = [parameter.detach().cpu().flatten() for each in networks for parameter in each.parameters()]
        ends.append((losses, torch.cat(weights)))
    losses, weights = zip(*ends, strict=True)
    assert_alike(hardware, *losses, rtol=2e-2 if hardware.precision == "bf16-mixed" else 1e-4)
    assert_alike(hardware, *weights, rtol=1e-2, atol=1e-3)


@on(
    dataclasses.replace(GPU, threads=3),
    dataclasses.replace(GPU, threads=3, compile=True),
)
@pytest.mark.parametrize("network", ["atmodist", "generator", "gan"])
def test_a_captured_training_run_learns_what_a_launched_one_does(network, hardware, tmp_path, monkeypatch):
    """Fed by processes that read ahead if there are threads for them, over epochs with two learning rates."""
    monkeypatch.setattr(atmodist_training, "PairBatches", partial(PairBatches, memory=0))
    monkeypatch.setattr(srgan_training, "PatchBatches", partial(PatchBatches, memory=0))
    (write_pairs if network == "atmodist" else write_patches)(tmp_path / "samples.h5", count=400)
    sizes = GeneratorSettings(**GENERATOR)
    start = save_generator(tmp_path / "generator.pt")
    train, arguments = {
        "atmodist": (
            atmodist_training.train_atmodist,
            [AtmoDistSettings.of({**ATMODIST, "batches": 40})],
        ),
        "generator": (
            srgan_training.pretrain_generator,
            [sizes, GeneratorTraining(epochs=2, learning_rate=1e-3, batches=40, batch_size=8)],
        ),
        "gan": (
            srgan_training.train_srgan,
            [start, None, sizes, SRGANSettings.of({**SRGAN, "batches": 20})],
        ),
    }[network]
    tables = []
    for warm_up in (captured.WARM_UP, LAUNCHED):
        monkeypatch.setattr(captured, "WARM_UP", warm_up)
        folder = tmp_path / str(warm_up)
        folder.mkdir()
        job = training_job(folder, [tmp_path / "samples.h5"], hardware=hardware)
        launch(hardware, train, job, *arguments)
        tables.append(pd.read_csv(job.log).drop(columns=["seconds", "phase"]))
    learnt = 0.7 if network == "atmodist" else 1
    assert tables[0]["loss"].iloc[-1] < learnt * tables[0]["loss"].iloc[0]
    columns = ["loss"] if hardware.device == "gpu" else list(tables[0])
    assert_alike(hardware, *(table[columns] for table in tables), rtol=0.05)


@pytest.fixture
def uncollected():
    """Without garbage collection."""
    gc.disable()
    yield
    gc.enable()


def test_the_graphs_of_an_epoch_go_with_its_duel(tmp_path, monkeypatch, uncollected):
    """They hold memory of the GPU, and a reference cycle would keep it until a garbage collection."""
    replay.on_cpu(monkeypatch, captured)
    living, counts, end_epoch = weakref.WeakSet(), [], TrainingRun.end_epoch

    class Graph(replay.Graph):
        def __init__(self):
            super().__init__()
            living.add(self)

    def noting(training, *arguments, **settings):
        counts.append(len(living))
        end_epoch(training, *arguments, **settings)

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(TrainingRun, "end_epoch", noting)
    write_patches(tmp_path / "samples.h5")
    band = {"extra_generator_below": 9.0, "extra_discriminator_above": 0.0}
    settings = {**SRGAN, "discriminator": {**SRGAN["discriminator"], **band}}
    start = save_generator(tmp_path / "generator.pt")
    arguments = start, None, GeneratorSettings(**GENERATOR), SRGANSettings.of(settings)
    launch(CPU, srgan_training.train_srgan, training_job(tmp_path, [tmp_path / "samples.h5"]), *arguments)
    assert counts == [3, 3, 3]


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
