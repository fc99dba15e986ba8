"""Networks leave the workflow as model folders and come back in place of training runs."""

import csv
from pathlib import Path

import keras_files
import models
import numpy as np
import pytest
import torch
import trainings
import xarray as xr

from atmodist import configuration, import_keras, model_folder
from atmodist.core import netcdf
from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint, write_json
from atmodist.distance import AtmoDist
from atmodist.imported import import_network
from atmodist.learning import saved
from atmodist.learning.saved import save_network
from atmodist.learning.settings import AtmoDistSettings

ROOT = Path(__file__).parents[2]
DATA = {"level": "model level 120", "grid_spacing": 2.8125, "step_hours": 3, "latitude": [-40, 40]}
SETTINGS = {"stages": [4, 6, 8, 10], "blocks": 1, "classes": 5, "batch_size": 8}


def losses(factor):
    """Distances by lag as `measure_lag_losses` writes them."""
    lag = 3 * np.arange(1, 9)
    squared = 1.0 - np.exp(-lag / 12)
    return xr.Dataset(
        {"mean": (("measure", "lag"), [factor * squared, squared]), "scale": ("measure", [1.0, 1 / factor])},
        {"measure": ["content", "mse"], "lag": lag},
    )


@pytest.fixture
def exported(tmp_path):
    """A model folder of `export_atmodist`, and the network that went into it."""
    network = models.network(models.config())
    about = {"settings": SETTINGS, "patch": 32, "variables": ["divergence", "vorticity"]}
    save_network(tmp_path / "best.pt", network, epoch=7, **about)
    best = {"accuracy": 0.25, "top3_accuracy": 0.5, "loss": 1.4, "chance": 0.2}
    write_json(tmp_path / "best.json", best)
    models.MOMENTS.save(tmp_path / "moments.json")
    hours = 3 * np.arange(1, 6)
    count = xr.DataArray(
        1 + np.eye(5), {"true_lag": hours, "predicted_lag": hours}, ("true_lag", "predicted_lag")
    )
    netcdf.write(tmp_path / "confusion.nc", count.to_dataset(name="count"))
    for number in range(1, 5):
        layer = f"stage{number}"
        netcdf.write(tmp_path / f"losses_{layer}.nc", losses(1 / number))
        scale = {"layer": layer, "scale": float(number), "pairs": 100}
        write_json(tmp_path / f"scale_{layer}.json", scale)
    inputs = {
        "network": "best.pt",
        "best_info": "best.json",
        "confusion": "confusion.nc",
        "moments": "moments.json",
    }
    inputs["losses"] = [f"losses_stage{number}.nc" for number in range(1, 5)]
    inputs["scales"] = [f"scale_stage{number}.json" for number in range(1, 5)]
    params = {"trained_on": DATA, "model": "tiny"}
    trainings.run("export_atmodist", tmp_path, inputs, {"folder": "models/atmodist/tiny"}, params)
    return tmp_path / "models/atmodist/tiny", network


def test_an_atmodist_folder_measures_like_the_network(exported):
    folder, network = exported
    model = AtmoDist.from_pretrained(folder, layers={"stage2": 1.0, "stage3": 0.5})
    x, y = models.physical(2, 2, 32, 32), models.physical(2, 2, 32, 32, seed=1)
    normalised = [models.MOMENTS.forward(each, axis=1) for each in (x, y)]
    squares = {
        layer: (
            network.encoder.features(normalised[0], layer) - network.encoder.features(normalised[1], layer)
        )
        .square()
        .mean((1, 2, 3))
        for layer in ("stage2", "stage3")
    }
    torch.testing.assert_close(model(x, y), 2.0 * squares["stage2"] + 0.5 * 3.0 * squares["stage3"])
    torch.testing.assert_close(model.lag_logits(x, y), network(*normalised))


