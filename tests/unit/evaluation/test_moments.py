"""Distances of mean and deviation fields against NumPy's, and the sampled points against all of them."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from atmodist.data import spectral
from atmodist.data.sphere import area_weights
from atmodist.evaluation import metrics, moments, streaming, summary
from atmodist.evaluation.bootstrap import Bootstrap

VARIABLES = ["divergence", "vorticity"]
BLOCKS, FRAMES = 8, 3  # blocks of a day with frames at 0, 8, 16 UTC


def series(seed, rows, scale, noise):
    """Fields (time, variable, latitude, longitude) of waves that come and go with the days, and of noise."""
    rng, weather = np.random.default_rng(seed), np.random.default_rng(0)
    phi = np.radians(spectral.latitudes(rows // 2 - 1))[:, None]
    lam = np.radians(spectral.longitudes(rows // 2 - 1))
    waves = np.stack([np.cos(phi) ** m * np.cos(m * lam + 3 * m * phi) for m in range(1, 6)])
    days = weather.standard_normal((BLOCKS, 2, 5)).repeat(FRAMES, 0)
    values = np.einsum("tvm,myx->tvyx", days, waves) * scale
    return 1e-5 * (values + noise * rng.standard_normal(values.shape) * np.cos(phi))


def evaluate(truth, estimate):
    """The moments of two series, block by block."""
    rows = truth.shape[2]
    coordinates = {
        "variable": VARIABLES,
        "field_units": ("variable", ["s-1", "s-1"]),
        "latitude": spectral.latitudes(rows // 2 - 1),
        "longitude": spectral.longitudes(rows // 2 - 1),
    }
    start = np.datetime64("2001-07-01", "ns")

    def frame(values, number):
        time = start + number * np.timedelta64(24 // FRAMES, "h")
        return xr.DataArray(values, {**coordinates, "time": time}, ("variable", "latitude", "longitude"))

    pairs = (
        (frame(*each) for each in ((true, i), (found, i)))
        for i, (true, found) in enumerate(zip(truth, estimate, strict=True))
    )
    return streaming.evaluate(
        map(tuple, pairs),
        lambda: [metrics.PointMoments([1e-5, 1e-5]), metrics.MomentSamples(4)],
        start,
        block_days=1,
    )


def both(rows):
    truth, estimate = series(1, rows, 1.0, 0.3), series(2, rows, 0.9, 0.5)
    return (truth, estimate), (evaluate(truth, truth), evaluate(truth, estimate))


def by_numpy(truth, estimate, counts):
    """Squared errors (field, weight, variable) of the times that ``counts`` draws."""
    drawn = [
        np.repeat(each.reshape(BLOCKS, FRAMES, *each.shape[1:]), counts, 0) for each in (truth, estimate)
    ]
    area = area_weights(spectral.latitudes(truth.shape[2] // 2 - 1))[:, None] / truth.shape[3]
    squares = [(f(drawn[1], (0, 1)) - f(drawn[0], (0, 1))) ** 2 for f in (np.mean, np.std)]
    return np.array([[each.sum((1, 2)), (each * area).sum((1, 2))] for each in squares])


def test_squared_errors_are_those_of_numpy():
    """Exactly in the data, and where every point is sampled, in every draw, too."""
    series, evaluations = both(rows=64)
    counts = Bootstrap(1, 6, 5).counts(BLOCKS)
    errors = moments.squared_errors(*evaluations, counts).transpose("sample", "weight", "variable")
    for sample, times in enumerate(counts.values):
        expected = by_numpy(*series, times)
        for found, right in zip((errors["mean"], errors["std"]), expected, strict=True):
            np.testing.assert_allclose(found[sample], right, rtol=1e-4)


def test_a_short_block_counts_by_its_frames():
    """Of three blocks the last has one frame in place of three."""
    pair = [each[: 2 * FRAMES + 1] for each in (series(1, 16, 1.0, 0.3), series(2, 16, 0.9, 0.5))]
    counts = Bootstrap(1, 8, 5).counts(3)
    errors = moments.squared_errors(evaluate(pair[0], pair[0]), evaluate(*pair), counts).sel(weight="grid")
    for sample, times in enumerate(counts.values):
        drawn = [np.repeat(each, np.repeat(times, [FRAMES, FRAMES, 1]), 0) for each in pair]
        for name, of_times in (("mean", np.mean), ("std", np.std)):
            expected = ((of_times(drawn[1], 0) - of_times(drawn[0], 0)) ** 2).sum((1, 2))
            np.testing.assert_allclose(errors[name][sample], expected, rtol=1e-4, atol=1e-16)


def test_the_data_count_at_all_points_and_the_draws_at_the_sampled_ones():
    """The spread over the draws is that of the whole grid."""
    series, evaluations = both(rows=128)
    assert evaluations[0].sizes["point"] == 64 * 128
    counts = Bootstrap(1, 300, 5).counts(BLOCKS)
    errors = moments.squared_errors(*evaluations, counts).transpose("sample", "weight", "variable")
    expected = np.array([by_numpy(*series, times) for times in counts.values[:100]])
    np.testing.assert_allclose(errors["mean"][0], expected[0, 0], rtol=1e-4)
    np.testing.assert_allclose(errors["std"][0], expected[0, 1], rtol=1e-4)
    for number, name in enumerate(("mean", "std")):
        np.testing.assert_allclose(errors[name][1:100], expected[1:, number], rtol=0.15)
        spread = expected[1:, number].std(0)
        np.testing.assert_allclose(errors[name][1:100].std("sample"), spread, rtol=0.1)


def test_a_sampled_point_stands_for_its_own_box():
    """An error of 1e-5 at the points that are a box alone: draws count each of them once."""
    rows = 88
    points = moments.sample_points(rows, 4)
    alone = points.isel(point=(points["grid_points"] == 1).values)
    truth = np.zeros((2 * FRAMES, 2, rows, 2 * rows))
    estimate = truth.copy()
    estimate[:, :, alone["grid_row"], alone["grid_column"]] = 1e-5
    evaluations = evaluate(truth, truth), evaluate(truth, estimate)
    errors = moments.squared_errors(*evaluations, Bootstrap(1, 3, 5).counts(2))["mean"].sel(weight="grid")
    assert 0 < alone.sizes["point"] < points.sizes["point"] / 2
    np.testing.assert_allclose(errors, 1e-10 * alone.sizes["point"], rtol=1e-3)


@given(st.integers(2, 200), st.integers(0, 9))
def test_boxes_tile_the_grid(rows, seed):
    points = moments.sample_points(rows, seed)
    assert points["grid_points"].sum() == 2 * rows**2
    assert (
        len(set(zip(points["grid_row"].values, points["grid_column"].values, strict=True)))
        == points.sizes["point"]
    )
    assert points["grid_row"].max() < rows
    assert points["grid_column"].max() < 2 * rows


@pytest.mark.parametrize("rows", [88, 128])
def test_sums_over_the_sampled_points_are_unbiased(rows):
    """Of any field, one with a checkerboard in it that points at fixed distances would miss or see twice."""
    field = (
        np.random.default_rng(1).exponential(size=(rows, 2 * rows)) + np.indices((rows, 2 * rows)).sum(0) % 2
    )
    sums = []
    for seed in range(300):
        points = moments.sample_points(rows, seed)
        sums.append((field[points["grid_row"], points["grid_column"]] * points["grid_points"].values).sum())
    assert abs(np.mean(sums) - field.sum()) < 4 * np.std(sums) / np.sqrt(len(sums))
    assert np.std(sums) / field.sum() < 0.02


def test_the_truth_has_no_error_and_one_block_no_draws():
    truth = series(1, 64, 1.0, 0.3)
    result = evaluate(truth, truth)
    errors = moments.squared_errors(result, result, Bootstrap(1, 5, 1).counts(BLOCKS))
    assert not errors.to_dataarray("field").any()
    one = evaluate(truth[:FRAMES], truth[:FRAMES])
    assert moments.squared_errors(one, one, Bootstrap(1, 5, 1).counts(1)).sizes["sample"] == 1


def test_the_summary_has_one_number_a_system_and_variable_with_its_interval():
    series, evaluations = both(rows=64)
    numbers = {
        name: (values, unit)
        for name, values, unit in summary.of_moments(*evaluations[::-1], Bootstrap(1, 200, 6))
    }
    assert list(numbers) == [
        "mean_field_squared_error",
        "area_weighted_mean_field_squared_error",
        "deviation_field_squared_error",
        "area_weighted_deviation_field_squared_error",
    ]
    expected = by_numpy(*series, np.ones(BLOCKS, int)).reshape(4, 2)
    for (values, unit), right in zip(numbers.values(), expected, strict=True):
        assert unit == 2, "a power of the unit of each variable"
        np.testing.assert_allclose(values.isel(sample=0), right, rtol=1e-4)
        low, high = values.isel(sample=slice(1, None)).quantile([0.025, 0.975], "sample").values
        assert (low < right).all()
        assert (right < high).all()
