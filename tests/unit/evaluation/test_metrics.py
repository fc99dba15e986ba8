"""Every metric against a closed form or another library."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.special import eval_legendre
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from atmodist.core.errors import InputError
from atmodist.data import spectral, units
from atmodist.data.sphere import EARTH_RADIUS, area_weights
from atmodist.evaluation import merging, metrics, moments, ratios

VARIABLES = ["divergence", "vorticity"]
TRUNCATION = 31
PLACES = xr.Dataset(
    {"latitude": ("city", [51.5, -33.45, 19.43]), "longitude": ("city", [-0.12, -70.67, -99.13])},
    {"city": ["London", "Santiago", "Mexico City"]},
)


def frame(values, time="2001-07-01T03"):
    truncation = values.shape[-2] // 2 - 1
    return xr.DataArray(
        values,
        {
            "variable": VARIABLES,
            "field_units": ("variable", ["s-1", "s-1"]),
            "latitude": spectral.latitudes(truncation),
            "longitude": spectral.longitudes(truncation),
            "time": np.datetime64(time, "ns"),
        },
        ("variable", "latitude", "longitude"),
    )


def noise(seed, time="2001-07-01T03", rows=64, scale=1e-5):
    values = np.random.default_rng(seed).standard_normal((2, rows, 2 * rows))
    return frame((scale * values).astype(np.float32), time)


def random_coefficients(rng, spectrum):
    """Coefficients of an isotropic field whose power at degree n is exactly ``spectrum[n]``."""
    degrees = np.arange(len(spectrum))
    cilm = rng.standard_normal((2, len(spectrum), len(spectrum)))
    cilm *= (degrees[None, :] <= degrees[:, None])[None]
    cilm[1, :, 0] = 0
    return cilm * np.sqrt(np.asarray(spectrum) / np.maximum(spectral.power(cilm), 1e-300))[:, None]


def measured(metric, truth, estimate):
    metric.add(metric.measure(truth, estimate))
    return metric.result()


def test_one_variable_alone_has_the_energy_of_its_part_of_the_wind():
    both = noise(3)
    whole, alone = (
        measured(metrics.Spectra(), field, field)["kinetic_energy"]
        for field in (both, both.sel(variable=["vorticity"]))
    )
    assert alone.sel(flow="rotational").values == pytest.approx(whole.sel(flow="rotational").values)
    assert not alone.sel(flow="divergent").any()


def test_fields_that_are_no_wind_have_no_kinetic_energy():
    temperature = noise(12).isel(variable=[0]).assign_coords(variable=["temperature"])
    result = measured(metrics.Spectra(), temperature, temperature)
    assert set(result) == {"power"}


def test_what_is_measured_has_a_power_of_the_unit_of_each_variable():
    units_of = {"divergence": "s-1", "temperature": "K"}
    truth, estimate = (
        noise(seed).assign_coords(variable=list(units_of), field_units=("variable", list(units_of.values())))
        for seed in (13, 14)
    )
    every = metrics.of_estimate(np.ones(2), 3, PLACES) + metrics.of_comparison()
    found = xr.merge([measured(metric, truth, estimate) for metric in every]).assign_coords(
        frames=("block", [1])
    )
    fields = moments.mean_fields(found)
    for name, expected in (
        ("power", ("s-2", "K2")),
        ("semivariance", ("s-2", "K2")),
        ("truth_mean", ("s-1", "K")),
        ("mean_squared_error", ("s-2", "K2")),
        ("total_variation_difference", ("s-1", "K")),
        ("city_value", ("s-1", "K")),
        ("quantum", ("s-1", "K")),
        ("psnr", ("dB", "dB")),
    ):
        assert tuple(units.of(found[name], variable) for variable in units_of) == expected, name
    assert {units.of(each, "temperature") for each in fields.values()} == {"K"}
    assert found["kinetic_energy"].units == "m2 s-2"


def test_spectra_find_the_power_put_in_and_the_energy_of_solid_body_rotation():
    omega = 2e-6
    sine = np.sin(np.radians(spectral.latitudes(TRUNCATION)))[:, None] * np.ones(4 * (TRUNCATION + 1))
    cilm = np.zeros((2, TRUNCATION + 1, TRUNCATION + 1))
    cilm[0, 7, 3], cilm[1, 7, 5] = 3e-6, 4e-6
    field = frame(np.stack([spectral.synthesise(cilm), 2 * omega * sine]))
    result = measured(metrics.Spectra(), field, field)
    assert result["power"].sel(variable="divergence", degree=7) == pytest.approx(25e-12)
    assert result["power"].sel(variable="divergence").sum() == pytest.approx(25e-12)
    rotational = result["kinetic_energy"].sel(flow="rotational")
    assert rotational[1] == pytest.approx((omega * EARTH_RADIUS) ** 2 / 3)
    assert rotational.sum() == pytest.approx((omega * EARTH_RADIUS) ** 2 / 3)
    divergent = result["kinetic_energy"].sel(flow="divergent")
    assert divergent[7] == pytest.approx(EARTH_RADIUS**2 * 25e-12 / (2 * 7 * 8))
    assert result["wavelength"][7] == pytest.approx(40_031.6 / 7, rel=1e-5), "the Earth's circumference in km"


def test_energy_of_pyspharms_winds_is_that_of_solid_body_rotation(monkeypatch):
    """The mean of (ω a cos φ)² / 2 over the sphere; the winds are ours, which test_pyspharm compares."""
    monkeypatch.setattr(spectral, "pyspharm_winds", spectral.winds)
    omega = 2e-6
    rotation = noise(0, scale=0) + 2 * omega * np.sin(np.radians(noise(0)["latitude"]))
    rotation.loc["divergence"] = 0
    energy = measured(metrics.Spectra("pyspharm"), rotation, rotation)["kinetic_energy"]
    assert energy.sum() == pytest.approx((omega * EARTH_RADIUS) ** 2 / 3, rel=1e-3)


def test_zonal_spectra_find_waves_and_their_power_outside_the_band():
    """cos(m λ) has half its square's power at m, all of it at the shortest wave of the grid."""
    theta, phi = np.radians(spectral.longitudes(TRUNCATION)), np.radians(spectral.latitudes(TRUNCATION))
    waves = 3e-5 + 2e-5 * np.cos(TRUNCATION * theta) + 1e-5 * np.cos((TRUNCATION + 1) * theta + phi[:, None])
    shortest = 1e-5 * np.cos(2 * (TRUNCATION + 1) * theta) * np.sqrt(3) * np.sin(phi)[:, None]
    field = frame(np.stack([waves, shortest]))
    power = measured(metrics.ZonalSpectra(), field, field)["zonal_power"]
    assert power["wavenumber"][-1] == 2 * (TRUNCATION + 1)
    divergence, vorticity = power.sel(variable="divergence"), power.sel(variable="vorticity")
    np.testing.assert_allclose(
        divergence[[0, TRUNCATION, TRUNCATION + 1]], [9e-10, 2e-10, 0.5e-10], rtol=1e-6
    )
    assert vorticity[-1] == pytest.approx(1e-10, rel=3e-3), "the mean square of √3 sin φ over the sphere is 1"
    np.testing.assert_allclose(ratios.power_outside(power, TRUNCATION), [0.2, 1], rtol=1e-6)


