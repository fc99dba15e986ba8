"""The metrics give the same in batches, in processes and at once, and know when samples are too few."""

import math
import socket

import models
import numpy as np
import pytest
import torch
import torch.distributed
import torch.multiprocessing
from scipy.linalg import sqrtm
from torchmetrics import MetricCollection

import atmodist
from atmodist.core.errors import InputError
from atmodist.distance import AtmoDist
from atmodist.evaluation.frechet import frechet_distance
from atmodist.metrics import AtmoDistDistance, FrechetAtmoDist

X, Y = models.physical(24, 2, 32, 32), models.physical(24, 2, 32, 32, seed=1)


@pytest.fixture
def model(folder):
    return AtmoDist.from_pretrained(folder)


def test_the_distance_metric_is_the_mean_over_all_fields(model):
    metric = AtmoDistDistance(model)
    for part in (slice(0, 5), slice(5, 24)):  # batches of different sizes count by their fields
        metric.update(Y[part], X[part])
    assert metric.compute().item() == pytest.approx(model(X, Y).mean().item(), rel=1e-6)
    metric.reset()
    with (
        pytest.warns(UserWarning, match="before the"),
        pytest.raises(InputError, match="no fields have been"),
    ):
        metric.compute()
    metric.update(X, X)
    assert metric.compute() == 0
    assert not model.training


def test_distances_of_a_collection_are_their_own(folder):
    """Torchmetrics takes two metrics for one whose first values are equal, as of equal fields."""
    layers = ("stage1", "stage2")
    each = {layer: AtmoDistDistance(AtmoDist.from_pretrained(folder, layer)) for layer in layers}
    together = MetricCollection(each)
    for fields in (X, Y):
        together.update(fields, X)
    found = together.compute()
    for layer in layers:
        alone = AtmoDist.from_pretrained(folder, layer)(Y, X).mean() / 2
        assert found[layer].item() == pytest.approx(alone.item(), rel=1e-6)


def features(model, fields):
    return model.features(fields, "stage1").double().mean((2, 3)).numpy()


def test_the_frechet_metric_is_that_of_its_features(model):
    metric = atmodist.metrics.FrechetAtmoDist(model, "stage1")
    real, fake = X, 1.5 * Y
    for part in (slice(0, 7), slice(7, 24)):
        metric.update(real[part], real=True)
        metric.update(fake[part], real=False)
    first, second = features(model, real), features(model, fake)
    covariances = [np.cov(each, rowvar=False) for each in (first, second)]
    expected = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(sum(covariances))
    expected -= 2 * np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    with pytest.warns(
        UserWarning, match=r"24 samples in 4 dimensions; with fewer than 10 per dimension \(40\)"
    ):
        found = metric.compute()
    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.filterwarnings("ignore:FrechetAtmoDist")
def test_a_call_adds_fields_as_an_update_does(model):
    called, updated = (FrechetAtmoDist(model, "stage1", reset_real_features=False) for _ in range(2))
    for fields, real in ((X, True), (Y[:9], False), (Y[9:], False)):
        assert called(fields, real=real) is None
        updated.update(fields, real=real)
    assert called.compute() == updated.compute()


@pytest.mark.filterwarnings("error::UserWarning")
def test_enough_samples_bring_no_warning(model):
    metric = FrechetAtmoDist(model, "stage1")
    for real in (True, False):
        metric.update(torch.cat([X, Y]), real=real)
    assert metric.compute().item() == pytest.approx(0, abs=1e-6)


def test_the_threshold_of_the_warning_is_where_the_bias_is_five_percent():
    """Equal Gaussians of D dimensions, n samples each, are about (D + 1)/2n of the variance apart."""
    dimension, rng, found = 16, np.random.default_rng(0), []
    for _ in range(200):
        first, second = (np.cov(rng.standard_normal((dimension, 10 * dimension))) for _ in range(2))
        centre = np.zeros(dimension)
        found.append(frechet_distance(centre, first, centre, second) / dimension)
    assert np.mean(found) == pytest.approx(17 / 2 / 160, rel=0.1)


def test_a_kept_truth_survives_a_reset(model):
    kept = FrechetAtmoDist(model, "stage1", reset_real_features=False)
    forgotten = FrechetAtmoDist(model, "stage1")
    for metric in (kept, forgotten):
        metric.update(X, real=True)
        metric.update(Y, real=False)
        metric.reset()
        metric.update(Y, real=False)
    assert (kept.real_count, kept.fake_count) == (24, 24)
    with pytest.raises(InputError, match="0 real fields"):
        forgotten.compute()


@pytest.mark.parametrize("order", ["kept first", "forgotten first"])
def test_what_is_kept_is_not_shared_in_a_collection(model, order):
    names = ("kept", "forgotten") if order == "kept first" else ("forgotten", "kept")
    together = MetricCollection(
        {name: FrechetAtmoDist(model, "stage1", reset_real_features=name == "forgotten") for name in names}
    )
    together.update(X, real=True)
    together.update(X, real=True)
    together.reset()
    assert {name: int(metric.real_count) for name, metric in together.items()} == {"kept": 48, "forgotten": 0}


def in_a_process(rank, folder, port, path):
    """Half of the fields in each of two processes."""
    place = f"tcp://127.0.0.1:{port}"
    torch.distributed.init_process_group("gloo", place, rank=rank, world_size=2)
    torch.set_num_threads(1)
    model = AtmoDist.from_pretrained(folder)
    part = slice(0, 10) if rank == 0 else slice(10, 24)
    distance, frechet = AtmoDistDistance(model), FrechetAtmoDist(model, "stage1")
    distance.update(X[part], Y[part])
    frechet.update(X[part], real=True)
    frechet.update(1.5 * Y[part], real=False)
    torch.save([distance.compute(), frechet.compute()], f"{path}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore:FrechetAtmoDist")
def test_two_processes_agree_on_what_one_finds(folder, model, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(in_a_process, (str(folder), port, str(tmp_path)), nprocs=2)
    distance, frechet = AtmoDistDistance(model), FrechetAtmoDist(model, "stage1")
    distance.update(X, Y)
    frechet.update(X, real=True)
    frechet.update(1.5 * Y, real=False)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt")
        assert math.isclose(found[0], distance.compute(), rel_tol=1e-6)
        assert math.isclose(found[1], frechet.compute(), rel_tol=1e-6)
