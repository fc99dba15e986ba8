"""Each mistake in a config is told in one sentence that names the key."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atmodist import configuration
from atmodist.configuration import consistency
from atmodist.core.errors import InputError

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
PAPER = yaml.safe_load((ROOT / "config/config.yaml").read_text())
DEMO = configuration.merged(PAPER, yaml.safe_load((ROOT / "config/demo.yaml").read_text()))
DEMO_ALL = configuration.merged(DEMO, yaml.safe_load((ROOT / "config/demo-all.yaml").read_text()))
MISSING = object()


def changed(key, value):
    """The paper's config with one key changed or removed."""
    config = copy.deepcopy(PAPER)
    *path, last = key.split(".")
    section = config
    for name in path:
        section = section[name]
    if value is MISSING:
        del section[last]
    else:
        section[last] = value
    return config


@pytest.mark.parametrize("config", [PAPER, DEMO, DEMO_ALL], ids=["paper", "demo", "demo-all"])
def test_shipped_configs_are_accepted(config):
    configuration.check(configuration.tidy(config), SCHEMA)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("data.sourc", "era5", ["data.sourc is unknown", "did you mean source?"]),
        ("atmodist.models.lags-23.epoch", 5, ["atmodist.models.lags-23.epoch", "did you mean epochs?"]),
        ("seed", MISSING, ["seed is missing"]),
        ("data.truncation", "large", ["data.truncation holds 'large'", "a whole number"]),
        (
            "srgan.pretraining.learning_rate",
            "1e-3",
            ["learning_rate holds '1e-3'; expected a finite number (YAML reads it as text: write 0.001)"],
        ),
        (
            "atmodist.defaults.learning_rate_schedule.floor",
            "1e-5",
            ["floor holds '1e-5'", "(YAML reads it as text: write 1.0e-05)"],
        ),
        (
            "calibration.batches",
            "2e3",
            ["expected a whole number or null (YAML reads it as text: write 2000)"],
        ),
        ("data.train.start", 1990, ["data.train.start holds 1990; expected a day such as 1979-01-31"]),
        ("training.device", None, ["training.device holds null; expected one of auto"]),
        (
            "data.variables",
            ["divergence", "vortcity"],
            ["data.variables holds vortcity", "did you mean vorticity?", "expected divergence, vorticity"],
        ),
        ("data.variables", ["salt"], ["data.variables holds salt", "vorticity (docs/extending.md says how"]),
        ("data.variables", ["log_surface_pressure"], ["data.variables holds log_surface_pressure"]),
        ("data.bounds", {"wind": [1, 2]}, ["data.bounds holds wind", "divergence, vorticity, log_surf"]),
        (
            "data.bounds",
            {"vorticity": [1, 1e-3]},
            ["data.bounds.vorticity is [1, 0.001]", "least value first"],
        ),
        ("data.source", "netcdf", ["data.source holds 'netcdf'", "era5, files, synthetic"]),
        ("data.train.start", "1979-02-31", ["data.train.start is '1979-02-31'", "no day"]),
        ("data.train.end", "1978-12-31", ["data.train.end is 1978-12-31", "before data.train.start"]),
        ("data.eval.start", "1998-12-31", ["data.eval, 1998-12-31", "overlaps data.train"]),
        (
            "data.validation",
            {"start": "1998-12-31", "end": "1999-12-31"},
            ["data.validation, 1998-12-31", "overlaps data.train"],
        ),
        (
            "data.validation",
            {"start": "1999-01-01", "end": "2000-01-01"},
            ["data.eval, 2000-01-01", "overlaps data.validation, 1999-01-01 to 2000-01-01"],
        ),
        ("data.eval.end", "2000-01-02", ["data.eval holds 16 times", "pairs.max_lag, 31"]),
        ("pairs.patch", 100, ["pairs.patch holds 100", "a multiple of 32"]),
        ("patches.patch", 512, ["patches.patch is 512", "leaves the grid"]),
        ("windows.latitude", [60, -60], ["windows.latitude is [60, -60]", "southern edge first"]),
        ("windows.latitude", [10.02, 10.1], ["windows.latitude is [10.02, 10.1], between two rows", "0.14°"]),
        (
            "calibration.batches",
            1,
            ["calibration.batches is 1", "at least 2, which hold 8 pairs of each of 31"],
        ),
        ("uncertainty.stride", 1280, ["uncertainty.stride is 1280; expected at most 1120", "two rows"]),
        (
            "atmodist.defaults.batch_size",
            1,
            ["models.lags-23.batch_size is 1; expected at least 2, two pairs"],
        ),
        (
            "atmodist.defaults.learning_rate_schedule.floor",
            0.1,
            ["floor is 0.1; expected less than learning_rate"],
        ),
        ("figures.lag_hours", 5, ["figures.lag_hours is 5; expected at least 6, two lags (data.step_hours)"]),
        ("figures.spectrum_views", [[2, 640]], ["holds [2, 640]", "both within the truncation, 639"]),
        (
            "figures.regions",
            {"belt": {"latitude": [0, 20], "longitude": [-180, 180]}},
            ["figures.regions.belt is 20° by 360°; expected an edge at most 6 times as long as the other"],
        ),
        (
            "data.eval.end",
            "2199-12-31",
            ["data.eval.end is 2199-12-31; ERA5 has days from 1940-01-01 to the"],
        ),
        ("data.train.start", "1939-12-31", ["data.train.start is 1939-12-31; ERA5 has days from 1940-01-01"]),
        (
            "data.download.request",
            {"levelist": "60"},
            ["holds levelist, which follows from data.level: leave"],
        ),
        (
            "data.download.request",
            {"grid": "1/1"},
            ["holds grid, which gives values on a grid; expected spectral"],
        ),
        *(
            ("data.download.request", {keyword: value}, [f"data.download.request{told}"])
            for keyword, value, told in (
                ("gaussian", "reduced", " holds gaussian, which gives values on a grid; expected spectral"),
                ("rotation", "-90/0", " holds rotation, which turns the poles; expected coefficients"),
                ("step", 3, " holds step, which is of forecasts; expected analyses: leave it out"),
                ("number", "0", " holds number, which is of an ensemble; expected the one analysis: leave"),
                ("DATE", "1979-01-01", " holds DATE; expected date, in lower case"),
                ("type", "fc", ".type is fc; expected an"),
                ("stream", "enda", ".stream is enda; expected oper"),
                ("levtype", "pl", ".levtype is pl; expected ml"),
                ("data_format", "netcdf", ".data_format is netcdf; expected grib"),
                ("format", "netcdf", ".format is netcdf; expected grib"),
                ("download_format", "zip", ".download_format is zip; expected unarchived"),
            )
        ),
        ("evaluation.resamples", 10, ["evaluation.resamples holds 10; expected at least 100"]),
        ("normalisation.alpha", 1e-30, ["normalisation.alpha holds 1e-30; expected at least 1e-06"]),
        (
            "inpainting.models",
            {"erased": {"content": "mse"}},
            ["another name than laplace, truth and erased"],
        ),
        ("grid.mantissa_bits", 24, ["grid.mantissa_bits holds 24", "at most 23"]),
        ("atmodist.models.lags-23.classes", 40, ["lags-23.classes is 40", "pairs.max_lag, 31"]),
        ("srgan.models.atmodist.content.encoder", "lags-15", ["is 'lags-15'", "lags-23"]),
        ("untrained.models", {"lags-23": {}}, ["untrained.models holds lags-23", "atmodist.models"]),
        ("autoencoder.models", {"lags-23": {}}, ["autoencoder.models holds lags-23", "atmodist.models"]),
        (
            "autoencoder.models",
            {"a": {"batch_size": 31}},
            ["a.batch_size is 31; expected a multiple of 2: both patches of a pair"],
        ),
        ("autoencoder.models", {"a": {"batches": 99999}}, ["autoencoder.models.a.batches", "pairs.per_time"]),
        (
            "autoencoder.models",
            {"a": {"batches": None, "batch_size": 2**24}},
            ["autoencoder.models.a.batch_size is 16777216; expected at most", "pairs"],
        ),
        (
            "inpainting.models",
            {"a": {"content": {"encoder": "x", "layer": "stage3"}}},
            ["inpainting.models.a.content.encoder is 'x'", "lags-23"],
        ),
        ("inpainting.models", {"laplace": {"content": "mse"}}, ["inpainting.models", "laplace"]),
        ("inpainting.models", {"a": {}}, ["inpainting.models.a.content is missing"]),
        ("uncertainty.series_lag_hours", [4], ["uncertainty.series_lag_hours holds 4", "multiples of"]),
        ("figures.high_pass_degree", 640, ["figures.high_pass_degree is 640", "the truncation, 639"]),
        (
            "evaluation.representation",
            {"encoder": "x", "layer": "stage4"},
            ["evaluation.representation.encoder is 'x'", "lags-23"],
        ),
        ("data.truncation", 637, ["evaluation.representation.layer is stage4", "32 rows of the grid's 1276"]),
        (
            "srgan.models.orderings",
            {"content": "mse"},
            ["srgan.models", "another name than truth, bilinear, pretraining, orderings"],
        ),
        ("evaluation.representation", "mse", ["evaluation.representation holds 'mse'", "null, or a mapping"]),
        (
            "srgan.defaults.discriminator.extra_generator_below",
            0.7,
            ["srgan.models.l2.discriminator.extra_generator_below is 0.7; expected at most", "which is 0.6"],
        ),
        (
            "atmodist.defaults.weights",
            "a.h5",
            ["atmodist.defaults.weights is given", "entry of a model alone"],
        ),
        (
            "atmodist.models.lags-23.weights",
            "lags-23.PT",
            ["lags-23.weights is lags-23.PT; expected a model folder, or a file ending in .h5 or .hdf5"],
        ),
        ("jet.window_days", 60, ["jet.window_days is 60", "odd"]),
        ("jet.sectors", {"a": {"latitude": [75, 15], "longitude": [0, 9]}}, ["jet.sectors.a.latitude is"]),
        (
            "jet.probe.encoders",
            [{"encoder": "x", "layer": "stage4"}],
            ["jet.probe.encoders.0.encoder is 'x'"],
        ),
        (
            "jet.probe.encoders",
            ["lags-23"],
            ["jet.probe.encoders.0 holds 'lags-23'; expected a mapping of encoder and layer, such as"],
        ),
        ("jet.probe.split", "validation", ["jet.probe.split is validation", "train, eval"]),
        ("jet.probe.hours", [4], ["jet.probe.hours holds 4", "data.step_hours, 3"]),
        ("srgan.models.atmodist.content.layer", "stage5", ["content holds", "stage1 … stage4"]),
        (
            "srgan.models.l2.content",
            MISSING,
            ["srgan.models.l2.content is missing; expected content loss: the mean squared", "at a layer"],
        ),
        ("srgan.models.bilinear", {"content": "mse"}, ["srgan.models", "bilinear"]),
        (
            "atmodist.models.lags-23.batches",
            14_300,  # of 128 pairs; 23/31 of 2.45 million pairs are 14 219
            ["lags-23.batches is 14300", "at most 14203 batches of 128", "lags up to 23", "pairs.per_time"],
        ),
        (
            "atmodist.models.all",
            {"classes": 31, "batches": 19_166},
            ["all.batches is 19166", "at most 19165 batches"],
        ),
        ("atmodist.defaults.pretraining.batches", 15_000, ["pretraining.batches is 15000", "at most 14203"]),
        (
            "atmodist.models.lags-23.batches",
            1000,
            ["lags-23.pretraining.batches is 2000", "at most atmodist.models.lags-23.batches, 1000"],
        ),
        (
            "srgan.pretraining.batches",
            18263,  # of 64 patches; 20 at each of 58 440 times make 18 262 and a half
            [
                "pretraining.batches is 18263",
                "at most 18262 batches of 64 in 1168800 patches",
                "patches.per_time",
            ],
        ),
        ("srgan.models.l2.batches", 18263, ["srgan.models.l2.batches is 18263", "at most 18262"]),
        ("training.devices", 3, ["atmodist.models.lags-23.batch_size is 128", "multiple of 3"]),
        ("srgan.defaults.evaluate_epoch", 21, ["evaluate_epoch is 21", "20"]),
        ("evaluation.shard_days", 65, ["evaluation.shard_days is 65", "block_days, which is 10"]),
        ("figures.time", "1999-07-15T12:00", ["figures.time is 1999-07-15T12:00", "data.eval"]),
        ("figures.time", "2002-07-15T13:00", ["figures.time", "multiple of data.step_hours, 3 h"]),
        ("uncertainty.lag_hours", 47, ["uncertainty.lag_hours is 47", "multiple of data.step_hours"]),
        ("uncertainty.stride", 24, ["uncertainty.stride is 24", "divisor of the grid's 2560 columns"]),
        (
            "figures.regions.Europe.zoom",
            {"latitude": [10, 40], "longitude": [0, 20]},
            ["figures.regions.Europe.zoom.latitude is [10, 40]", "[20, 80]"],
        ),
        ("figures.spectrum_views", [[200, 10]], ["figures.spectrum_views holds [200, 10]"]),
    ],
)
def test_mistakes_are_told_in_one_sentence(key, value, told):
    with pytest.raises(InputError) as error:
        configuration.check(configuration.tidy(changed(key, value)), SCHEMA)
    lines = str(error.value).splitlines()
    assert all(line.startswith("config key ") for line in lines)
    assert len(lines) <= 5
    assert "1 devices" not in lines[0]
    for part in told:
        assert part in lines[0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"sed": 1, "training": {"device": "tpu"}, "pairs": {"patch": 100, "per_time": -1}},
            ["sed is unknown", "training.device holds", "pairs.patch holds", "pairs.per_time holds"],
        ),
        (
            {"windows": {"latitude": [60, -60]}, "figures": {"dpi": 200, "cities": ["Atlantis", "Troy"]}},
            [
                "windows.latitude is [60, -60]",
                "figures.cities holds 'Atlantis'",
                "figures.cities holds 'Troy'",
            ],
        ),
        (dict.fromkeys("abcdef", 1), [f"{name} is unknown" for name in "abcde"]),
    ],
)
def test_up_to_five_mistakes_are_told_at_once(changes, told):
    with pytest.raises(InputError) as error:
        configuration.check(configuration.tidy(configuration.merged(PAPER, changes)), SCHEMA)
    lines = str(error.value).splitlines()
    assert len(lines) == len(told)
    for part in told:
        assert sum(line.startswith(f"config key {part}") for line in lines) == 1