def test_harmonics_have_no_power_outside_the_band():
    """A checkerboard along the rows does, all of it there."""
    rng = np.random.default_rng(6)
    values = [spectral.synthesise(random_coefficients(rng, np.ones(TRUNCATION + 1))) for _ in VARIABLES]
    clean = frame(1e-5 * np.stack(values))
    checkerboard = clean + 1e-5 * (-1.0) ** np.arange(clean.sizes["longitude"])
    area = area_weights(clean["latitude"].values)
    powers = [
        measured(metrics.ZonalSpectra(), field, field)["zonal_power"] for field in (clean, checkerboard)
    ]
    for field, power in zip((clean, checkerboard), powers, strict=True):
        np.testing.assert_allclose(power.sum("wavenumber"), (field.values**2).mean(-1) @ area, rtol=1e-12)
    np.testing.assert_allclose(ratios.power_outside(powers[0], TRUNCATION), 0, atol=1e-12)
    added = powers[1].sel(wavenumber=slice(TRUNCATION + 1, None)).sum("wavenumber")
    np.testing.assert_allclose(added, 1e-10, rtol=1e-9)


def test_log_error_counts_too_much_like_too_little():
    truth = xr.DataArray([1.0, 10.0, 100.0, 1000.0], dims="degree")
    factors = xr.DataArray([1.0, 10.0, 0.1, 100.0], dims="degree")
    assert ratios.log_error(truth * factors, truth, "degree") == pytest.approx(1)


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (metrics.Spectra(), "power"),
        (metrics.ZonalSpectra(), "zonal_power"),
        (metrics.Semivariogram(seed=5), "semivariance"),
    ],
    ids=["degrees", "wavenumbers", "distances"],
)
def test_what_is_measured_is_the_estimate(metric, name):
    assert not measured(metric, noise(0), noise(1, scale=0))[name].any()


def semivariogram(result):
    """Semivariance over the truth's variance, (variable, distance)."""
    return result["semivariance"] / (result["truth_mean_square"] - result["truth_mean"] ** 2)


