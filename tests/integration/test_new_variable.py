"""Another variable is one row of the table and a word in the config: temperature through the whole chain."""

import csv
import json
import subprocess
import sys

import hdf5plugin  # noqa: F401
import numpy as np
import pytest
import xarray as xr
import yaml
from extensions import apply, copy_of_the_repository
from snakemake_runs import TINY, snakemake

pytestmark = pytest.mark.timeout(1800)

# GRIB of the tiny atmosphere with a temperature that is warm at the equator and where the air turns.
MAKE = """
import sys
import numpy as np
from dataclasses import replace
from atmodist.data.grib import read_fields, write_fields

def with_temperature(paths):
    for field in (field for path in paths for field in read_fields(path)):
        yield field
        if field.variable == "vorticity":
            warmth = 2e5 * field.coefficients
            warmth[0], warmth[2] = 270, -15
            yield replace(field, variable="temperature", coefficients=warmth)

write_fields(sys.argv[1], with_temperature(sys.argv[2:]))
"""
FILES = {
    "2001-01-01_2001-01-16": ["2001-01-01_2001-01-08", "2001-01-09_2001-01-16"],
    "2001-02-01_2001-02-08": ["2001-02-01_2001-02-08"],
    "2001-02-12_2001-02-17": ["2001-02-12_2001-02-17"],
}
# Figures of numbers that are not of one variable.
OMITTED = [
    f"figure_{name}"
    for name in (
        "autoencoder_curves", "confusion_matrix", "inpainting_curves", "jet_latitudes", "jet_probe",
        "jet_series", "lag_losses", "orderings", "predictability", "srgan_curves", "training_curves",
        "uncertainty",
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What the tiny chain makes of divergence, vorticity and temperature."""
    folder = copy_of_the_repository(tmp_path_factory.mktemp("temperature") / "copy")
    apply("A variable", folder)
    spectral = folder / "results/tiny/spectral"
    parts = [f"results/tiny/spectral/{name}.grib" for names in FILES.values() for name in names]
    run = snakemake(folder, *TINY, "--", *parts)
    assert run.returncode == 0, run.stdout
    (folder / "mine").mkdir()
    for name, names in FILES.items():
        command = [sys.executable, "-c", MAKE, folder / f"mine/{name}.grib"]
        command += [spectral / f"{part}.grib" for part in names]
        subprocess.run(command, check=True, env={"PYTHONPATH": str(folder / "workflow/scripts")})
    config = {
        "name": "warm",
        "data": {
            "source": "files",
            "files": {"pattern": f"{folder}/mine/{{start}}_{{end}}.grib"},
            "variables": ["divergence", "vorticity", "temperature"],
        },
        "evaluation": {"shard_days": 8},  # fewer jobs; shards know nothing of variables
    }
    (folder / "warm.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(folder, *TINY, "warm.yaml", "--omit-from", *OMITTED)
    assert run.returncode == 0, run.stdout
    return folder / "results/warm"


def test_its_fields_are_on_the_grid_in_kelvin(results):
    data = xr.open_dataset(results / "grid/train.h5", engine="h5netcdf")["data"]
    assert data["field_units"].values.tolist() == ["s-1", "s-1", "K"]
    temperature = data.isel(variable=2, time=7)
    assert float(temperature.sel(latitude=0).mean()) > float(temperature.isel(latitude=2).mean()) + 20
    moments = json.loads((results / "moments.json").read_text())
    assert moments["variables"] == ["divergence", "vorticity", "temperature"]
    assert moments["mean"][2] == pytest.approx(float(data.isel(variable=2).mean()), rel=1e-4)


def test_the_summary_has_its_numbers_in_its_units(results):
    with open(results / "summary.csv") as stream:
        rows = [row for row in csv.DictReader(stream) if row["variable"] == "temperature"]
    rows = [row for row in rows if row["group"] == "super_resolution"]
    units = {row["quantity"]: row["unit"] for row in rows}
    assert units["mean_squared_error"] == "K2"
    assert units["area_weighted_rmse"] == units["wasserstein_1x1"] == "K"
    assert units["psnr"] == "dB"
    assert {row["system"] for row in rows} == {"bilinear", "l2", "atmodist"}
    assert all(np.isfinite(float(row["value"])) for row in rows)


def test_the_wind_of_the_other_two_has_its_kinetic_energy(results):
    energy = xr.open_dataset(results / "evaluation/truth.nc", engine="h5netcdf")["kinetic_energy"]
    assert energy.units == "m2 s-2"
    assert (results / "figures/energy_spectrum.pdf").exists()
    assert (results / "figures/moment_maps_temperature.pdf").exists()