def test_no_stride_is_asked_for_where_the_patch_does_not_fit():
    config = configuration.merged(changed("data.truncation", 21), {"uncertainty": {"stride": 8}})
    told = list(consistency.problems(configuration.tidy(config)))
    assert any("pairs.patch is 160" in problem for problem in told)
    assert not any("uncertainty.stride" in problem for problem in told)


def test_the_batch_of_the_generators_pre_training_is_split_among_the_devices_too():
    models = {name: {**model, "batch_size": 64} for name, model in PAPER["srgan"]["models"].items()}
    changes = {"training": {"devices": 2}, "srgan": {"defaults": {"batch_size": 33}, "models": models}}
    with pytest.raises(InputError, match=r"srgan.defaults.batch_size is 33; expected a multiple of 2"):
        configuration.check(configuration.tidy(configuration.merged(PAPER, changes)), SCHEMA)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            {"source": "era5"},
            "is 63, that of data.truncation, but ERA5's coefficients have 639; expected 639",
        ),
        (
            {"source": "arco"},
            "is 63, that of data.truncation, but ERA5's coefficients have 639; expected 639",
        ),
        ({"source": "era5", "archive_truncation": 127}, "is 127, but ERA5's coefficients have 639; expected"),
        (
            {"source": "era5", "archive_truncation": 127, "download": {"request": {"resol": "63"}}},
            "is 127, but data.download.request.resol is 63; expected 63",
        ),
        ({"source": "era5", "archive_truncation": 639, "download": {"request": {"resol": "av"}}}, None),
        ({"source": "era5", "download": {"request": {"resol": 63}}}, None),
        ({"source": "era5", "download": {"dataset": "another"}}, None),
        ({"source": "arco", "arco": {"wind": "https://example.org/t63.zarr"}}, None),
        ({"source": "synthetic"}, None),
    ],
)
def test_the_truncation_of_era5_itself_is_known(data, told):
    """The demo's T63, which is asked for as such or kept of what comes."""
    config = configuration.tidy(configuration.merged(DEMO, {"data": data}))
    if told is None:
        configuration.check(config, SCHEMA)
    else:
        with pytest.raises(InputError, match=f"^config key data.archive_truncation {told}"):
            configuration.check(config, SCHEMA)


