"""Scripts that evaluate networks: what they show them, and what they write of what comes out."""

import json

import h5py
import models
import numpy as np
import pytest
import torch
from fields import hours, write_period
from trainings import ATMODIST, INPAINTING, VARIABLES, run, write_pairs

from atmodist.core import netcdf
from atmodist.learning import autoencoder, saved


def test_a_network_fills_a_square_that_it_does_not_see(tmp_path):
    """The fields around it are the true ones, and the network's normalisation is that of its training."""
    torch.manual_seed(0)
    network = autoencoder.build(INPAINTING, 32, VARIABLES)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    network(torch.randn(64, 2, 32, 32))  # statistics, without which random weights fill all squares alike
    (tmp_path / "weights").mkdir()
    saved.save(tmp_path / "weights/epoch-001.pt", {"network": network.state_dict()})
    models.MOMENTS.save(tmp_path / "moments.json")
    write_pairs(tmp_path / "pairs.h5", count=8)
    inputs = {"pairs": ["pairs.h5"], "moments": "moments.json", "weights": str(tmp_path / "weights")}
    params = {"fill": "l2", "settings": INPAINTING, "batch_size": 4, "patch": 32, "variables": VARIABLES}
    run("evaluate_inpainting", tmp_path, inputs, {"scores": "scores.nc"}, params)

    with h5py.File(tmp_path / "pairs.h5") as file:
        patches = torch.from_numpy(file["first"][:3]).float()
    truth = models.MOMENTS.log_inverse(patches, axis=1)
    patches[..., 11:19, 11:19] = 0
    with torch.no_grad():
        filled = models.MOMENTS.log_inverse(network.eval()(patches), axis=1)
    expected = truth.clone()
    expected[..., 11:19, 11:19] = filled[..., 11:19, 11:19]
    fields = netcdf.read(tmp_path / "scores.nc")["field"]
    for system, values in (("truth", truth), ("l2", expected)):
        np.testing.assert_allclose(fields.sel(system=system), values, rtol=1e-4, atol=1e-5)


def test_features_of_fields_are_means_of_normalised_values(tmp_path):
    """Over a sector that ends at longitude 0, of 00 and 12 UTC of each day."""
    values = write_period(tmp_path / "grid.h5", hours("2001-01-01", 16))
    models.MOMENTS.save(tmp_path / "moments.json")
    box = {"latitude": [20, 70], "longitude": [300, 360]}
    params = {"box": box, "source": "fields", "layer": None, "hours": [0, 12], "step_hours": 3}
    inputs = {"fields": "grid.h5", "moments": "moments.json", "encoder": []}
    run("average_sector", tmp_path, inputs, {"features": "features.nc"}, params)

    found = netcdf.read(tmp_path / "features.nc")["features"]
    latitude, longitude = 90 - np.arange(64) * 180 / 64, np.arange(128) * 180 / 64
    rows = (latitude >= 20) & (latitude <= 70)
    columns = (longitude >= 300) | (longitude == 0)
    normalised = models.MOMENTS.forward(values.astype(float), axis=0)[:, :, rows][..., columns]
    np.testing.assert_array_equal(found["latitude"], latitude[rows])
    for day in range(2):
        expected = normalised[:, [8 * day, 8 * day + 4]].mean((1, 3))
        np.testing.assert_allclose(found[day], expected, rtol=1e-4, atol=1e-5)


def test_predictions_are_of_the_pairs_whose_lag_the_network_knows(tmp_path):
    """Of pairs with lags of six classes, those of a network's three, each with its time."""
    write_pairs(tmp_path / "pairs.h5", count=40, lags=6)
    (tmp_path / "weights").mkdir()
    network = saved.build(ATMODIST, 32, VARIABLES)
    saved.save(tmp_path / "weights/epoch-001.pt", {"network": network.state_dict()})
    inputs = {"pairs": ["pairs.h5"], "validation": [], "weights": str(tmp_path / "weights")}
    outputs = {"evaluation": "evaluation.csv", "confusion": "confusion.nc", "predictions": "predictions.nc"}
    outputs |= {"best_info": "best.json", "best": "best.pt"}
    settings = ATMODIST | {"pretraining": {"epochs": 0, "batches": None}}
    params = {"settings": settings, "patch": 32, "variables": VARIABLES, "step_hours": 3}
    run("evaluate_atmodist", tmp_path, inputs, outputs, params)

    assert json.loads((tmp_path / "best.json").read_text())["chance"] == pytest.approx(1 / 3)
    with h5py.File(tmp_path / "pairs.h5") as file:
        known = file["time"][:][file["lag"][:] <= 3]
    found = netcdf.read(tmp_path / "predictions.nc")["time"].values
    np.testing.assert_array_equal(found.astype("datetime64[h]").astype(int), known)
