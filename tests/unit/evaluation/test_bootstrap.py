"""Draws against the multinomial distribution, intervals against the normal one."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from atmodist.evaluation.bootstrap import Bootstrap, interval, means, sums_of_blocks, widening


def test_the_first_sample_is_the_data_and_the_others_are_draws():
    counts = Bootstrap(1, 500, 1).counts(12)
    assert (counts[0] == 1).all()
    assert (counts.sum("block") == 12).all()
    assert counts[1:].mean() == pytest.approx(1)
    assert counts[1:].var("sample").mean() == pytest.approx(11 / 12, rel=0.1), "multinomial"
    np.testing.assert_array_equal(counts, Bootstrap(1, 500, 1).counts(12))
    assert Bootstrap(1, 500, 1).counts(1).sizes["sample"] == 1


def test_the_interval_is_that_of_the_normal_distribution():
    """Of the mean of n independent blocks: ± 1.96 σ / √n, with the right share of intervals that hold it."""
    rng = np.random.default_rng(2)
    counts = Bootstrap(1, 2000, 3).counts(200)
    sizes = xr.DataArray(np.full(200, 5), dims="block")
    sums = xr.Dataset({"x": ("block", 5 * rng.standard_normal(200))})
    samples = means(sums, sizes, counts)["x"]
    assert samples[0] == pytest.approx(float(sums["x"].mean()) / 5)
    low, high = interval(samples)
    assert high - low == pytest.approx(2 * 1.96 * float(sums["x"].std()) / 5 / np.sqrt(200), rel=0.06)


@pytest.mark.parametrize("blocks", [8, 12, 30])
def test_95_percent_of_intervals_hold_the_truth(blocks):
    """Of the mean of a few blocks; the draws' quantiles at 2.5 and 97.5 % alone do in 88 to 94 %."""
    means = np.random.default_rng(4).standard_normal((blocks, 4000))
    counts = Bootstrap(1, 1000, 5).counts(blocks)
    samples = xr.dot(counts, xr.DataArray(means, dims=("block", "experiment")), dim="block") / blocks
    low, high = interval(samples)
    assert ((low < 0) & (high > 0)).mean() == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize("count", [2, 3, 12])
def test_a_widened_bootstrap_of_a_mean_has_students_interval(count):
    """Its draws spread by σ / √n with the deviation σ of the values themselves."""
    values = np.random.default_rng(8).standard_normal(count)
    _, end = stats.t.interval(0.95, count - 1, scale=stats.sem(values))
    spread = values.std() / np.sqrt(count)
    assert stats.norm.ppf(0.975) * spread * widening(count) == pytest.approx(end)


def test_intervals_stay_where_the_quantity_can_be():
    shares = xr.DataArray(np.random.default_rng(6).beta(0.5, 3, 12), dims="block")
    samples = xr.dot(Bootstrap(1, 1000, 7).counts(12), shares, dim="block") / 12
    low, high = interval(samples)
    assert 0 < shares.min() <= low < samples[0] < high <= shares.max()


def test_one_block_has_no_interval():
    assert np.isnan(interval(Bootstrap(1, 500, 1).counts(1).isel(block=0))).all()


def test_blocks_begin_with_the_first_day_and_hold_data():
    time = np.array(["2001-07-04T21", "2001-07-01T09", "2001-07-02T21", "2001-07-08T00"], "datetime64[ns]")
    block = Bootstrap(2, 100, 0).blocks(time)
    assert block.tolist() == [1, 0, 0, 2]
    sums = sums_of_blocks(xr.Dataset({"x": ("time", [1, 2, 4, 8])}), block)
    assert sums["x"].values.tolist() == [6, 1, 8]


def test_blocks_weigh_by_their_members():
    """Three days of one block and a day of another: a draw has either of them twice, or both."""
    time = np.datetime64("2001-07-01", "ns") + np.timedelta64(1, "D") * np.arange(4)
    series = xr.Dataset({"x": ("day", [0.0, 1.0, 2.0, 5.0])}, {"time": ("day", time)})
    samples = Bootstrap(3, 50, 1).means(series)["x"]
    assert samples[0] == 2
    assert set(samples.values) == {1, 2, 5}


def test_means_of_groups_and_their_intervals():
    """By hour of the day: each hour's own mean, and draws around it."""
    time = np.datetime64("2001-08-01", "ns") + np.timedelta64(6, "h") * np.arange(80)
    hour = np.arange(80) % 4 * 6
    rng = np.random.default_rng(0)
    series = xr.DataArray(hour + rng.standard_normal(80), {"time": time}, ("time",))
    found = Bootstrap(2, 100, 0).means_of_groups(series, hour)
    assert found["group"].values.tolist() == [0, 6, 12, 18]
    assert found.sizes == {"group": 4, "sample": 101}
    assert found["blocks"] == 10
    for value in (0, 6, 12, 18):
        expected = series.values[hour == value].mean()
        assert found.sel(group=value)[0] == pytest.approx(expected)
        low, high = interval(found.sel(group=value))
        assert low < expected < high


def test_a_group_of_one_block_has_no_interval():
    time = np.datetime64("2001-08-01", "ns") + np.timedelta64(20, "D") * np.arange(2)
    series = xr.DataArray([1.0, 2.0], {"time": time}, ("time",))
    found = Bootstrap(5, 10, 0).means_of_groups(series, np.array([1, 2]))
    assert found.isel(sample=0).values.tolist() == [1, 2]
    assert np.isnan(found.isel(sample=slice(1, None))).all()


def test_blocks_without_data_are_not_drawn():
    """Two Januaries: no draw is without any, and the blocks are those of both."""
    time = np.datetime64("2001-01-01", "ns") + np.timedelta64(1, "D") * np.r_[0:4, 365:369]
    series = xr.DataArray(np.arange(8.0), {"time": time}, ("time",))
    found = Bootstrap(2, 200, 0).means_of_groups(series, np.ones(8))
    assert found["blocks"] == 5, "the second January begins within a block"
    assert np.isfinite(found).all()
