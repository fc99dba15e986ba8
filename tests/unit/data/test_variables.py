import os
import subprocess
import sys

import eccodes
import pytest
from extensions import apply, copy_of_the_repository
from matplotlib import colormaps

from atmodist.data.variables import BY_PARAMETER, DIVERGING, FIELDS, VARIABLES, WIND, plausible


@pytest.mark.parametrize("row", VARIABLES.values(), ids=lambda row: row.name)
def test_a_row_says_what_eccodes_says_of_the_parameter(row):
    message = eccodes.codes_grib_new_from_samples("sh_ml_grib2")
    eccodes.codes_set(message, "paramId", row.parameter)
    told = {key: eccodes.codes_get(message, key) for key in ("shortName", "units")}
    eccodes.codes_release(message)
    assert told["shortName"] == row.short_name
    assert told["units"].replace("**", "").replace("Numeric", "1").replace("~", "1") == row.units


@pytest.mark.parametrize("row", VARIABLES.values(), ids=lambda row: row.name)
def test_a_row_is_filed_under_its_name_and_its_parameter(row):
    assert VARIABLES[row.name] is BY_PARAMETER[row.parameter] is row
    assert 0 < row.bounds[0] < row.bounds[1]


@pytest.mark.parametrize("row", FIELDS.values(), ids=lambda row: row.name)
def test_a_field_has_a_colour_map(row):
    assert row.colours in colormaps


def test_the_colour_maps_with_two_sides_exist():
    assert set(colormaps) >= DIVERGING


def test_the_wind_is_made_of_fields():
    assert set(WIND) <= set(FIELDS)


def test_limits_of_the_config_replace_those_of_the_table():
    limits = plausible({"vorticity": [1e-9, 1]})
    assert limits["vorticity"] == [1e-9, 1]
    assert limits["divergence"] == FIELDS["divergence"].bounds
    assert plausible() == {name: row.bounds for name, row in VARIABLES.items()}


WITH_TEMPERATURE = """
import sys
from pathlib import Path
import numpy as np
from atmodist import configuration
from atmodist.data import grib, spectral, store
from atmodist.data.variables import plausible

folder = Path(sys.argv[1])
schema = configuration.read(folder / "workflow/schemas/config.schema.yaml")
paper = configuration.read(folder / "config/config.yaml")
variables = ["divergence", "vorticity", "temperature"]
config = configuration.tidy(configuration.merged(paper, {"data": {"variables": variables}}))
configuration.check(config, schema)

degree, order = spectral.degrees_and_orders(21)
warm = np.where((degree == 0) & (order == 0), 250, 0).astype(complex)
time = np.datetime64("2001-01-01T00", "h")
grib.write_fields(folder / "warm.grib", [grib.Field("temperature", time, 120, warm)])
(field,) = grib.checked_fields(folder / "warm.grib", [time], ["temperature"], 120, 21, plausible())
grid = spectral.synthesise_packed(field.coefficients)
axes = spectral.latitudes(21), spectral.longitudes(21)
store.write_fields(folder / "warm.h5", ["temperature"], [time], *axes, [("temperature", time, grid)])
fields = store.Fields(folder / "warm.h5")
assert fields.units == ("K",)
assert np.allclose(fields.read(0), 250, rtol=1e-4)
"""


def test_one_row_more_is_known_to_the_config_grib_and_the_store(tmp_path):
    folder = copy_of_the_repository(tmp_path / "copy")
    apply("A variable", folder)
    environment = os.environ | {"PYTHONPATH": str(folder / "workflow/scripts")}
    command = [sys.executable, "-c", WITH_TEMPERATURE, folder]
    run = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