def test_semivariogram_of_an_isotropic_field_is_that_of_its_spectrum():
    """γ(d) / variance = 1 − Σ S_n P_n(cos d) / Σ S_n, on a grid whose points are 39 km apart."""
    rng = np.random.default_rng(1)
    degrees = np.arange(256)
    spectrum = np.where((degrees > 2) & (degrees < 18), degrees**2.0, 0)
    spectrum *= 1e-10 / spectrum.sum()
    distances = (500.0, 1000.0, 3000.0)
    metric = metrics.Semivariogram(seed=5, distances=distances, points=6000)
    for hour in range(4):
        values = [spectral.synthesise(random_coefficients(rng, spectrum)) for _ in VARIABLES]
        field = frame(np.stack(values), f"2001-07-01T{hour:02d}")
        metric.add(metric.measure(field, field))
    cosine = np.cos(np.array(distances) * 1000 / EARTH_RADIUS)
    expected = 1 - spectrum @ eval_legendre(degrees[:, None], cosine) / spectrum.sum()
    np.testing.assert_allclose(semivariogram(metric.result()).mean("variable"), expected, rtol=0.04)


def test_semivariogram_of_the_sine_of_latitude():
    """½ E[(sin φ − sin φ′)²] = (1 − cos d) / 3 where the points are uniform on the sphere."""
    field = noise(0)
    field = 0 * field + np.sin(np.radians(field["latitude"]))
    distances = (3000.0, 10_000.0, 20_000.0)
    metric = metrics.Semivariogram(seed=5, distances=distances, points=10_000)
    expected = (1 - np.cos(np.array(distances) * 1000 / EARTH_RADIUS)) / 3
    np.testing.assert_allclose(measured(metric, field, field)["semivariance"][0], expected, rtol=0.03)


def test_semivariogram_has_other_points_with_each_seed_and_at_each_time():
    found = [
        measured(metrics.Semivariogram(seed), noise(0), noise(1, time, scale=1))["semivariance"]
        for seed, time in ((5, "2001-07-01T03"), (6, "2001-07-01T03"), (5, "2001-07-01T06"))
    ]
    assert found[0]["distance"].values.tolist() == [25, 50, 100, 200, 300, 500, 1000], "km"
    assert not np.allclose(found[0], found[1])
    assert not np.allclose(found[0], found[2])


def test_semivariogram_sees_all_of_the_noise_of_single_points():
    """Points a few rows apart differ by twice the variance of white noise; interpolation would lose half."""
    metric = metrics.Semivariogram(seed=5, distances=(1500.0, 4000.0), points=20_000)
    result = measured(metric, noise(2), noise(3))
    np.testing.assert_allclose(result["semivariance"], 1e-10, rtol=0.05)


def test_semivariogram_takes_the_nearest_points_and_half_the_mean_square(monkeypatch):
    """From the equator at 0° E, 1200 km north, east, south and west; rows and columns are 2.8125° apart."""
    draws = iter([np.zeros((1, 4)), np.array([[[0.0] * 4], [[0.0, 90, 180, 270]]])])
    monkeypatch.setattr(metrics, "random_stream", lambda *_: SimpleNamespace(uniform=lambda *_: next(draws)))
    field = noise(4)
    values = field.values.astype(float)
    angle = np.degrees(1.2e6 / EARTH_RADIUS)
    assert round(angle / 2.8125) == 4
    here = values[:, 32, 0]
    there = values[:, [28, 32, 36, 32], [0, 4, 0, 124]]
    expected = ((there - here[:, None]) ** 2).mean(-1) / 2
    found = measured(metrics.Semivariogram(seed=5, distances=(1200.0,), points=4), field, field)
    np.testing.assert_allclose(found["semivariance"][:, 0], expected, rtol=1e-12)


def test_semivariogram_keeps_the_truths_moments_over_the_sphere():
    """The mean of 1 + 2 sin φ over the sphere is 1, its mean square 1 + 4/3; over the grid's points 1 + 2."""
    truth = noise(5, rows=256)
    truth = truth.copy(data=0 * truth + 1 + 2 * np.sin(np.radians(truth["latitude"])))
    result = measured(metrics.Semivariogram(seed=5), truth, noise(6, rows=256))
    np.testing.assert_allclose(result["truth_mean"], 1, rtol=1e-3)
    np.testing.assert_allclose(result["truth_mean_square"], 7 / 3, rtol=1e-3)


def test_semivariogram_does_not_depend_on_the_system_or_the_order():
    fields = [noise(i, f"2001-07-01T{i:02d}") for i in range(4)]
    forward, backward = (metrics.Semivariogram(seed=5) for _ in range(2))
    for field in fields:
        forward.add(forward.measure(fields[0], field))
    for field in reversed(fields):
        backward.add(backward.measure(fields[0], field))
    xr.testing.assert_allclose(forward.result(), backward.result(), rtol=1e-12)


