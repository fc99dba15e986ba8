"""Training and evaluation of AtmoDist against Keras' rules, plain PyTorch and other libraries."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
)
from trainings import ATMODIST, CPU, VARIABLES, run, training_job, write_pairs

from atmodist.core.errors import InputError
from atmodist.core.hdf5 import seal
from atmodist.core.seeds import torch_seed
from atmodist.learning import atmodist_training as atmodist
from atmodist.learning import optimisers, predictions, saved
from atmodist.learning.devices import one_device
from atmodist.learning.launching import launch
from atmodist.learning.saved import build, load_network
from atmodist.learning.settings import AtmoDistSettings, LearningRateSchedule
from atmodist.samples.batches import PairBatches, SampleFiles, loader
from atmodist.samples.shards import CHUNKED


def test_each_gradient_is_clipped_by_itself():
    parameters = [torch.nn.Parameter(torch.zeros(n)) for n in (2, 3, 1)]
    for parameter, gradient in zip(parameters, ([30.0, 40], [1.0, 2, 2], [0.0]), strict=True):
        parameter.grad = torch.tensor(gradient)
    optimisers.clip_each([*parameters, torch.nn.Parameter(torch.zeros(1))], norm=5)
    for parameter, expected in zip(parameters, ([3.0, 4], [1.0, 2, 2], [0.0]), strict=True):
        torch.testing.assert_close(parameter.grad, torch.tensor(expected))


class KerasPlateau:
    """`tf.keras.callbacks.ReduceLROnPlateau`, from its documentation: mode min, no cooldown."""

    def __init__(self, rate, factor, patience, threshold, floor):
        self.rate, self.factor, self.patience = rate, factor, patience
        self.threshold, self.floor = threshold, floor
        self.best, self.wait = np.inf, 0

    def step(self, loss):
        if loss < self.best - self.threshold:
            self.best, self.wait = loss, 0
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.rate = max(self.rate * self.factor, self.floor)
                self.wait = 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 8))
def test_learning_rate_schedule_is_that_of_keras(losses, patience):
    settings = {"factor": 0.1, "patience": patience, "threshold": 0.04, "floor": 1e-5}
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    schedule = optimisers.reduce_on_plateau(optimiser, LearningRateSchedule(**settings))
    keras = KerasPlateau(0.1, **settings)
    for loss in losses:
        schedule.step(loss)
        keras.step(loss)
        assert optimiser.param_groups[0]["lr"] == pytest.approx(keras.rate, rel=1e-6)


def test_scores_agree_with_torchmetrics():
    torch.manual_seed(0)
    logits, label = torch.randn(200, 7), torch.randint(7, (200,))
    score = predictions.Scores(7)
    for part in (slice(0, 120), slice(120, 200)):
        score.update(logits[part], label[part])
    found = score.result()
    assert found["loss"] == pytest.approx(F.cross_entropy(logits, label).item(), rel=1e-6)
    for name, k in (("accuracy", 1), ("top3_accuracy", 3)):
        expected = multiclass_accuracy(logits, label, 7, average="micro", top_k=k).item()
        assert found[name] == pytest.approx(expected, rel=1e-6)
        assert predictions.accuracies(logits, label)[name].item() == pytest.approx(expected, rel=1e-6)
    expected = multiclass_confusion_matrix(logits, label, 7).numpy()
    predicted = score.predictions(np.arange(200).astype("datetime64[h]"))
    assert (predicted["rank"] == 0).mean() == pytest.approx(found["accuracy"])
    assert (predicted["rank"] < 3).mean() == pytest.approx(found["top3_accuracy"])
    np.testing.assert_allclose(predicted["loss"], F.cross_entropy(logits, label, reduction="none"), rtol=1e-5)
    matrix = score.confusion_matrix(step_hours=3)["count"]
    np.testing.assert_array_equal(matrix.transpose("true_lag", "predicted_lag"), expected)
    assert matrix["true_lag"].values.tolist() == [3, 6, 9, 12, 15, 18, 21]


def test_scores_agree_with_one_another_where_logits_are_equal():
    """As those of bfloat16 often are: one order decides hits, ranks and the confusion matrix."""
    torch.manual_seed(0)
    logits, label = torch.randn(500, 7).round(), torch.randint(7, (500,))
    score = predictions.Scores(7)
    score.update(logits, label)
    rank = score.predictions(np.zeros(500, "M8[h]"))["rank"].values
    ahead = (logits > logits.gather(1, label[:, None])).sum(1).numpy()
    behind = (logits >= logits.gather(1, label[:, None])).sum(1).numpy()
    assert ((ahead <= rank) & (rank < behind)).all()
    assert (ahead < behind - 1).any()
    found = score.result()
    assert ((rank == 0).mean(), (rank < 3).mean()) == (found["accuracy"], found["top3_accuracy"])
    counts = np.bincount(rank, minlength=7)
    assert counts[0] == np.trace(score.confusion)
    assert (rank == 0).mean() == pytest.approx(np.mean(1 / (behind - ahead) * (ahead == 0)), abs=0.03)


def train(folder, settings, lags=3):
    write_pairs(folder / "pairs.h5", count=240, lags=lags)
    job = training_job(folder, [folder / "pairs.h5"])
    launch(CPU, atmodist.train_atmodist, job, AtmoDistSettings.of(settings))
    return pd.read_csv(job.log)


def test_one_epoch_equals_plain_pytorch(tmp_path):
    """The loop against the textbook's: weight decay of 2λ on kernels, each gradient clipped by itself.

    Pairs of lags that the network has no class for are left out.
    """
    settings = {**ATMODIST, "epochs": 1, "pretraining": {"epochs": 0, "batches": None}}
    settings |= {"gradient_norm": 0.3, "weight_penalty": 0.05}
    table = train(tmp_path, settings, lags=5)
    torch.manual_seed(torch_seed(1, "atmodist", "weights", 0))
    network = build(settings, 32, VARIABLES)
    kernels = [p for p in network.parameters() if p.dim() > 1]
    velocity = {p: torch.zeros_like(p) for p in network.parameters()}
    data = PairBatches(SampleFiles([tmp_path / "pairs.h5"], 32, VARIABLES), 8, 12, classes=3)
    losses = []
    for first, second, label in loader(data, 0, torch_seed(1, "atmodist", "order", 0)):
        loss = F.cross_entropy(network(first.float(), second.float()), label)
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in network.parameters():
                p.grad += 2 * 0.05 * p if any(p is k for k in kernels) else 0
                torch.nn.utils.clip_grad_norm_([p], 0.3)
                velocity[p] = 0.9 * velocity[p] + p.grad
                p -= 0.05 * velocity[p]
        losses.append(loss.item())
    assert table["loss"].item() == pytest.approx(np.mean(losses), rel=1e-4)
    state = saved.load(tmp_path / "weights/epoch-001.pt")["network"]
    for name, expected in network.state_dict().items():
        torch.testing.assert_close(state[name], expected, rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atmodist")
    settings = {**ATMODIST, "pretraining": {"epochs": 2, "batches": 15}, "epochs": 10, "batches": 30}
    settings["learning_rate"] = 0.025  # at twice that, the last epochs jump
    return folder, settings, train(folder, settings)


def test_learns_a_lag_that_shows(trained):
    _, _, table = trained
    assert table["loss"].iloc[-1] < 0.3
    assert table["accuracy"].iloc[-1] > 0.85


def test_table_has_a_row_an_epoch(trained):
    folder, _, table = trained
    assert table["epoch"].tolist() == list(range(1, 13))
    assert table["phase"].tolist() == ["pre-training"] * 2 + ["training"] * 10
    assert table["top3_accuracy"].eq(1).all()
    names = sorted(path.name for path in (folder / "weights").iterdir())
    assert names == [f"epoch-{n:03d}.pt" for n in range(1, 13)]
    states = [saved.load(folder / "weights" / name)["network"] for name in names]
    batches = [state["encoder.stem.1.num_batches_tracked"].item() for state in states]
    assert np.diff([0, *batches]).tolist() == [15] * 2 + [30] * 10, "the pre-training uses a subset"


def test_evaluation_of_several_networks(trained):
    folder, settings, _ = trained
    networks = [build(settings, 32, VARIABLES) for _ in range(2)]
    networks[1].load_state_dict(saved.load(folder / "weights/epoch-012.pt")["network"])
    pairs = PairBatches(SampleFiles([folder / "pairs.h5"], 32, VARIABLES), 50, classes=3)
    scores = predictions.evaluate(one_device(CPU), networks, loader(pairs), 3)
    first, second, label = pairs[np.arange(240)]
    for network, score in zip(networks, scores, strict=True):
        with torch.no_grad():
            logits = network.eval()(first.float(), second.float())
        assert score.result()["loss"] == pytest.approx(F.cross_entropy(logits, label).item(), rel=1e-4)
        accuracy = (logits.argmax(1) == label).float().mean().item()
        assert score.result()["accuracy"] == pytest.approx(accuracy, abs=0.01)


@pytest.mark.parametrize(("threshold", "last"), [(2.0, 0.05), (100.0, 0.005)])
def test_the_rate_falls_where_loss_and_penalty_together_stand_still(tmp_path, threshold, last):
    """The schedule does not see the first epoch, the pre-training; a row has the rate of its epoch."""
    schedule = {"factor": 0.1, "patience": 1, "threshold": threshold, "floor": 1e-9}
    settings = {**ATMODIST, "epochs": 3, "batches": 6, "weight_penalty": 0.1}
    table = train(tmp_path, {**settings, "learning_rate_schedule": schedule})
    assert table["loss"].diff()[2] > -2 > (table["loss"] + table["penalty"]).diff()[2]
    assert table["learning_rate"].tolist() == pytest.approx([0.05, 0.05, 0.05, last])


def test_pretraining_never_gives_the_best_epoch():
    assert predictions.best_epoch([0.1, 0.2, 0.9, 0.7, 0.8], pretraining_epochs=2) == 4
    assert predictions.best_epoch([0.3, 0.2], pretraining_epochs=0) == 2


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_no_epoch_is_the_best_beside_one_that_diverged(loss):
    with pytest.raises(InputError, match="the network of epoch 3 has a loss that is not finite"):
        predictions.best_epoch([0.3, 0.2, loss, 0.1], pretraining_epochs=1)


def favouring(lag):
    """A network that finds one lag the most probable, whatever it sees."""
    torch.manual_seed(0)
    network = build(ATMODIST, 32, VARIABLES)
    with torch.no_grad():
        network.tail[4].weight.zero_()  # the last normalisation: its bias is all that is left of a feature
        network.tail[4].bias.fill_(1)
        network.tail[-1].weight.zero_()[lag - 1] = 0.5
    return network


def write_pairs_of_one_lag(path, lag, count):
    """Pairs most of which have the same lag."""
    write_pairs(path, count=count)
    with h5py.File(path, "a") as file:
        file["lag"][5:] = lag
        seal(file, CHUNKED)


@pytest.mark.parametrize(("validation", "epoch", "lag"), [([], 2, 1), (["validation.h5"], 3, 3)])
def test_a_validation_split_chooses_and_the_evaluation_split_reports(tmp_path, validation, epoch, lag):
    write_pairs_of_one_lag(tmp_path / "eval.h5", lag=1, count=40)
    write_pairs_of_one_lag(tmp_path / "validation.h5", lag=3, count=30)
    (tmp_path / "weights").mkdir()
    for number, favourite in enumerate((1, 1, 3), start=1):  # the first epoch is the pre-training
        weights = {"network": favouring(favourite).state_dict()}
        saved.save(tmp_path / f"weights/epoch-{number:03d}.pt", weights)
    names = {"evaluation": "evaluation.csv", "confusion": "confusion.nc", "predictions": "predictions.nc"}
    outputs = {**names, "best_info": "best.json", "best": "best.pt"}
    inputs = {"pairs": ["eval.h5"], "validation": validation, "weights": str(tmp_path / "weights")}
    params = {"settings": ATMODIST, "patch": 32, "variables": VARIABLES, "step_hours": 3}
    run("evaluate_atmodist", tmp_path, inputs, outputs, params)

    best = json.loads((tmp_path / "best.json").read_text())
    assert best["epoch"] == epoch
    chosen = torch.tensor([favouring(lag).tail[-1].weight[n, 0] for n in range(3)])
    assert torch.equal(load_network(tmp_path / "best.pt")[0].tail[-1].weight[:, 0], chosen)
    with h5py.File(tmp_path / "eval.h5") as file:
        expected = (file["lag"][:] == lag).mean()
    assert best["accuracy"] == pytest.approx(expected), "reported on the evaluation split"
    predicted = xr.load_dataset(tmp_path / "predictions.nc", engine="h5netcdf")
    assert (predicted["rank"] == 0).mean() == pytest.approx(expected)
    assert best["chosen_on"] == ("validation" if validation else "eval")
    table = pd.read_csv(tmp_path / "evaluation.csv")
    assert table["split"].tolist() == [best["chosen_on"]] * 3
    assert table["epoch"][table["chosen"]].tolist() == [epoch]


def test_seed_indices_differ_and_repetitions_do_not(tmp_path):
    settings = {**ATMODIST, "epochs": 1, "pretraining": {"epochs": 0, "batches": None}, "batches": 3}
    losses = []
    for name, seed_index in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / name).mkdir()
        losses.append(train(tmp_path / name, {**settings, "seed_index": seed_index})["loss"].item())
    assert losses[0] == losses[1] != losses[2]


def test_mixed_precision_of_a_gpu(tmp_path):
    """The path of a GPU, on the CPU: bfloat16 inside the network, 32 bits everywhere else."""
    write_pairs(tmp_path / "pairs.h5", count=120)
    settings = {**ATMODIST, "epochs": 1, "batches": 1, "pretraining": {"epochs": 0, "batches": None}}
    tables = []
    for precision in ("32-true", "bf16-mixed"):
        job = training_job(tmp_path / precision, [tmp_path / "pairs.h5"])
        fabric = Fabric(accelerator="cpu", plugins=LightningEnvironment(), precision=precision)
        atmodist.train_atmodist(fabric, job, AtmoDistSettings.of(settings))
        weights = saved.load(job.weights / "epoch-001.pt")["network"]
        assert {w.dtype for w in weights.values()} == {torch.float32, torch.int64}
        tables.append(pd.read_csv(job.log))
    assert tables[0]["loss"].item() != tables[1]["loss"].item()
    assert tables[0]["loss"].item() == pytest.approx(tables[1]["loss"].item(), rel=0.05)
