import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from fake_snakemake import run_script

from atmodist.core.errors import InputError
from atmodist.core.files import write_checksum
from atmodist.data.grib import Field, write_fields
from atmodist.data.levels import pressure, pressure_series, pressure_statistics, read_coefficients
from atmodist.data.spectral import analyse, from_cilm, latitudes

ROOT = Path(__file__).parents[3]
RESOURCE = ROOT / "resources/levels/l137.csv"
COEFFICIENTS = read_coefficients(RESOURCE)
TIME = np.datetime64("1979-01-01T00", "h")

# ECMWF's table of the L137 levels for a surface pressure of 1013.25 hPa: half and full level in hPa
HALF = {1: 0.0200, 66: 137.2703, 129: 986.6036, 130: 991.0230, 134: 1005.3562, 136: 1010.8487, 137: 1013.25}
FULL = {110: 787.0528, 119: 910.8965, 120: 920.9193, 121: 930.2618, 130: 988.8133, 137: 1012.0494}


def test_half_levels_are_those_of_ecmwfs_table():
    a, b = COEFFICIENTS
    assert a.shape == (138,)
    for level, expected in HALF.items():
        assert a[level] / 100 + b[level] * 1013.25 == pytest.approx(expected, abs=6e-5)
    assert (a[119], a[121]) == (3057.265625, 2294.242188)
    assert (b[119], b[121]) == pytest.approx((0.873929, 0.899900), abs=1e-6)


def test_full_levels_are_those_of_ecmwfs_table():
    for level, expected in FULL.items():
        assert pressure(101325.0, level, COEFFICIENTS) / 100 == pytest.approx(expected, abs=1.1e-4)


def test_pressure_grows_downwards_and_ends_below_that_of_the_surface():
    column = [pressure(7e4, level, COEFFICIENTS) for level in range(1, 138)]
    assert np.all(np.diff(column) > 0)
    assert column[0] > 0
    assert column[-1] < 7e4


@pytest.mark.parametrize("level", [0, 138])
def test_a_level_that_does_not_exist_is_told(level):
    with pytest.raises(
        InputError, match=f"model level {level} does not exist; there are the levels 1 to 137"
    ):
        pressure(1e5, level, COEFFICIENTS)


def log_surface_pressure(surface_pressure, time=TIME):
    rows, columns = 44, 88
    grid = np.broadcast_to(surface_pressure[:, None], (rows, columns))
    return Field("log_surface_pressure", time, 1, from_cilm(analyse(np.log(grid))))


def test_statistics_of_pressure_known_in_closed_form():
    """Surface pressure p₀ + p₁ sin²φ: over the sphere, sin²φ has mean 1/3 and variance 4/45."""
    sine = np.sin(np.radians(latitudes(21)))
    swings = {TIME: -3000.0, TIME + 24: -9000.0}
    fields = (log_surface_pressure(1e5 + swing * sine**2, time) for time, swing in swings.items())
    series = pressure_series(fields, 120, COEFFICIENTS)
    assert series["time"].values.tolist() == np.array(list(swings), "datetime64[ns]").tolist()

    _, b = COEFFICIENTS[:, 119:121].mean(axis=1)
    means = np.array([pressure(1e5 + swing / 3, 120, COEFFICIENTS) for swing in swings.values()]) / 100
    variances = 4 / 45 * b**2 * np.array([30.0, 90.0]) ** 2
    np.testing.assert_allclose(series["mean"].sel(weight="area"), means, rtol=1e-6)
    np.testing.assert_allclose(
        (series["mean_square"] - series["mean"] ** 2).sel(weight="area"), variances, rtol=1e-4
    )
    found = pressure_statistics(series)
    assert found["mean"] == pytest.approx(means.mean(), rel=1e-6)
    assert found["std"] == pytest.approx(np.sqrt(variances.mean() + means.var()), rel=1e-4)
    assert found["grid_mean"] == pytest.approx(pressure(1e5 - 6000 / 2, 120, COEFFICIENTS) / 100, rel=1e-6)
    assert found["grid_std"] > found["std"]


def test_level_120_at_the_global_mean_surface_pressure_and_over_the_sea():
    """The numbers of docs/era5.md and CHANGELOG.md."""
    assert pressure(98500.0, 120, COEFFICIENTS) / 100 == pytest.approx(896, abs=0.5)
    assert pressure(101100.0, 120, COEFFICIENTS) / 100 == pytest.approx(919, abs=0.5)
    for page in ("docs/era5.md", "CHANGELOG.md"):
        text = " ".join((ROOT / page).read_text().split())
        assert "at the global mean surface pressure" in text.lower()
        assert "896 hPa over the sea" not in text


def test_another_variable_is_refused():
    field = Field("vorticity", TIME, 1, np.zeros(253, complex))
    with pytest.raises(InputError, match="vorticity at 1979-01-01T00 found"):
        pressure_series([field], 120, COEFFICIENTS)


def test_the_key_of_missing_files_of_surface_pressure_is_named():
    with pytest.raises(InputError, match=r"no surface pressure, .* data\.files\.surface_pattern"):
        pressure_series([], 120, COEFFICIENTS)


def test_the_script_writes_hectopascals(tmp_path):
    files = [tmp_path / f"{day}.grib" for day in range(2)]
    for day, file in enumerate(files):
        write_fields(file, [log_surface_pressure(np.full(44, 98000.0 + 1000 * day))])
        write_checksum(file, file.with_suffix(".sha256"))
    run_script(
        "level_pressure",
        tmp_path / "log",
        inputs={
            "surface": files,
            "checksums": [file.with_suffix(".sha256") for file in files],
            "coefficients": RESOURCE,
        },
        outputs={"pressure": tmp_path / "level_pressure.json", "series": tmp_path / "level_pressure.nc"},
        params={"level": 120},
    )
    found = json.loads((tmp_path / "level_pressure.json").read_text())
    expected = pressure(np.array([98000, 99000]), 120, COEFFICIENTS) / 100
    assert (found["level"], found["unit"]) == (120, "hPa")
    assert found["mean"] == pytest.approx(expected.mean(), abs=0.01)
    assert found["std"] == pytest.approx(expected.std(), abs=0.01)
    series = xr.load_dataset(tmp_path / "level_pressure.nc", engine="h5netcdf")
    np.testing.assert_allclose(series["mean"], np.stack([expected, expected], 1), atol=0.01)
