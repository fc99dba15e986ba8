"""The jet of analytic flows, the Lanczos filter against its formula, and the seasonal cycle."""

import math

import numpy as np
import pytest
import xarray as xr
from fake_snakemake import run_script

from atmodist.configuration.jet import _problems_of_sector
from atmodist.core import netcdf
from atmodist.core.errors import InputError
from atmodist.core.files import write_checksum
from atmodist.data import grib, spectral
from atmodist.evaluation import jet

TRUNCATION = 63
RADIUS = spectral.EARTH_RADIUS
NORTH_ATLANTIC = jet.Sector((15, 75), (-60, 0))


def vorticity_of(eastward):
    """Vorticity of a zonal wind that is a function of latitude in radians, on the grid, by its formula."""
    phi = np.radians(spectral.latitudes(TRUNCATION))
    small = 1e-5
    slope = (eastward(phi + small) * np.cos(phi + small) - eastward(phi - small) * np.cos(phi - small)) / (
        2 * small
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        vorticity = np.where(np.cos(phi) > 1e-9, -slope / (RADIUS * np.cos(phi)), 0)
    vorticity[0] = vorticity[1]
    grid = np.repeat(vorticity[:, None], 4 * (TRUNCATION + 1), axis=1)
    return spectral.from_cilm(spectral.analyse(grid))


def test_wind_of_solid_rotation():
    packed = vorticity_of(lambda phi: 20 * np.cos(phi))
    latitude, found = jet.sector_wind(packed, 0 * packed, NORTH_ATLANTIC)
    assert 15 <= latitude.min() < 17
    assert 73 < latitude.max() <= 75
    np.testing.assert_allclose(found, 20 * np.cos(np.radians(latitude)), rtol=1e-4)


@pytest.mark.parametrize("axis", [38.3, 51.7])
def test_jet_of_an_analytic_zonal_flow(axis):
    def eastward(phi):
        return 30 * np.exp(-(((np.degrees(phi) - axis) / 12) ** 2))

    packed = vorticity_of(eastward)
    latitude, found = jet.sector_wind(packed, 0 * packed, NORTH_ATLANTIC)
    wind = xr.DataArray(found[None], {"time": [0], "latitude": latitude}, ("time", "latitude"))
    result = jet.maximum(wind)
    assert result["latitude"].item() == pytest.approx(axis, abs=0.05)
    assert result["speed"].item() == pytest.approx(30, abs=0.05)


def test_the_sector_may_lie_across_greenwich():
    """A wind that is 1 + cos λ has over a sector the mean of that, whichever way it is written."""
    longitude = np.radians(spectral.longitudes(TRUNCATION))
    phi = np.radians(spectral.latitudes(TRUNCATION))
    # ψ = −a·sin φ·cos φ·sin λ… is awkward; divergence of χ = a·cos φ·sin λ gives u = cos λ exactly.
    potential = RADIUS * np.cos(phi)[:, None] * np.sin(longitude)
    divergence = spectral.from_cilm(spectral.analyse(-2 / RADIUS**2 * potential))
    found = [
        jet.sector_wind(0 * divergence, divergence, jet.Sector((20, 60), sector))[1]
        for sector in ((-30, 60), (330, 420), (0, 90))
    ]
    columns = spectral.longitudes(TRUNCATION)
    inside = ((columns + 30) % 360) <= 90
    np.testing.assert_allclose(found[0], np.cos(longitude[inside]).mean(), rtol=1e-6)
    np.testing.assert_allclose(found[1], found[0])
    assert abs(found[2] - found[0]).min() > 0.1


def test_the_wind_of_an_even_truncation_is_that_of_the_next():
    """Coefficients of one degree more, which are zero, change no wind, but the grid is that of all fields."""
    n = np.concatenate([np.arange(order, 23) for order in range(23)])
    packed = np.random.default_rng(0).normal(size=(2, n.size, 2)).view(complex)[..., 0] / (1 + n) ** 2
    packed[:, :23].imag = 0
    padded = np.zeros((2, 24 * 25 // 2), complex)
    padded[:, [degree < 23 for order in range(24) for degree in range(order, 24)]] = packed
    found, expected = (jet.sector_wind(*each, NORTH_ATLANTIC) for each in (packed, padded))
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-9)


def test_the_config_accepts_the_sectors_that_have_a_jet():
    """Of any truncation, also where an edge goes through a row or a column."""
    random = np.random.default_rng(3)
    boxes = [
        (77, (-72.8, -51.0), (-30, -29)),
        (149, (-24.9, -23.4), (268, 269)),
        (32, (-63.5, -36.4), (-147, -145)),
        (74, (65.1, 68.1), (-122, -62)),
    ]
    for _ in range(300):
        south, west = random.integers(-900, 800) / 10, random.integers(-180, 300)
        north, east = south + random.integers(5, 100) / 10, west + random.choice([1, 2, 5])
        boxes.append((random.integers(21, 200), (south, north), (west, east)))
    found = []
    for truncation, latitude, longitude in boxes:
        box, probe = {"latitude": latitude, "longitude": longitude}, {"encoders": []}
        config = {"data": {"truncation": int(truncation)}, "jet": {"probe": probe}}
        accepted = not list(_problems_of_sector(config, "jet.sectors.a", box))
        still = np.zeros((truncation + 1) * (truncation + 2) // 2, complex)
        try:
            rows, _ = jet.sector_wind(still, still, jet.Sector(**box))
        except InputError:  # no point
            rows = []
        assert accepted == (len(rows) >= 3), (truncation, box)
        found.append(accepted)
    assert 50 < sum(found) < 250


def test_wind_is_that_of_the_file_that_was_accepted(tmp_path, capfd):
    """The script, on a file as it was and on one that has changed since its checksum was written."""
    path, checksum = tmp_path / "a.grib", tmp_path / "a.grib.sha256"
    time, packed = np.datetime64("2001-01-01T00", "h"), vorticity_of(lambda phi: 20 * np.cos(phi))
    fields = [
        grib.Field("divergence", time, 120, 0 * packed),
        grib.Field("vorticity", time, 120, packed),
    ]
    box = {"latitude": NORTH_ATLANTIC.latitude, "longitude": NORTH_ATLANTIC.longitude}

    def measure():
        run_script(
            "measure_jet_wind",
            tmp_path / "log",
            inputs={"grib": path, "checksum": checksum},
            outputs={"wind": tmp_path / "a.nc"},
            params={"box": box, "sector": "atlantic", "period": "2001-01-01_2001-01-01"},
        )

    grib.write_fields(path, fields)
    write_checksum(path, checksum)
    measure()
    wind = netcdf.read(tmp_path / "a.nc")["wind"][0]
    np.testing.assert_allclose(wind, 20 * np.cos(np.radians(wind["latitude"])), rtol=1e-3)
    fields[1] = grib.Field("vorticity", time, 120, 2 * packed)
    grib.write_fields(path, fields)
    with pytest.raises(SystemExit):
        measure()
    assert f"{path} is not the file whose SHA-256 {checksum} holds" in capfd.readouterr().err


def test_weights_follow_their_formula():
    """Duchon's, as it is usually written out: n is one more than the last weight."""
    window, cutoff = 61, 10
    n = (window - 1) // 2 + 1
    expected = [2 / cutoff]
    for k in range(1, n):
        sigma = math.sin(math.pi * k / n) * n / (math.pi * k)
        expected.append(sigma * math.sin(2 * math.pi * k / cutoff) / (math.pi * k))
    expected = np.array([*expected[:0:-1], *expected])
    weights = jet.lanczos_weights(window, cutoff)
    assert weights.shape == (61,)
    np.testing.assert_allclose(weights, expected / expected.sum(), rtol=1e-12)
    assert expected.sum() == pytest.approx(1, abs=0.01)


def test_low_pass_keeps_slow_and_removes_fast_waves():
    time = np.datetime64("2001-01-01", "ns") + np.timedelta64(1, "D") * np.arange(200)
    day = np.arange(200)
    slow, fast = 3 + np.cos(2 * np.pi * day / 40), np.cos(2 * np.pi * day / 4)
    series = xr.DataArray(slow + fast, {"time": time}, ("time",))
    found = jet.low_pass(series, 61, 10)
    np.testing.assert_array_equal(found["time"], time[30:170])
    np.testing.assert_allclose(found, slow[30:170], atol=0.02)


def test_low_pass_does_not_reach_across_a_gap():
    days = np.r_[0:70, 100:165]
    time = np.datetime64("2001-01-01", "ns") + np.timedelta64(1, "D") * days
    series = xr.DataArray(np.where(days < 80, 1.0, 5.0), {"time": time}, ("time",))
    found = jet.low_pass(series, 61, 10)
    assert found.values.round(9).tolist() == 10 * [1] + 5 * [5]
    with pytest.raises(InputError, match="61 days"):
        jet.low_pass(series[:40], 61, 10)


def test_seasonal_cycle_is_found_and_the_rest_left():
    time = np.datetime64("2000-01-01", "ns") + np.timedelta64(1, "D") * np.arange(4 * 1461)
    day = (time - time.astype("datetime64[Y]")) / np.timedelta64(1, "D")
    phase = 2 * np.pi * day / 365.25
    season = 45 + 5 * np.cos(phase - 1) + 2 * np.sin(2 * phase)
    weather = np.cos(2 * np.pi * np.arange(len(time)) / 11)
    series = xr.DataArray(season + weather, {"time": time}, ("time",))
    np.testing.assert_allclose(jet.seasonal_cycle(series, 2), season, atol=0.01)
    assert np.ptp(jet.seasonal_cycle(series, 0).values) == pytest.approx(0, abs=1e-9)


def test_index_of_a_jet_that_moves():
    """A jet that wanders around a latitude, in 50 days and in 4: the low-pass leaves the slow wandering."""
    hours = np.arange(0, 24 * 200, 6)
    time = np.datetime64("2001-01-01", "ns") + np.timedelta64(1, "h") * hours
    fast = np.sin(2 * np.pi * hours / 24 / 4)
    axis = 45 + 3 * np.sin(2 * np.pi * hours / 24 / 50) + fast
    latitude = np.arange(75, 14, -1.5)
    wind = 25 * np.exp(-(((latitude - axis[:, None]) / 10) ** 2))
    wind = xr.DataArray(wind, {"time": time, "latitude": latitude}, ("time", "latitude"))
    found = jet.index(wind, window=61, cutoff=10, harmonics=0)
    assert found.sizes["time"] == 140
    wandering = 3 * np.sin(2 * np.pi * (np.arange(30, 170) + 0.375) / 50)
    np.testing.assert_allclose(found["latitude_anomaly"], wandering - wandering.mean(), atol=0.1)
    fast_daily = fast.reshape(200, 4).mean(1)[30:170]
    np.testing.assert_allclose(found["latitude_daily"], found["latitude_anomaly"] + fast_daily, atol=0.1)
    np.testing.assert_allclose(
        found["latitude_cycle"] + found["latitude_anomaly"], found["latitude"], rtol=1e-12
    )
    assert found["speed"].values == pytest.approx(25, abs=0.5)
    for name in ("latitude", "speed"):
        assert found[f"{name}_anomaly"].mean() == pytest.approx(0, abs=1e-9), "from the cycle of the same jet"


def test_a_day_with_missing_times_is_no_day():
    time = np.datetime64("2001-01-01", "ns") + np.timedelta64(6, "h") * np.arange(11)
    wind = xr.DataArray(np.arange(11.0)[:, None], {"time": time, "latitude": [0]}, ("time", "latitude"))
    assert jet.daily_means(wind).values[:, 0].tolist() == [1.5, 5.5]


def test_maximum_of_a_parabola_is_its_vertex():
    latitude = np.arange(60.0, 30, -1.5)
    wind = 30 - 0.1 * (latitude - 46.1) ** 2
    found = jet.maximum(xr.DataArray(wind[None], {"time": [0], "latitude": latitude}, ("time", "latitude")))
    assert found["latitude"].item() == pytest.approx(46.1)
    assert found["speed"].item() == pytest.approx(30)


def test_maximum_at_the_edge_of_the_sector_stays_there():
    wind = xr.DataArray([[5.0, 4, 3, 1]], {"time": [0], "latitude": [75.0, 70, 65, 60]}, ("time", "latitude"))
    found = jet.maximum(wind)
    assert (found["latitude"].item(), found["speed"].item()) == (75, 5)


def test_sectors_that_are_too_small_are_refused():
    wind = xr.DataArray([[5.0, 4]], {"time": [0], "latitude": [75.0, 70]}, ("time", "latitude"))
    with pytest.raises(InputError, match="at least three"):
        jet.maximum(wind)
    with pytest.raises(InputError, match="no point of a grid with rows 2°"):
        jet.Sector((44.5, 45.5), (0, 90)).mean(np.ones((90, 180)), 90.0 - 2 * np.arange(90), np.arange(180))