def test_the_folder_says_what_the_network_is(exported):
    folder, _ = exported
    config = model_folder.read_config(folder)
    assert config.scales == {"stage1": 1.0, "stage2": 2.0, "stage3": 3.0, "stage4": 4.0}
    assert config.units == ("s-1", "s-1")
    assert config.about["epoch"] == 7
    of_config = {"name": "tiny", "data": {"source": "era5"}, "training": trainings.HARDWARE}
    assert config.about["config_sha256"] == fingerprint(of_config)
    assert (config.about["config_name"], config.about["data"]) == ("tiny", "era5")
    assert {"torch_version", "atmodist_version"} <= set(config.about)
    card = (folder / "README.md").read_text()
    for words in ("25.0% of the evaluation pairs (chance 20.0%)", "model level 120", "2.8125°", "stage3 3"):
        assert words in card, words
    for name in ("confusion_matrix.png", "distances.png"):
        assert f"]({name})" in card
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_a_generators_folder_has_its_rows_of_the_summary(tmp_path):
    generator = models.network(models.config("generator"))
    (tmp_path / "weights").mkdir()
    saved.save(tmp_path / "weights/epoch-002.pt", {"generator": generator.state_dict()})
    models.MOMENTS.save(tmp_path / "moments.json")
    (tmp_path / "spectrum.png").write_bytes(b"picture")
    columns = ["config", "group", "system", "quantity", "variable", "value", "low", "high", "unit"]
    rows = [
        [
            "tiny",
            "super_resolution",
            "tiny",
            "mean_squared_error",
            "vorticity",
            "2e-11",
            "1e-11",
            "3e-11",
            "s-2",
        ],
        ["tiny", "super_resolution", "other", "ssim", "vorticity", "0.123", "", "", "1"],
        ["tiny", "super_resolution", "tiny", "ssim", "vorticity", "0.9", "", "", "1"],
    ]
    with open(tmp_path / "summary.csv", "w") as stream:
        csv.writer(stream).writerows([columns, *rows])
    inputs = {
        "weights": "weights",
        "moments": "moments.json",
        "summary": "summary.csv",
        "spectrum": "spectrum.png",
    }
    params = {"trained_on": DATA, "model": "tiny", "generator": models.SIZES["generator"], "epoch": 2}
    params["content"] = {"encoder": "lags-23", "layer": "stage4"}
    trainings.run("export_generator", tmp_path, inputs, {"folder": "models/srgan/tiny"}, params)
    network, config = model_folder.load(tmp_path / "models/srgan/tiny")
    for name, value in generator.state_dict().items():
        assert torch.equal(network.state_dict()[name], value)
    assert config.kind == "generator"
    card = (tmp_path / "models/srgan/tiny/README.md").read_text()
    assert "| mean squared error vorticity | 2e-11 s-2 (1e-11 to 3e-11) |" in card
    assert "| ssim vorticity | 0.9 |" in card
    assert "0.123" not in card
    assert "lags-23, stage4" in card
    assert "](energy_spectrum.png)" in card
    inputs["spectrum"] = []  # of fields that are no wind
    trainings.run("export_generator", tmp_path, inputs, {"folder": "models/srgan/calm"}, params)
    assert "energy_spectrum" not in (tmp_path / "models/srgan/calm/README.md").read_text()


def run_import(folder, weights, **settings):
    params = {
        "settings": SETTINGS | {"weights": str(weights)} | settings,
        "patch": 32,
        "variables": ["divergence", "vorticity"],
        "model": "tiny",
        "grid_spacing": 2.8125,
        "step_hours": 3,
        "alpha": 0.2,
    }
    inputs = {"weights": [str(weights)]}
    trainings.run("import_atmodist", folder, inputs, {"weights": "weights"}, params)
    (path,) = (folder / "weights").glob("epoch-*.pt")
    assert path.name == "epoch-001.pt"
    return torch.load(path)["network"]


