"""Scripts that evaluate networks: what they show them, and what they write of what comes out."""

import json

import h5py
import models
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from fields import hours, write_period
from trainings import ATMODIST, AUTOENCODER, INPAINTING, VARIABLES, run, write_pairs

from atmodist.core import netcdf
from atmodist.core.files import write_json
from atmodist.core.hdf5 import seal
from atmodist.learning import autoencoder, saved
from atmodist.samples.shards import CHUNKED


def test_a_network_fills_a_square_that_it_does_not_see(tmp_path):
    """The fields around it are the true ones, the network is the last one, normalised as in its training."""
    torch.manual_seed(0)
    network = autoencoder.build(INPAINTING, 32, VARIABLES)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    network(torch.randn(64, 2, 32, 32))  # statistics, without which random weights fill all squares alike
    (tmp_path / "weights").mkdir()
    before = autoencoder.build(INPAINTING, 32, VARIABLES)
    for epoch, each in enumerate((before, network), start=1):
        saved.save(tmp_path / f"weights/epoch-{epoch:03d}.pt", {"network": each.state_dict()})
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


def brightness(value):
    """An autoencoder that makes a field of one value of everything."""
    torch.manual_seed(0)
    network = autoencoder.build(AUTOENCODER, 32, VARIABLES)
    torch.nn.init.zeros_(network.decoder.tail.weight)
    torch.nn.init.constant_(network.decoder.tail.bias, value)
    return network


@pytest.mark.parametrize(("validation", "epoch", "value"), [([], 2, 0), (["validation.h5"], 3, 2)])
def test_the_autoencoder_of_the_least_error_is_kept_and_reported(tmp_path, validation, epoch, value):
    """On standard noise, and on a validation split of noise that is brighter by 2."""
    for name, shift in (("eval.h5", 0), ("validation.h5", 2)):
        write_pairs(tmp_path / name, count=20)
        with h5py.File(tmp_path / name, "a") as file:
            file["first"][:] += np.float16(shift)
            seal(file, CHUNKED)
    (tmp_path / "weights").mkdir()
    for number, each in enumerate((-1, 0, 2, 3), start=1):
        saved.save(tmp_path / f"weights/epoch-{number:03d}.pt", {"network": brightness(each).state_dict()})
    models.MOMENTS.save(tmp_path / "moments.json")
    inputs = {"pairs": ["eval.h5"], "validation": validation, "weights": str(tmp_path / "weights")}
    outputs = {"evaluation": "evaluation.csv", "errors": "errors.nc", "reconstructions": "examples.nc"}
    outputs |= {"best_info": "best.json", "best": "best.pt"}
    params = {"settings": AUTOENCODER, "patch": 32, "variables": VARIABLES}
    run("evaluate_autoencoder", tmp_path, inputs | {"moments": "moments.json"}, outputs, params)

    with h5py.File(tmp_path / "eval.h5") as file:
        first = file["first"][:].astype(float)
    expected = np.square(first - value).mean((2, 3))
    np.testing.assert_allclose(netcdf.read(tmp_path / "errors.nc")["squared_error"], expected, rtol=1e-3)
    best = json.loads((tmp_path / "best.json").read_text())
    assert best["epoch"] == epoch
    assert best["loss"] == pytest.approx(expected.mean(), rel=1e-3)
    kept = torch.load(tmp_path / "best.pt", weights_only=True)["network"]
    assert (kept["decoder.tail.bias"] == value).all()
    table = pd.read_csv(tmp_path / "evaluation.csv")
    assert table["epoch"][table["chosen"]].tolist() == [epoch] == [table["loss"].argmin() + 1]