def test_dates_that_yaml_parsed_are_text():
    unquoted = yaml.safe_load("train: {start: 1979-01-01}")
    assert configuration.tidy(unquoted) == {"train": {"start": "1979-01-01"}}


def test_null_takes_an_entry_away():
    laid_over = configuration.merged(PAPER, {"srgan": {"models": {"l2": None}}})
    assert list(configuration.tidy(laid_over)["srgan"]["models"]) == ["atmodist"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"autoencoder": {"models": {"ae": None}}},
            "autoencoder.models.ae is null, and there is none to remove; write {} for the defaults",
        ),
        ({"figures": {"regions": {"Europ": None}}}, "figures.regions.Europ is null, and there is none to"),
    ],
)
def test_a_null_that_takes_nothing_away_is_refused(changes, told):
    with pytest.raises(InputError, match=f"config key {re.escape(told)}"):
        configuration.stacked(PAPER, changes)


def test_what_is_no_section_is_merged_as_it_stands():
    """It is refused when the config is checked."""
    found = configuration.stacked(PAPER, {"jet": 5, "srgan": {"models": []}}, {"jet": {"sectors": None}})
    assert (found["jet"], found["srgan"]["models"]) == ({"sectors": None}, [])


def test_a_null_takes_away_what_any_file_beneath_holds():
    box = {"latitude": [0, 60], "longitude": [0, 60]}
    layers = [{"jet": {"sectors": {"a": box}}}, {"name": "b"}, {"jet": {"sectors": {"a": None}}}]
    layers += [{"srgan": {"models": {"l2": None}}}] * 2  # the second time it is gone already
    config = configuration.tidy(configuration.stacked(PAPER, *layers))
    assert (config["name"], config["jet"]["sectors"], list(config["srgan"]["models"])) == (
        "b",
        {},
        ["atmodist"],
    )