def test_a_folder_takes_the_place_of_a_training_run(exported, tmp_path):
    folder, network = exported
    state = run_import(tmp_path, folder)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_a_keras_file_takes_the_place_of_a_training_run(tmp_path):
    keras_files.write(tmp_path / "model_weights.hdf5", keras_files.tensors(32, blocks=1))
    state = run_import(tmp_path, tmp_path / "model_weights.hdf5")
    expected = import_keras.load(tmp_path / "model_weights.hdf5", 32).state_dict()
    assert all(torch.equal(value, state[name]) for name, value in expected.items())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"settings": SETTINGS | {"classes": 7}},
            r"models\.tiny\.classes is 7, but .* has 5; set models\.tiny",
        ),
        ({"settings": SETTINGS | {"stages": [4, 6, 8, 9]}}, r"stages is \[4, 6, 8, 9\]"),
        ({"settings": SETTINGS | {"blocks": 2}}, "blocks is 2"),
        ({"patch": 64}, r"patches of 32 pixels; expected pairs\.patch, 64"),
        (
            {"variables": ["vorticity"]},
            r"is of \['divergence', 'vorticity'\]; expected that of data\.variables, \['vorticity'\]",
        ),
        (
            {"variables": ["vorticity", "divergence"]},
            r"expected that of data\.variables, \['vorticity', 'div",
        ),
        ({"alpha": 5.0}, r"is of 0\.2; expected that of normalisation\.alpha, 5\.0"),
        ({"grid_spacing": 1.40625}, r"spacing is 1\.40625°"),
        ({"step_hours": 6}, r"time step of 3 h; expected that of data\.step_hours, 6 h"),
    ],
)
def test_a_network_of_other_data_is_refused(exported, changes, said):
    given = {"settings": SETTINGS, "patch": 32, "variables": ["divergence", "vorticity"]}
    given |= {"grid_spacing": 2.8125, "step_hours": 3, "alpha": 0.2}
    with pytest.raises(InputError, match=said):
        import_network(exported[0], "models.tiny", **given | changes)


def test_an_encoder_alone_cannot_be_evaluated(tmp_path):
    models.write(tmp_path / "encoder", "encoder")
    with pytest.raises(InputError, match=r"models\.tiny\.weights is .* no classifier of lags"):
        import_network(
            tmp_path / "encoder", "models.tiny", SETTINGS, 32, ["divergence", "vorticity"], 2.8125, 3, 0.2
        )


def test_the_config_knows_a_model_that_is_not_trained():
    """It may ask for more batches than there are, and has no pre-training whose epochs would not count."""
    paper = configuration.tidy(configuration.read(ROOT / "config/config.yaml"))
    edit = {"atmodist": {"models": {"original": {"weights": "model_weights.hdf5", "batches": 10**9}}}}
    config = configuration.merged(paper, edit)
    configuration.check(config, configuration.read(ROOT / "workflow/schemas/config.schema.yaml"), "edit.yaml")
    settings = AtmoDistSettings.of(configuration.models(config, "atmodist")["original"])
    assert settings.weights == "model_weights.hdf5"
    assert settings.pretraining.epochs == 0


def test_an_encoder_without_a_classifier_measures_like_itself(tmp_path):
    """An untrained one: its folder is a distance like AtmoDist's."""
    network = models.network(models.config())
    about = {"settings": SETTINGS, "patch": 32, "variables": ["divergence", "vorticity"]}
    save_network(tmp_path / "best.pt", torch.nn.ModuleDict({"encoder": network.encoder}), **about)
    models.MOMENTS.save(tmp_path / "moments.json")
    netcdf.write(tmp_path / "losses.nc", losses(0.5))
    write_json(tmp_path / "scale.json", {"layer": "stage2", "scale": 3.0, "pairs": 100})
    inputs = {
        "encoder": "best.pt",
        "losses": ["losses.nc"],
        "scales": ["scale.json"],
        "moments": "moments.json",
    }
    params = {"trained_on": DATA, "encoder": "random"}
    params["weights_from"] = "a random draw, no training"
    trainings.run("export_encoder", tmp_path, inputs, {"folder": "models/untrained/random"}, params)
    folder = tmp_path / "models/untrained/random"
    model = AtmoDist.from_pretrained(folder, layers={"stage2": 1.0})
    x, y = models.physical(2, 2, 32, 32), models.physical(2, 2, 32, 32, seed=1)
    seen = [network.encoder.features(models.MOMENTS.forward(each, axis=1), "stage2") for each in (x, y)]
    expected = 3 * (seen[0] - seen[1]).square().mean((1, 2, 3))
    torch.testing.assert_close(model(x, y), expected, rtol=1e-4, atol=1e-6)
    assert "a random draw, no training" in (folder / "README.md").read_text()
    assert (folder / "distances.png").exists()
