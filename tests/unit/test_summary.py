"""Intervals against the normal distribution and hand-made resamples; every number of the table by hand."""

import numpy as np
import pytest
import xarray as xr

from atmodist import summary

DAYS = np.datetime64("2001-07-01", "ns") + np.arange(4) * np.timedelta64(2, "D")
TIMES = np.datetime64("2001-07-01", "ns") + np.arange(7) * np.timedelta64(1, "D")  # the last block is short


def evaluation(factor=1.0, compared=True):
    """Four blocks of two days, a frame a day, the last block with one."""
    degree, variable = np.arange(9), ["divergence", "vorticity"]
    errors = factor * np.arange(1.0, 8)[:, None] * [1.0, 10.0]
    names = ("mean_squared_error", "area_weighted_mean_squared_error", "total_variation_difference")
    series = {name: (("time", "variable"), errors) for name in (*names, "psnr", "ssim")}
    energy = np.arange(1.0, 5)[:, None, None] * np.ones((4, 2, 9)) * factor
    return xr.Dataset(
        {
            "frames": ("block", [2, 2, 2, 1]),
            "kinetic_energy": (("block", "flow", "degree"), energy),
            "semivariogram": (("block", "variable", "distance"), factor * np.ones((4, 2, 3))),
            "sum": (("variable", "latitude"), np.ones((2, 5))),
            **(series if compared else {}),
        },
        {"block": DAYS, "degree": degree, "variable": variable, **({"time": TIMES} if compared else {})},
    )


def test_the_first_sample_is_the_data_and_the_others_are_draws():
    counts = summary.resample(12, 500, seed=1)
    assert (counts[0] == 1).all()
    assert (counts.sum("block") == 12).all()
    assert counts[1:].mean() == pytest.approx(1)
    assert counts[1:].var("sample").mean() == pytest.approx(11 / 12, rel=0.1), "multinomial"
    np.testing.assert_array_equal(counts, summary.resample(12, 500, seed=1))
    assert summary.resample(1, 500, seed=1).sizes["sample"] == 1


def test_the_interval_is_that_of_the_normal_distribution():
    """Of the mean of n independent blocks: ± 1.96 σ / √n, with the right share of intervals that hold it."""
    rng = np.random.default_rng(2)
    counts = summary.resample(200, 2000, seed=3)
    sizes = xr.DataArray(np.full(200, 5), dims="block")
    sums = xr.Dataset({"x": ("block", 5 * rng.standard_normal(200))})
    samples = summary.means(sums, sizes, counts)["x"]
    assert samples[0] == pytest.approx(float(sums["x"].mean()) / 5)
    low, high = np.quantile(samples[1:], [0.025, 0.975])
    assert high - low == pytest.approx(2 * 1.96 * float(sums["x"].std()) / 5 / np.sqrt(200), rel=0.06)


def test_means_weigh_a_short_block_by_its_frames():
    means = summary.means_of_evaluation(evaluation(), resamples=50, seed=4)
    assert means["mean_squared_error"].isel(sample=0).values.tolist() == [4, 40]
    assert means["kinetic_energy"].dims == ("sample", "degree")
    assert means["kinetic_energy"][0, 3] == pytest.approx(2 * (1 * 2 + 2 * 2 + 3 * 2 + 4) / 7)
    counts = summary.resample(4, 50, seed=4)
    block_sums = np.array([1 + 2, 3 + 4, 5 + 6, 7])
    expected = counts.values @ block_sums / (counts.values @ [2, 2, 2, 1])
    np.testing.assert_allclose(means["mean_squared_error"].sel(variable="divergence"), expected)


def test_a_ratio_of_proportional_errors_has_no_spread():
    truth, bilinear, found = (
        summary.means_of_evaluation(each, 50, seed=4)
        for each in (evaluation(compared=False), evaluation(), evaluation(0.1))
    )
    numbers = {
        name: values for name, values, _ in summary.of_super_resolution(found, truth, bilinear, truncation=8)
    }
    np.testing.assert_allclose(numbers["mean_squared_error_over_bilinear"], 0.1)
    np.testing.assert_allclose(numbers["kinetic_energy_error"], 1, err_msg="ten times too weak")
    np.testing.assert_allclose(numbers["semivariogram_error"], 1)
    np.testing.assert_allclose(
        numbers["area_weighted_rmse"] ** 2, numbers["area_weighted_mean_squared_error"]
    )
    assert numbers["psnr"].std("sample").min() > 0


def test_predictions_make_accuracies_by_blocks_of_days():
    rng = np.random.default_rng(5)
    time = np.datetime64("2001-01-01T00", "h") + rng.permutation(400).astype("timedelta64[h]") * 3
    rank, loss = rng.integers(0, 8, 400), rng.exponential(size=400)
    predictions = xr.Dataset(
        {"rank": ("pair", rank), "loss": ("pair", loss)}, {"time": ("pair", time.astype("datetime64[ns]"))}
    )
    numbers = {
        name: values
        for name, values, _ in summary.of_predictions(predictions, block_days=5, resamples=200, seed=6)
    }
    assert numbers["accuracy"][0] == pytest.approx((rank == 0).mean())
    assert numbers["top3_accuracy"][0] == pytest.approx((rank < 3).mean())
    assert numbers["loss"][0] == pytest.approx(loss.mean())
    assert 0.3 < numbers["accuracy"].std() / np.sqrt(0.125 * 0.875 / 400) < 2, "pairs are independent here"


def test_cities_are_counted():
    distance = xr.DataArray(
        [[[0.5, 0.99, 2.0, 3.0]]],
        {"window": [1], "variable": ["vorticity"]},
        ("window", "variable", "city"),
    )
    numbers = {n: v.item() for n, v, _ in summary.of_cities(distance, {"l2": xr.ones_like(distance)})}
    assert numbers == {
        "wasserstein_1x1": pytest.approx(6.49 / 4),
        "cities_better_than_l2_1x1": 1,
        "cities_equal_to_l2_1x1": 1,
        "cities_worse_than_l2_1x1": 2,
    }


def test_table_has_a_row_a_variable_and_intervals_only_where_there_are_samples(tmp_path):
    table = summary.Table("tiny")
    table.add("atmodist", "lags-23", [("epoch", 7, "1")])
    samples = xr.DataArray(
        np.stack([[5.0, *range(101)], [6.0, *range(101)]]).T,
        {"variable": ["divergence", "vorticity"]},
        ("sample", "variable"),
    )
    table.add("super_resolution", "l2", [("psnr", samples, "dB")])
    frame = table.to_frame()
    assert frame["variable"].tolist() == ["", "divergence", "vorticity"]
    assert frame["value"].tolist() == [7, 5, 6]
    assert frame.loc[1:, "low"].tolist() == [2.5, 2.5]
    assert frame.loc[1:, "high"].tolist() == [97.5, 97.5]
    assert np.isnan(frame["low"][0])
    table.to_xarray().to_netcdf(tmp_path / "summary.nc", engine="h5netcdf")
    read = xr.load_dataset(tmp_path / "summary.nc", engine="h5netcdf")
    assert read["variable"].values.tolist() == frame["variable"].tolist()
    assert read["value"].dims == ("number",)
