"""The whole chain on a tiny planet: it makes everything, twice the same, and does nothing more."""

import csv
import shutil

import h5py
import hdf5plugin  # noqa: F401
import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import torch
from snakemake_runs import TINY, copy_results, planned_jobs, snakemake, workspace

from atmodist.core import netcdf
from atmodist.core.files import read_json
from atmodist.data import store
from atmodist.evaluation.maps import labelled
from atmodist.learning import saved
from atmodist.learning.networks import Generator
from atmodist.learning.resolution import coarsen
from atmodist.learning.saved import load_network
from atmodist.samples.normalise import Moments

pytestmark = pytest.mark.timeout(1800)


def test_every_figure_shows_something(finished):
    figures = sorted((finished / "results/tiny/figures").glob("*.png"))
    assert len(figures) >= 8
    for path in figures:
        picture = matplotlib.image.imread(path)[..., :3]
        assert picture.std() > 0.02, f"{path} is blank"
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_summary_holds_finite_numbers(finished):
    with open(finished / "results/tiny/summary.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["config"] for row in rows} == {"tiny"}
    assert {"bilinear", "l2", "atmodist"} <= {row["system"] for row in rows}
    assert all(np.isfinite(float(row["value"])) for row in rows)
    quantities = {row["quantity"] for row in rows}
    assert {"accuracy", "psnr", "kinetic_energy_error", "semivariogram_error", "scale"} <= quantities
    assert {"wasserstein_3x3", "cities_better_than_l2_1x1", "pressure_mean"} <= quantities
    for row in rows:
        if row["quantity"] in ("epoch", "chance"):
            assert (row["low"], row["high"]) == ("", "")
        else:
            assert float(row["low"]) <= float(row["high"]), row


@pytest.fixture
def numbers(finished):
    """The values of a quantity in the summary: (group, system, quantity) to an array of variables."""
    table = pd.read_csv(finished / "results/tiny/summary.csv")
    groups = table.sort_values("variable").groupby(["group", "system", "quantity"])["value"]
    return {name: values.to_numpy() for name, values in groups}


@torch.no_grad()
def test_errors_follow_from_the_weights_of_the_epoch_and_the_fields(finished, numbers):
    """Once more and outside the workflow: each model by its own weights, on the days of the evaluation."""
    results = finished / "results/tiny"
    moments, fields = Moments.load(results / "moments.json"), store.Fields(results / "grid/eval.h5")
    truth = torch.from_numpy(np.stack([fields.read(time) for time in range(len(fields.time))]))
    low = coarsen(moments.forward(truth, axis=1))
    for model in ("l2", "atmodist"):
        generator = Generator(2, channels=8, blocks=1)
        weights = saved.load(results / f"srgan/{model}/weights/epoch-002.pt")
        generator.load_state_dict(weights["generator"])
        error = moments.inverse(generator.super_resolve(low), axis=1).double() - truth
        found = numbers["super_resolution", model, "mean_squared_error"]
        np.testing.assert_allclose(found, error.square().mean((0, 2, 3)), rtol=1e-4)


@torch.no_grad()
def test_accuracy_follows_from_the_best_network_and_the_pairs(finished, numbers):
    results = finished / "results/tiny"
    network, about = load_network(results / "atmodist/lags-23/best.pt")
    right = []
    for path in sorted((results / "pairs/eval").glob("*.h5")):
        with h5py.File(path) as file:
            first, second = (torch.from_numpy(file[name][:]).float() for name in ("first", "second"))
            lag = file["lag"][:]
        known = lag <= about["settings"]["classes"]
        right += (network(first, second).argmax(1).numpy() + 1 == lag)[known].tolist()
    (accuracy,) = numbers["atmodist", "lags-23", "accuracy"]
    assert accuracy == pytest.approx(np.mean(right), abs=2 / len(right)), "but for rounding"


def test_maps_are_of_the_moment_and_scales_of_the_encoder_and_layer(finished, numbers):
    results = finished / "results/tiny"
    fields = store.Fields(results / "grid/eval.h5")
    time = int(np.flatnonzero(fields.time == np.datetime64("2001-02-03T12"))[0])
    region = next(iter(netcdf.open_tree(results / "evaluation/truth/maps.nc").values()))
    field = region["high/field"]
    places = {"latitude": field["latitude"], "longitude": field["longitude"] % 360}
    whole = labelled(fields, time, fields.read(time))
    np.testing.assert_array_equal(field, whole.sel(places, method="nearest"))
    for encoder in ("atmodist/lags-23", "autoencoder/autoencoder", "untrained/random"):
        scale = read_json(results / encoder / "scale_stage1.json")["scale"]
        found = numbers["content_loss", f"{encoder.split('/')[1]} stage1", "scale"]
        assert found == pytest.approx(scale, rel=1e-5), encoder


def test_second_run_does_nothing(finished):
    run = snakemake(finished, *TINY)
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout


def test_two_cores_give_the_same_numbers(finished, tmp_path):
    """What the chain on Slurm leaves out, where jobs run at once too: other encoders, inpainting, the jet."""
    folder = workspace(tmp_path / "two cores")
    copy_results(finished, folder)
    numbers, summary = [], "results/tiny/summary.csv"
    for path in (*folder.glob("results/tiny/evaluation/*/cities.nc"), folder / summary):
        path.unlink()
    for part in ("autoencoder", "inpainting", "jet"):
        shutil.rmtree(folder / "results/tiny" / part)
        numbers += [
            str(path.relative_to(finished)) for path in (finished / "results/tiny" / part).rglob("*.nc")
        ]
    run = snakemake(folder, *TINY, "--", *numbers, summary)
    assert run.returncode == 0, run.stdout
    assert len(numbers) > 10
    for path in [*numbers, summary]:
        assert (folder / path).read_bytes() == (finished / path).read_bytes(), path


def test_damaged_shard_is_named_and_leaves_nothing(finished, tmp_path):
    folder = workspace(tmp_path / "damaged")
    copy_results(finished, folder)
    shard = folder / "results/tiny/pairs/train/00000.h5"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    shard.write_bytes(content)
    run = snakemake(folder, *TINY, "--", "results/tiny/atmodist/lags-23/training.csv")
    assert run.returncode != 0
    assert "results/tiny/pairs/train/00000.h5" in run.stdout
    assert "error: " in run.stdout
    assert not (folder / "results/tiny/atmodist/lags-23/weights").exists()
    assert not list((folder / "results").rglob("*.partial*"))


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ("data: {truncaton: 5}", "config key data.truncaton is unknown; did you mean truncation?"),
        ("pairs: {patch: 48}", "config key pairs.patch holds 48; expected a multiple of 32"),
        ("data: {eval: {start: 2001-01-10}}", "overlaps data.train"),
    ],
)
def test_wrong_config_is_told_before_anything_runs(tmp_path, edit, told):
    folder = workspace(tmp_path / "wrong")
    (folder / "edit.yaml").write_text(edit)
    run = snakemake(folder, *TINY, "edit.yaml")
    assert run.returncode != 0
    assert told in run.stdout
    assert "Traceback" not in run.stdout
    assert not (folder / "results").exists()


def test_the_papers_config_plans_every_job(tmp_path):
    folder = workspace(tmp_path / "paper")
    run = snakemake(folder, "--dry-run", "--quiet", "rules")
    assert run.returncode == 0, run.stdout
    jobs = planned_jobs(run.stdout)
    assert jobs["download_arco"] == jobs["grid_fields"] == 312  # months of 1979-1998 and 2000-2005
    assert jobs["sample_pairs"] == 150 + 45
    assert jobs["train_srgan"] == 2