def test_models_inherit_the_defaults_key_by_key():
    config = changed("atmodist.models.short", {"pretraining": {"epochs": 1}})
    assert configuration.models(config, "atmodist")["short"]["pretraining"] == {"epochs": 1, "batches": 2000}


def test_the_papers_numbers():
    """58 440 and 17 536 times, 240 months of training (method: ERA5 1979-1998 and 2000-2005, every 3 h)."""
    assert configuration.time_count(PAPER, "train") == 58_440
    assert configuration.time_count(PAPER, "eval") == 17_536
    assert len(configuration.periods(PAPER, "train")) == 240
    assert configuration.grid_rows(PAPER) == 1280
    assert configuration.grid_rows(changed("data.truncation", 638)) == 1280, "even: the grid of the next"
    assert configuration.pair_shards(PAPER, "train") == 150  # of 16 384: 2.45 million pairs, 42 for each time
    assert configuration.patch_shards(PAPER, "train") == 72  # of 16 384: 20 patches for each time
    assert configuration.content_losses(PAPER) == [("lags-23", "stage4")]


ENCODER = {"stages": [16, 32, 64, 128], "blocks": 6}
BATCHES = {"batch_size": 128, "gradient_norm": 5}
PLATEAU = {"factor": 0.1, "threshold": 0.04, "floor": 1e-5}
DESCENT = {"learning_rate": 0.1, "momentum": 0.9, "weight_penalty": 1e-4}
PAPERS = {
    # Hoffmann & Lessig 2021 and 2023, on the data; the archive's keywords are those of ERA5 itself.
    "data": {
        "truncation": 639,
        "level": 120,
        "variables": ["divergence", "vorticity"],
        "step_hours": 3,
        "train": {"start": "1979-01-01", "end": "1998-12-31"},
        "eval": {"start": "2000-01-01", "end": "2005-12-31"},
    },
    "data.download": {"dataset": "reanalysis-era5-complete"},
    "data.download.request": {"class": "ea", "expver": "1", "stream": "oper", "type": "an", "levtype": "ml"},
    "normalisation": {"alpha": 0.2},
    "windows": {"latitude": [-60, 60]},  # colatitudes of 30° to 150°
    # Pairs of the original's training script of September 2021, patches of its super-resolution.
    "pairs": {"per_time": 42, "patch": 160, "max_lag": 31},
    "patches": {"per_time": 20, "patch": 96},
    # Hoffmann & Lessig 2023, on network and training, and the original's code.
    "atmodist.models.lags-23": ENCODER
    | BATCHES
    | DESCENT
    | {
        "classes": 23,
        "pretraining": {"epochs": 20, "batches": 2000},
        "epochs": 60,
        "batches": None,
        "learning_rate_schedule": PLATEAU | {"patience": 8},
    },
    # Baselines of the original's code: autoencoder and inpainting.
    "autoencoder.defaults": ENCODER
    | BATCHES
    | DESCENT
    | {"epochs": 40, "batches": 15_000, "learning_rate_schedule": PLATEAU | {"patience": 6}},
    "inpainting.defaults": ENCODER
    | BATCHES
    | {"learning_rate": 1e-4, "weight_penalty": 1e-3, "epochs": 40, "batches": 15_000},
    # Stengel et al. 2020, whose networks these are, and Hoffmann & Lessig 2021 on super-resolution.
    "srgan.generator": {"channels": 64, "blocks": 16},
    "srgan.pretraining": {"epochs": 5, "learning_rate": 1e-4, "batches": None},
    **{
        f"srgan.models.{name}": {
            "content": content,
            "batch_size": 64,
            "adversarial_weight": 0.001,
            "phases": [{"epochs": 15, "learning_rate": 1e-4}, {"epochs": 5, "learning_rate": 1e-5}],
            "batches": None,
            "discriminator": {
                "channels": 32,
                "dense": 1024,
                "extra_generator_below": 0.46,
                "extra_discriminator_above": 0.6,
            },
            "evaluate_epoch": 18,
        }
        for name, content in (("l2", "mse"), ("atmodist", {"encoder": "lags-23", "layer": "stage4"}))
    },
    # The original's figures and maps of uncertainty: a year at 48 h, windows 20 pixels apart.
    "uncertainty": {"lag_hours": 48, "stride": 20, "times": 365 * 8},
    "figures": {"lag_hours": 60, "spectrum_views": [[10, 200], [200, 639], [550, 639]]},
    # Woollings, Hannachi & Hoskins 2010: a 10-day low-pass of 61 days, mean and two harmonics of the year.
    "jet": {"window_days": 61, "cutoff_days": 10, "harmonics": 2},
}