def test_accuracies_are_told_in_parts_of_chance(tmp_path):
    """In the summary and in what the study keeps of a seed: four hits of eight among 23 classes."""
    (tmp_path / "lags-23").mkdir()
    write_json(tmp_path / "lags-23/best.json", {"epoch": 7, "chance": 1 / 23})
    pairs = {"rank": ("pair", [0, 1, 0, 5, 2, 0, 9, 0]), "loss": ("pair", np.ones(8))}
    time = np.datetime64("2001-01-01", "ns") + np.arange(8) * np.timedelta64(12, "h")
    netcdf.write(tmp_path / "predictions.nc", xr.Dataset(pairs, {"time": ("pair", time)}))
    pd.DataFrame({"epoch": [1], "seconds": [9.0]}).to_csv(tmp_path / "training.csv", index=False)
    inputs = {"best": ["lags-23/best.json"], "predictions": ["predictions.nc"], "curves": ["training.csv"]}
    nothing = "pressure", "losses", "evaluation", "cities", "reconstructions", "fills", "jets", "probes"
    inputs |= {name: [] for name in nothing}
    params = {"systems": [], "truncation": 31, "block_days": 1, "resamples": 30, "seed": 1}

    outputs = {"summary": "summary.csv", "netcdf": "summary.nc"}
    more = {"config_name": "tiny", "references": [], "jet_block_days": 1}
    run("summary", tmp_path, inputs, outputs, params | more)
    told = pd.read_csv(tmp_path / "summary.csv").set_index("quantity")["value"]
    assert told["accuracy"] == 0.5
    assert told["accuracy_over_chance"] == 0.5 * 23

    outputs = {name: f"{name}.csv" for name in ("about", "draws", "models", "duel", "jobs", "spectra")}
    model = {"content": "mse", "adversarial_weight": 0}
    more = {"judge": "", "models": {"l2": model}, "encoders": {}, "settings": {}}
    run("collect_study", tmp_path, inputs, outputs, params | more)
    kept = pd.read_csv(tmp_path / "draws.csv").set_index("quantity").loc["accuracy_over_chance"]
    assert kept["system"] == "lags-23"
    assert kept["draw_0"] == 0.5 * 23
    draws = kept[[f"draw_{n}" for n in range(1, 31)]].to_numpy(float)
    np.testing.assert_allclose(draws % (23 / 8), 0, atol=1e-4, err_msg="each day has two of the eight")


def test_uncertainty_is_that_of_the_lag_asked_for(tmp_path):
    """Of 6 hours, two steps: in the north-western window, by the network and all pairs of times."""
    values = write_period(tmp_path / "grid.h5", hours("2001-01-01", 5))
    models.MOMENTS.save(tmp_path / "moments.json")
    torch.manual_seed(1)
    network = saved.build(ATMODIST, 32, VARIABLES).eval()
    about = {"settings": ATMODIST, "patch": 32, "variables": VARIABLES}
    saved.save_network(tmp_path / "best.pt", network, **about)
    inputs = {"fields": "grid.h5", "moments": "moments.json", "encoder": "best.pt"}
    params = {"lag_hours": 6, "step_hours": 3, "times": 9, "stride": 32, "series_lag_hours": [3, 9, 12]}
    run("map_uncertainty", tmp_path, inputs, {"maps": "maps.nc"}, params | {"seed": 1})

    found = netcdf.read(tmp_path / "maps.nc")
    assert found["lag"].values.tolist() == [3, 6, 9], "12 is beyond the network's classes"
    windows = models.MOMENTS.forward(torch.from_numpy(values), axis=0)[:, :, :32, :32].transpose(0, 1)
    with torch.no_grad():
        probability = network(windows[:3], windows[2:]).softmax(1)[:, 1]
    middle = 15.5 * 180 / 64
    there = found["probability"].sel(season="whole", longitude=middle, latitude=90 - middle)
    assert there.item() == pytest.approx(probability.mean().item(), rel=1e-4)


def test_lag_losses_are_counted_on_the_days_of_their_pairs(tmp_path):
    """Of 16 pairs, two batches, spread over 40, of which one is every three hours."""
    write_pairs(tmp_path / "pairs.h5", count=40)
    models.MOMENTS.save(tmp_path / "moments.json")
    network = saved.build(ATMODIST, 32, VARIABLES)
    about = {"settings": ATMODIST, "patch": 32, "variables": VARIABLES}
    saved.save_network(tmp_path / "best.pt", network, **about)
    inputs = {"pairs": ["pairs.h5"], "moments": "moments.json", "encoder": "best.pt"}
    params = {"encoder": "tiny", "split": "train", "layers": ["stage2"], "batches": 2, "step_hours": 3}
    run("measure_lag_losses", tmp_path, inputs, {"losses": ["losses.nc"]}, params)

    numbers = np.arange(16) * 40 // 16
    with h5py.File(tmp_path / "pairs.h5") as file:
        day, lag = file["time"][:][numbers] // 24, file["lag"][:][numbers]
    expected, *_ = np.histogram2d(day, lag, [range(6), range(1, 5)])
    found = netcdf.read(tmp_path / "losses.nc")
    np.testing.assert_array_equal(found["pairs"], expected)
    assert found["lag"].values.tolist() == [3, 6, 9]