def test_errors_of_a_known_difference():
    truth = noise(4)
    estimate = truth.copy(data=truth.values + np.array([2e-6, -3e-6], np.float32)[:, None, None])
    result = measured(metrics.Errors(), truth, estimate).squeeze("time")
    np.testing.assert_allclose(result["mean_squared_error"], [4e-12, 9e-12], rtol=1e-5)
    np.testing.assert_allclose(result["area_weighted_mean_squared_error"], [4e-12, 9e-12], rtol=1e-5)
    np.testing.assert_allclose(result["total_variation_difference"], 0, atol=1e-12)


def test_area_weighted_error_integrates_over_the_sphere():
    """The mean of sin² φ over the sphere is 1/3; over the grid's points it is 1/2."""
    truth = noise(5, rows=256)
    estimate = truth + np.sin(np.radians(truth["latitude"]))
    result = measured(metrics.Errors(), truth, estimate).squeeze("time")
    np.testing.assert_allclose(result["area_weighted_mean_squared_error"], 1 / 3, rtol=1e-4)
    np.testing.assert_allclose(result["mean_squared_error"], 1 / 2, rtol=1e-3)


def test_a_weaker_field_has_less_total_variation():
    result = measured(metrics.Errors(), noise(4), 0.5 * noise(4))
    assert (result["total_variation_difference"] < 0).all()


def test_psnr_and_ssim_against_torchmetrics():
    truth = noise(6, rows=88)
    estimate = 0.8 * truth + noise(7, rows=88, scale=4e-6)
    result = measured(metrics.Errors(), truth, estimate).squeeze("time")
    for name in VARIABLES:
        true, found = (torch.from_numpy(x.sel(variable=name).values)[None, None] for x in (truth, estimate))
        span = float(true.max() - true.min())
        psnr = peak_signal_noise_ratio(found / span, true / span, data_range=1.0)
        ssim = structural_similarity_index_measure(found / span, true / span, data_range=1.0)
        assert result["psnr"].sel(variable=name) == pytest.approx(float(psnr), rel=1e-5)
        assert result["ssim"].sel(variable=name) == pytest.approx(float(ssim), abs=1e-5)


def test_moments_are_those_of_numpy():
    pairs = [(noise(i), noise(100 + i)) for i in range(12)]
    metric = metrics.PointMoments([1e-5, 1e-5])
    for pair in pairs:
        metric.add(metric.measure(*pair))
    result = moments.mean_fields(metric.result().assign(frames=("block", [12])))
    truths, estimates = (np.stack([pair[i].values for pair in pairs]).astype(float) for i in (0, 1))
    np.testing.assert_allclose(result["mean"], estimates.mean(0), atol=4e-11)
    np.testing.assert_allclose(result["std"], estimates.std(0), atol=1e-10)
    np.testing.assert_allclose(result["rmse"], np.sqrt(((estimates - truths) ** 2).mean(0)), atol=1e-10)


def test_values_that_sums_of_squares_cannot_hold_are_refused():
    """A point beyond any standard deviation, or sums that would wrap and so give no error at all."""
    truth, pair = noise(0), noise(1)
    for value in (-6e-3, 6e-3, 1e10, -1e25, 3e38):  # the last three are beyond whole numbers of 64 bits
        pair.values[0, 3, 4] = value
        with pytest.raises(InputError, match="are beyond 512 standard deviations: did the training diverge"):
            metrics.PointMoments([1e-5, 1e-5]).measure(truth, pair)
    parts = []
    for block in range(2):
        pair.values[0, 3, 4] = 4e-3
        one = metrics.PointMoments([1e-5, 1e-5]).measure(truth, pair)
        one["sum_of_squares"] *= 500
        parts.append(one.assign(frames=("block", [500]), block=[block]))
    merging.combine(parts[:1])
    with pytest.raises(InputError, match="have outgrown the sums of their squares"):
        merging.combine(parts)


def test_cities_see_their_surroundings():
    """A field of longitudes and one of latitudes say where a pixel is."""
    truth = noise(8)
    lam, phi = np.meshgrid(truth["longitude"], truth["latitude"])
    values = measured(metrics.Cities(PLACES), truth, truth.copy(data=np.stack([lam, phi])))["city_value"]
    london = values.sel(city="London").squeeze("time")
    assert london.dtype == np.float32
    step = 180 / 64
    assert set(london.sel(variable="divergence")[:4].values) == {0, 360 - step}, "both sides of Greenwich"
    assert set(london.sel(variable="vorticity")[:4].values) == {90 - 13 * step, 90 - 14 * step}