SECTOR = {"a": {"latitude": [15, 75], "longitude": [0, 60]}}
PROBE = {"split": "train", "lag_days": [0, 5], "gap_days": 0}


@pytest.mark.parametrize(
    ("data", "jet", "said"),
    [
        (
            {"eval": {"start": "2003-01-01", "end": "2003-01-03"}},
            {},
            "data.eval holds 24 times; expected more",
        ),
        (
            {"eval": {"start": "2003-01-01", "end": "2003-01-04"}},
            {},
            "data.eval holds 42 pairs; expected at least 248, 8 of each lag",
        ),
        ({"eval": {"start": "2003-01-01", "end": "2003-01-05"}}, {}, None),
        ({}, {"window_days": 381}, None),
        # Of 400 days 386 - 2 · 185 have a jet: fifteen, or for five days ahead ten.
        (
            {},
            {"window_days": 387},
            "folds is 5, which need 15 days; data.train has 14 whose jet is known 0 days",
        ),
        (
            {},
            {"window_days": 385},
            "folds is 5, which need 15 days; data.train has 11 whose jet is known 5 days",
        ),
        ({}, {"probe": {"split": "eval"}}, "data.eval has 0 whose jet is known 0 days ahead"),
        ({}, {"probe": {"lag_days": [0, 500]}}, "data.train has 0 whose jet is known 500 days ahead"),
        ({}, {"probe": {"folds": 114}}, "folds is 114, which need 342 days; data.train has 340"),
        ({}, {"probe": {"gap_days": 66}}, None),
        (
            {},
            {"probe": {"gap_days": 67}},
            "gap_days is 67; expected at most 66, so that beside two of 5 folds",
        ),
        (
            {
                "train": {"start": "2001-01-01", "end": "2001-11-10"},
                "eval": {"start": "2003-01-01", "end": "2003-01-30"},
            },
            {"harmonics": 1},
            "harmonics is 1; expected 0, since a seasonal cycle that is fitted to 364 days",
        ),
        ({}, {"sectors": {"a": {"latitude": [40, 42], "longitude": [0, 60]}}}, None),
        (
            {},
            {"sectors": {"a": {"latitude": [40, 41.2], "longitude": [0, 60]}}},
            "a is 40° to 41.2° N, 0° to 60° E; expected at least 3 rows and a column of the grid, 0.7° apart",
        ),
        (
            {},
            {"sectors": {"a": {"latitude": [15, 75], "longitude": [-1, -0.8]}}},
            "-1° to -0.8° E; expected at least 3 rows and a column of the grid",
        ),
        (
            {},
            {
                "sectors": {"a": {"latitude": [40, 43], "longitude": [0, 60]}},
                "probe": {"encoders": [{"encoder": "lags-23", "layer": "stage4"}]},
            },
            "expected at least 1 row and a column of layer stage4 of jet.probe.encoders, 22° apart",
        ),
        ({}, {"window_days": 401}, "window_days is 401; expected at most 400, the longest run of days"),
        (
            {"eval": {"start": "2002-02-05", "end": "2002-03-26"}},
            {},
            "data.eval begins on the day after data.train ends; expected a gap",
        ),
        # Splits of one atmosphere, which are smoothed as one run of 450 days.
        (
            {
                "source": "files",
                "files": {"pattern": "{year}.grib"},
                "eval": {"start": "2002-02-05", "end": "2002-03-26"},
            },
            {"window_days": 431},
            None,
        ),
    ],
)
def test_days_suffice_for_the_orderings_and_the_jet(data, jet, said):
    config = configuration.merged(PAPER, configuration.read(ROOT / "config/study.yaml"))
    day = data.get("eval", config["data"]["eval"])["start"]
    jet = {"sectors": SECTOR} | jet | {"probe": PROBE | jet.get("probe", {})}
    changes = {"data": data, "jet": jet, "figures": {"time": f"{day}T12:00"}}
    config = configuration.tidy(configuration.merged(config, changes))
    if said is None:
        configuration.check(config, SCHEMA)
    else:
        with pytest.raises(InputError, match=said):
            configuration.check(config, SCHEMA)


