"""Diagnostics of atmospheres whose spectrum, memory and daily cycle are known by construction."""

import numpy as np
import pytest
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.data import spectral
from atmodist.data.diagnostics import (
    HARMONICS,
    Diagnostics,
    effective_degree,
    group_by_time,
    local_slopes,
    slope,
)
from atmodist.data.grib import Field

TRUNCATION = 12
N, M = spectral.degrees_and_orders(TRUNCATION)
START = np.datetime64("2001-01-01T00", "h")


def times(count, step=3):
    return START + np.arange(count) * np.timedelta64(step, "h")


def noise(rng):
    packed = rng.normal(size=(2, N.size)) + 1j * rng.normal(size=(2, N.size))
    return np.where(M, packed / np.sqrt(2), packed.real)


def diagnose(series, step=3, longest_lag_hours=93):
    diagnostics = Diagnostics(TRUNCATION, step, longest_lag_hours)
    for time, coefficients in series:
        diagnostics.update(time, coefficients)
    return diagnostics.result()


def autoregression(count, memory, seed=0):
    rng = np.random.default_rng(seed)
    field = noise(rng)
    for time in times(count):
        yield time, field
        field = memory * field + np.sqrt(1 - memory**2) * noise(rng)


def test_autocorrelation_of_an_autoregression():
    result = diagnose(autoregression(1500, 0.8))
    assert result["lag"].values[[0, 1, -1]].tolist() == [0, 3, 93]
    expected = 0.8 ** (result["lag"] / 3)
    np.testing.assert_allclose(result["autocorrelation"].sel(variable="vorticity"), expected, atol=0.03)
    np.testing.assert_allclose(result["autocorrelation"].sel(variable="divergence"), expected, atol=0.03)


def test_autocorrelation_equals_numpy_and_leaves_out_the_mean():
    series = [(time, field + 3 + N) for time, field in autoregression(40, 0.9)]
    result = diagnose(series, longest_lag_hours=30)
    fields = np.array([field for _, field in series])
    mean = fields.mean(axis=0)
    weight = np.where(M, 2, 1)

    def covariance(lag):
        products = (fields[lag:] * fields[: len(fields) - lag].conj()).real
        return (products * weight).sum(-1).mean(0) - (abs(mean) ** 2 * weight).sum(-1)

    for number, lag in enumerate(result["lag"].values):
        expected = covariance(int(lag) // 3) / covariance(0)
        np.testing.assert_allclose(result["autocorrelation"][number], expected, atol=1e-4)


def test_a_gap_is_no_lag():
    rng = np.random.default_rng(1)
    one, other = noise(rng), noise(rng)
    first, second = times(2), times(2) + np.timedelta64(30, "D")
    series = [(first[0], one), (first[1], other), (second[0], one), (second[1], other)]
    result = diagnose(series, longest_lag_hours=9)
    assert np.isfinite(result["autocorrelation"][1]).all()
    assert np.isnan(result["autocorrelation"][2:]).all()


def test_strength_and_energy_of_solid_body_rotation():
    rate = 1e-5
    vorticity = np.where((N == 1) & (M == 0), 2 * rate / np.sqrt(3), 0)
    result = diagnose((time, np.stack([0 * vorticity, vorticity]) + 0j) for time in times(4))
    strength = result["root_mean_square"]
    np.testing.assert_allclose(strength.sel(variable="vorticity"), 2 * rate / np.sqrt(3))
    np.testing.assert_array_equal(strength.sel(variable="divergence"), 0)
    energy = result["kinetic_energy"].sel(component="rotational")
    assert energy.sel(degree=1) == pytest.approx((rate * spectral.EARTH_RADIUS) ** 2 / 3)
    assert energy.sum() == energy.sel(degree=1)


@pytest.mark.parametrize("hour", [0, 9, 15])
def test_daily_cycle_peaks_at_its_hour(hour):
    """cos φ cos(λ − λ₀) with λ₀ the meridian where it is ``hour`` o'clock, in each of the day's times."""
    sectoral = (N == 1) & (M == 1)

    def series():
        for time in times(16):
            utc = int(time.astype(int)) % 24
            angle = 2 * np.pi * (hour - utc) / 24
            divergence = np.where(sectoral, 1e-5 * np.exp(-1j * angle) / np.sqrt(6), 0)
            yield time, np.stack([divergence, 0 * divergence])

    cycle = diagnose(series())["daily_cycle"]
    expected = 1e-5 * np.cos(2 * np.pi * (cycle["local_time"] - hour) / 24)
    np.testing.assert_allclose(cycle, expected, atol=1e-12)


def test_daily_cycle_is_that_of_the_grid():
    """The values along the equator, averaged in a frame that turns with the sun."""
    field = noise(np.random.default_rng(3)) * (M <= HARMONICS)
    cycle = diagnose([(START + np.timedelta64(6, "h"), field)])["daily_cycle"]
    equator = spectral.synthesise(spectral.to_cilm(field[0]))[TRUNCATION + 1]
    longitude = spectral.longitudes(TRUNCATION)
    local_time = (6 + longitude / 15) % 24
    shared = np.isin(local_time.round(9), cycle["local_time"])
    assert shared.sum() >= 4
    np.testing.assert_allclose(cycle.sel(local_time=local_time[shared]), equator[shared], atol=1e-10)


def test_slope_of_a_power_law():
    series = diagnose(autoregression(3, 0.5))["kinetic_energy"].sel(component="rotational")
    law = series.copy(data=np.maximum(series["degree"], 1) ** -3.0)
    assert slope(law, 4, 8) == pytest.approx(-3)


def spectrum(first, second, knee, truncation=100):
    """Two power laws that meet at degree ``knee``."""
    degree = np.arange(truncation + 1)
    steep = np.where(degree > knee, second, first)
    energy = (np.maximum(degree, 1) / knee) ** steep
    return xr.DataArray(energy, {"degree": degree}, ["degree"])


def test_local_slope_of_two_power_laws():
    """Over a half octave the second law has all of it once n/√2 is beyond the knee."""
    found = local_slopes(spectrum(-3.0, -7.0, 50))
    assert np.isnan(found.sel(degree=slice(0, 3))).all()
    np.testing.assert_allclose(found.sel(degree=slice(4, 50)), -3)
    np.testing.assert_allclose(found.sel(degree=slice(72, 100)), -7)
    assert (found.sel(degree=slice(51, 72)) < -3.05).all()


def test_effective_degree_is_where_the_fall_begins():
    assert effective_degree(spectrum(-3.0, -3.0, 50)) == 100
    assert 60 < effective_degree(spectrum(-3.0, -20.0, 60)) < 64
    assert effective_degree(spectrum(-5.0, -3.0, 20)) == 100, "the largest scales do not count"
    assert effective_degree(spectrum(-3.0, -3.0, 50), steepest=-2.0) == 32


def test_variables_are_paired_whatever_their_order():
    fields = [
        Field(variable, time, 120, np.full(3, float(number), complex))
        for number, variable in enumerate(("vorticity", "divergence"))
        for time in times(2)
    ]
    pairs = list(group_by_time(fields))
    assert [time for time, _ in pairs] == list(times(2))
    assert pairs[0][1][:, 0].tolist() == [1, 0]


def test_a_missing_variable_is_told():
    with pytest.raises(InputError, match="2001-01-01T00 has vorticity alone"):
        list(group_by_time([Field("vorticity", START, 120, np.zeros(3, complex))]))
