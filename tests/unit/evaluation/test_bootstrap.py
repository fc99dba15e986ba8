"""Draws against the multinomial distribution, intervals against the normal one."""

import numpy as np
import pytest
import xarray as xr

from atmodist.evaluation.bootstrap import block_numbers, means, resample, sums_of_blocks


def test_the_first_sample_is_the_data_and_the_others_are_draws():
    counts = resample(12, 500, seed=1)
    assert (counts[0] == 1).all()
    assert (counts.sum("block") == 12).all()
    assert counts[1:].mean() == pytest.approx(1)
    assert counts[1:].var("sample").mean() == pytest.approx(11 / 12, rel=0.1), "multinomial"
    np.testing.assert_array_equal(counts, resample(12, 500, seed=1))
    assert resample(1, 500, seed=1).sizes["sample"] == 1


def test_the_interval_is_that_of_the_normal_distribution():
    """Of the mean of n independent blocks: ± 1.96 σ / √n, with the right share of intervals that hold it."""
    rng = np.random.default_rng(2)
    counts = resample(200, 2000, seed=3)
    sizes = xr.DataArray(np.full(200, 5), dims="block")
    sums = xr.Dataset({"x": ("block", 5 * rng.standard_normal(200))})
    samples = means(sums, sizes, counts)["x"]
    assert samples[0] == pytest.approx(float(sums["x"].mean()) / 5)
    low, high = np.quantile(samples[1:], [0.025, 0.975])
    assert high - low == pytest.approx(2 * 1.96 * float(sums["x"].std()) / 5 / np.sqrt(200), rel=0.06)


def test_blocks_begin_with_the_first_day_and_one_may_be_empty():
    time = np.array(["2001-07-04T21", "2001-07-01T09", "2001-07-02T21", "2001-07-08T00"], "datetime64[ns]")
    block = block_numbers(time, block_days=2)
    assert block.tolist() == [1, 0, 0, 3]
    sums = sums_of_blocks(xr.Dataset({"x": ("time", [1, 2, 4, 8])}), block, "time")
    assert sums["x"].values.tolist() == [6, 1, 0, 8]