@pytest.mark.parametrize(
    ("classes", "per_time", "told"),
    [
        (23, 1, "9 pairs; expected at least 11"),
        (23, 2, None),
        (2, 13, "117 pairs; expected at least 124"),
        (2, 14, None),
    ],
)
def test_a_validation_split_has_pairs_of_lags_that_networks_know(classes, per_time, told):
    """Five days are 40 times, of which 9 have a partner at each of 31 lags; 8 such pairs, on average."""
    validation = {"start": "1999-01-01", "end": "1999-01-05"}
    models = {"atmodist": {"models": {"few": {"classes": classes}}}, "pairs": {"per_time": per_time}}
    config = configuration.tidy(configuration.merged(PAPER, models | {"data": {"validation": validation}}))
    found = [each for each in consistency.problems(config) if each.startswith("data.validation holds")]
    assert len(found) == bool(told)
    assert not told or found[0].startswith(f"data.validation holds {told}")


@pytest.mark.parametrize(
    ("model", "changes", "key"),
    [
        ("atmodist.models.lags-23", {"pretraining": {"epochs": 0}}, "pretraining.batches"),
        (
            "atmodist.models.lags-23",
            {"learning_rate_schedule": {"patience": 2}},
            "learning_rate_schedule.floor",
        ),
        ("srgan.models.l2", {"content": "mse", "discriminator": {"channels": 8}}, "discriminator.dense"),
    ],
)
def test_a_model_says_what_differs_from_the_defaults_and_no_more(model, changes, key):
    """Of a group of keys, too, all of which the defaults must have."""
    kind, _, name = model.split(".")
    config = configuration.tidy(changed(model, changes))
    configuration.check(config, SCHEMA)
    (group, inner), (first, value) = key.split("."), next(iter(changes[key.split(".")[0]].items()))
    found, defaults = configuration.models(config, kind)[name][group], PAPER[kind]["defaults"][group]
    assert found == defaults | {first: value}
    lacking = copy.deepcopy(PAPER)
    del lacking[kind]["defaults"][group][inner]
    with pytest.raises(InputError, match=f"{kind}.defaults.{key} is missing"):
        configuration.check(lacking, SCHEMA)


def test_weights_from_elsewhere_are_trained_on_no_device():
    config = changed("training.devices", 8)
    config["atmodist"]["models"]["lags-23"] = {"weights": "model_weights.hdf5", "batch_size": 100}
    configuration.check(configuration.tidy(config), SCHEMA)


def test_one_shard_of_all_days_may_end_within_a_block():
    """Only between shards would a block be cut."""
    days = {"start": "2000-01-01", "end": "2000-01-30"}
    changes = {"data": {"eval": days}, "figures": {"time": "2000-01-02T12:00"}}
    config = copy.deepcopy(configuration.merged(PAPER, changes))
    for shard, said in ((30, None), (15, "evaluation.shard_days is 15; expected a multiple of")):
        config["evaluation"] |= {"shard_days": shard, "block_days": 4}
        if said is None:
            configuration.check(configuration.tidy(config), SCHEMA)
        else:
            with pytest.raises(InputError, match=said):
                configuration.check(configuration.tidy(config), SCHEMA)


@pytest.mark.parametrize("section", PAPERS)
def test_the_config_holds_the_papers_values(section):
    found = copy.deepcopy(PAPER)
    for kind in ("atmodist", "srgan"):
        found[kind]["models"] = configuration.models(PAPER, kind)
    for name in section.split("."):
        found = found[name]
    assert {key: found[key] for key in PAPERS[section]} == PAPERS[section]


@pytest.mark.parametrize(
    ("key", "batches"),
    [("atmodist.models.all", {"classes": 31, "batches": 19_165}), ("srgan.pretraining.batches", 18262)],
)
def test_as_many_batches_as_there_are_can_be_asked_for(key, batches):
    configuration.check(configuration.tidy(changed(key, batches)), SCHEMA)


def test_the_number_of_hours_is_compared_on_equal_data_that_there_are():
    """45, 69 and 93 h on as many batches as pairs with lags up to 45 h are sure to fill, 15/31 of all."""
    example = yaml.safe_load((ROOT / "config/examples/lags.yaml").read_text())
    config = configuration.tidy(configuration.merged(PAPER, example))
    configuration.check(config, SCHEMA)
    networks = configuration.models(config, "atmodist")
    compared = {name: networks[name] for name in example["atmodist"]["models"]}
    assert {model["classes"] * config["data"]["step_hours"] for model in compared.values()} == {45, 69, 93}
    assert {(model["batches"], model["batch_size"]) for model in compared.values()} == {(9255, 128)}
    assert networks["lags-23"] == configuration.models(PAPER, "atmodist")["lags-23"], "the paper's stays"
    encoders = {encoder for encoder, _ in configuration.content_losses(config)}
    assert encoders == set(networks)
    for model in config["atmodist"]["models"].values():
        model["batches"] = 9256
    with pytest.raises(InputError, match=r"hours-45\.batches is 9256; expected at most 9255 batches of 128"):
        configuration.check(config, SCHEMA)


def test_a_second_network_has_an_encoder_and_a_content_loss_of_its_own():
    example = yaml.safe_load((ROOT / "config/examples/seeds.yaml").read_text())
    for model in example["srgan"]["models"].values():
        assert model["seed_index"] == 1
        if model["content"] != "mse":
            assert example["atmodist"]["models"][model["content"]["encoder"]]["seed_index"] == 1


def test_checking_a_config_needs_no_heavy_import():
    """The Snakefile imports it, wherever Snakemake runs."""
    code = (
        "import sys; sys.path.insert(0, 'workflow/scripts'); import atmodist.configuration; "
        "assert not {'numpy', 'torch', 'h5py', 'xarray', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_config_reference_is_up_to_date(capsys, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "config")
    import reference

    reference.main()
    assert capsys.readouterr().out == (ROOT / "config/README.md").read_text(), "run: make docs"
    for path, key in reference.keys(SCHEMA):
        assert key.get("description"), f"{path} has no description"


def test_a_region_is_enlarged_in_its_middle_third_unless_it_says_where():
    zoom = {"latitude": [30, 40], "longitude": [0, 5]}
    zooms = configuration.zooms(changed("figures.regions.Europe.zoom", zoom))
    assert zooms["Europe"] == zoom
    assert zooms["Pacific"] == {"latitude": [-10, 10], "longitude": [-160, -140]}


def test_a_model_needs_the_lag_of_the_uncertainty_maps():
    few, many = {"lags-15": {"classes": 15}, "lags-16": {"classes": 16}}, ["lags-16"]
    assert configuration.uncertainty_models(changed("atmodist.models", few)) == many


@pytest.mark.parametrize(
    ("device", "devices", "nodes", "expected"),
    [
        ("auto", 1, 1, {"gpu": 1, "nodes": 1}),
        ("cpu", 1, 1, {"gpu": 0}),
        ("gpu", 4, 1, {"gpu": 4, "nodes": 1}),
        ("gpu", 4, 2, {"nodes": 2, "gres": "gpu:4"}),
        ("cpu", 1, 2, {"nodes": 2, "tasks": 2}),
    ],
)
def test_a_training_asks_for_what_it_uses(device, devices, nodes, expected):
    training = {"device": device, "devices": devices, "nodes": nodes}
    assert configuration.processors(training) == expected
