"""Every number of the table by hand, its samples from hand-made draws."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm, t, wasserstein_distance

from atmodist.evaluation import summary
from atmodist.evaluation.bootstrap import Bootstrap
from atmodist.evaluation.cities import redrawn_distances

DAYS = np.datetime64("2001-07-01", "ns") + np.arange(4) * np.timedelta64(2, "D")
TIMES = np.datetime64("2001-07-01", "ns") + np.arange(7) * np.timedelta64(1, "D")  # the last block is short


def evaluation(factor=1.0, compared=True):
    """Four blocks of two days, one frame per day, the last block with one."""
    degree, variable = np.arange(9), ["divergence", "temperature"]
    errors = factor * np.arange(1.0, 8)[:, None] * [1.0, 10.0]
    names = ("mean_squared_error", "total_variation_difference", "psnr", "ssim")
    series = {name: (("time", "variable"), errors) for name in names}
    series["area_weighted_mean_squared_error"] = ("time", "variable"), 4 * errors
    energy = np.arange(1.0, 5)[:, None, None] * np.ones((4, 2, 9)) * factor
    return xr.Dataset(
        {
            "frames": ("block", [2, 2, 2, 1]),
            "kinetic_energy": (("block", "flow", "degree"), energy),
            "zonal_power": (("block", "variable", "wavenumber"), factor * np.ones((4, 2, 19))),
            "semivariance": (("block", "variable", "distance"), factor * np.ones((4, 2, 3))),
            "sum": (("variable", "latitude"), np.ones((2, 5))),
            **(series if compared else {}),
        },
        {
            "block": DAYS,
            "degree": degree,
            "wavenumber": np.arange(19),
            "variable": variable,
            "field_units": ("variable", ["s-1", "K"]),
            **({"time": TIMES} if compared else {}),
        },
    )


def test_means_weigh_a_short_block_by_its_frames():
    means = summary.means_of_evaluation(evaluation(), Bootstrap(1, 50, 4))
    assert means["mean_squared_error"].isel(sample=0).values.tolist() == [4, 40]
    assert means["kinetic_energy"].dims == ("sample", "degree")
    assert means["kinetic_energy"][0, 3] == pytest.approx(2 * (1 * 2 + 2 * 2 + 3 * 2 + 4) / 7)
    counts = Bootstrap(1, 50, 4).counts(4)
    block_sums = np.array([1 + 2, 3 + 4, 5 + 6, 7])
    expected = counts.values @ block_sums / (counts.values @ [2, 2, 2, 1])
    np.testing.assert_allclose(means["mean_squared_error"].sel(variable="divergence"), expected)


def numbers_of(found, truth, bilinear, truncation=8):
    """Quantity to its samples."""
    rows = summary.of_super_resolution(found, truth, bilinear, truncation)
    return {name: values for name, values, _ in rows}


def test_a_ratio_of_proportional_errors_has_no_spread():
    truth, bilinear, found = (
        summary.means_of_evaluation(each, Bootstrap(1, 50, 4))
        for each in (evaluation(compared=False), evaluation(), evaluation(0.1))
    )
    numbers = numbers_of(found, truth, bilinear)
    np.testing.assert_allclose(numbers["mean_squared_error_over_bilinear"], 0.1)
    np.testing.assert_allclose(numbers["kinetic_energy_error"], 1, err_msg="ten times too weak")
    np.testing.assert_allclose(numbers["semivariogram_error"], 1)
    np.testing.assert_allclose(
        numbers["power_outside_band"], 10 / 18, err_msg="wavenumbers 9 to 18 of 1 to 18"
    )
    np.testing.assert_allclose(
        numbers["area_weighted_rmse"] ** 2, numbers["area_weighted_mean_squared_error"]
    )
    assert numbers["psnr"].std("sample").min() > 0


@pytest.mark.parametrize(
    ("degree", "whole", "upper_half"),
    [(0, 0, 0), (3, 1 / 6, 0), (4, 1 / 6, 1 / 3), (6, 1 / 6, 1 / 3), (7, 0, 0)],
)
def test_degrees_that_count_for_the_errors_of_kinetic_energy(degree, whole, upper_half):
    """Those from 1 to a truncation of 6, and from 4 to 6; one of them has ten times its energy."""
    found = evaluation()
    found["kinetic_energy"] = found["kinetic_energy"] * xr.where(found["degree"] == degree, 10, 1)
    means = [summary.means_of_evaluation(each, Bootstrap(1, 50, 4)) for each in (found, evaluation())]
    numbers = numbers_of(*means, means[1], truncation=6)
    np.testing.assert_allclose(numbers["kinetic_energy_error"], whole)
    np.testing.assert_allclose(numbers["kinetic_energy_error_upper_half"], upper_half)


def test_the_interval_of_a_frechet_distance_is_around_it():
    """Blocks that differ make draws that are farther apart than the data that they come from."""
    rng = np.random.default_rng(1)

    def means(shift):
        values = rng.standard_normal((4, 50, 3)) + rng.standard_normal((4, 1, 3)) + shift
        squares = np.einsum("bnc,bnd->bcd", values, values) / 50
        moments = {
            "representation_mean": (("block", "channel"), values.mean(1)),
            "representation_square": (("block", "channel", "other_channel"), squares),
        }
        return summary.means_of_evaluation(evaluation().assign(moments), Bootstrap(1, 200, 4))

    found, truth = means(2.0), means(0.0)
    distance = numbers_of(found, truth, truth)["frechet_distance"]
    assert distance[1:].mean() == pytest.approx(float(distance[0]))
    assert distance[1:].std() > 0


def test_numbers_have_the_units_of_their_variables():
    means = [summary.means_of_evaluation(evaluation(each), Bootstrap(1, 50, 4)) for each in (1.0, 0.1)]
    table = summary.Table("tiny")
    table.add("super_resolution", "l2", summary.of_super_resolution(means[1], means[0], means[0], 8))
    distance = xr.DataArray(
        np.ones((51, 1, 2, 3)),
        {"variable": ["divergence", "temperature"], "field_units": ("variable", ["s-1", "K"]), "window": [1]}
        | {"blocks": 50},
        ("sample", "window", "variable", "city"),
    )
    table.add("super_resolution", "l2", summary.of_cities(distance, {}))
    units = table.to_frame().set_index(["quantity", "variable"])["unit"]
    assert units["mean_squared_error"].to_dict() == {"divergence": "s-2", "temperature": "K2"}
    assert units["area_weighted_rmse"].to_dict() == {"divergence": "s-1", "temperature": "K"}
    assert units["wasserstein_1x1"].to_dict() == {"divergence": "s-1", "temperature": "K"}
    assert units["mean_squared_error_over_bilinear"].to_dict() == {"divergence": "1", "temperature": "1"}


def test_fields_that_are_no_wind_have_no_error_of_kinetic_energy():
    truth, found = (
        summary.means_of_evaluation(evaluation(each).drop_vars("kinetic_energy"), Bootstrap(1, 50, 4))
        for each in (1.0, 0.1)
    )
    names = numbers_of(found, truth, truth)
    assert "semivariogram_error" in names
    assert not any("kinetic" in name for name in names)


def test_predictions_make_accuracies_by_blocks_of_days():
    rng = np.random.default_rng(5)
    time = np.datetime64("2001-01-01T00", "h") + rng.permutation(400).astype("timedelta64[h]") * 3
    rank, loss = rng.integers(0, 8, 400), rng.exponential(size=400)
    predictions = xr.Dataset(
        {"rank": ("pair", rank), "loss": ("pair", loss)}, {"time": ("pair", time.astype("datetime64[ns]"))}
    )
    numbers = {name: values for name, values, _ in summary.of_predictions(predictions, Bootstrap(5, 200, 6))}
    assert numbers["accuracy"][0] == pytest.approx((rank == 0).mean())
    assert numbers["top3_accuracy"][0] == pytest.approx((rank < 3).mean())
    assert numbers["loss"][0] == pytest.approx(loss.mean())
    assert 0.3 < numbers["accuracy"].std() / np.sqrt(0.125 * 0.875 / 400) < 2, "pairs are independent here"


def test_pressure_is_that_of_the_times_drawn():
    rng = np.random.default_rng(7)
    pressure = 900 + 30 * rng.standard_normal((8, 50))  # eight days, fifty points of equal area
    moments = np.stack([pressure.mean(1), (pressure**2).mean(1)])
    series = xr.Dataset(
        {
            name: (("time", "weight"), np.stack([each, 2 * each], 1))
            for name, each in zip(("mean", "mean_square"), moments, strict=True)
        },
        {
            "time": np.datetime64("2001-07-01", "ns") + np.arange(8) * np.timedelta64(1, "D"),
            "weight": ["area", "grid"],
        },
    )
    (_, mean, unit), (_, std, _) = summary.of_pressure(series, Bootstrap(2, 20, 8))
    assert unit == "hPa"
    for sample, counts in enumerate(Bootstrap(1, 20, 8).counts(4).values):
        drawn = np.repeat(pressure.reshape(4, -1), counts, axis=0)
        assert mean[sample] == pytest.approx(drawn.mean())
        assert std[sample] == pytest.approx(drawn.std())


def losses(pairs):
    """Of three days and four lags, with content losses of 1, 2, 3 and squared differences of 2, 6, 12."""
    rng = np.random.default_rng(9)
    pairs = np.asarray(pairs)
    day = np.datetime64("2001-07-01", "ns") + np.arange(len(pairs)) * np.timedelta64(1, "D")
    sums = rng.uniform(1, 2, (3, *pairs.shape)) * pairs
    return xr.Dataset(
        {"sum": (("measure", "day", "lag"), sums), "pairs": (("day", "lag"), pairs)},
        {"day": day, "measure": ["content", "l1", "mse"], "lag": [3, 6, 9, 12]},
    )


def test_scale_of_the_content_loss_is_that_of_the_days_drawn():
    found = losses([[2, 3, 1, 2], [1, 2, 2, 0], [4, 0, 0, 3]])
    ((name, scale, _),) = summary.of_content_loss(found, Bootstrap(1, 60, 10))
    assert name == "scale"
    assert scale.sizes["sample"] == 61
    without = 0
    for sample, counts in enumerate(Bootstrap(1, 60, 10).counts(3).values):
        sums, pairs = np.einsum("b,mbl->ml", counts, found["sum"]), counts @ found["pairs"].values
        fitted = (pairs > 0) & [
            False,
            True,
            True,
            True,
        ]  # the upper half of the lags, as far as there are pairs
        content, squared = sums[0, fitted] / pairs[fitted], sums[2, fitted] / pairs[fitted]
        assert scale[sample] == pytest.approx((content * squared).sum() / (content**2).sum())
        without += not fitted[1:].all()
    assert without > 0


def test_a_draw_without_a_pair_to_fit_is_no_sample():
    found = losses([[2, 3, 1, 2], [2, 0, 0, 0]])
    ((_, scale, _),) = summary.of_content_loss(found, Bootstrap(1, 60, 10))
    counts = Bootstrap(1, 60, 10).counts(2)
    assert scale.sizes["sample"] == (counts.isel(block=0) > 0).sum() < 61
    np.testing.assert_allclose(scale, scale[0], err_msg="one day has all the pairs that count")


def test_cities_are_counted_and_the_draws_centred():
    coordinates = {"window": [1], "variable": ["vorticity"]}
    dims = ("sample", "city", "window", "variable")
    distance = [
        [0.5, 0.99, 2.0, 3.0],
        [0.5, 0.5, 2.0, 1.0],
        [0.5, 1.0, 1.0, 1.0],
    ]  # the value, then two draws
    good = [[0.1] * 4, [0.1] * 4, [0.1, 0.1, 10, 10]]
    distance, l2, good = (
        xr.DataArray(np.reshape(each, (3, 4, 1, 1)), coordinates, dims)
        for each in (distance, np.ones((3, 4)), good)
    )
    numbers = {
        name: values.squeeze(drop=True).values.tolist()
        for name, values, _ in summary.of_cities(distance, {"l2": l2, "good": good})
    }
    assert numbers == {
        "wasserstein_1x1": pytest.approx([6.49 / 4, 6.49 / 4 + 0.0625, 6.49 / 4 - 0.0625]),
        "cities_better_than_l2_1x1": [1, 1.5, 0.5],  # 1, then 2 and 1
        "cities_equal_to_l2_1x1": [1, 0, 2],  # 1, then 1 and 3
        "cities_worse_than_l2_1x1": [2, 2.5, 1.5],  # 2, then 1 and 0
        "cities_better_than_good_1x1": [0, 0, 1],  # 0, then 0 and 2: not fewer than none
        "cities_equal_to_good_1x1": [0, 0, 0],
        "cities_worse_than_good_1x1": [4, 4, 3],  # 4, then 4 and 2: not more than all
    }


def test_the_interval_of_a_distance_is_what_other_samples_would_give():
    """In 19 of 20 samples; draws that are not centred are farther apart than the sample they come from."""
    rng = np.random.default_rng(7)
    draws, block = Bootstrap(1, 400, 8).counts(30).values[1:], np.arange(30)
    samples = []
    for _ in range(400):
        truth = rng.standard_normal((30, 1)) + rng.standard_normal((30, 9))
        found = 0.95 * truth + 0.1 * rng.standard_normal((30, 9))
        exact = wasserstein_distance(truth.ravel(), found.ravel())
        samples.append([exact, *redrawn_distances(truth, found, block, draws)])
    samples = xr.DataArray(samples, dims=("experiment", "sample"))
    exact = samples.isel(sample=0)
    low, high = summary.centred(samples).isel(sample=slice(1, None)).quantile([0.025, 0.975], "sample")
    assert 0.87 < ((low < exact.mean()) & (exact.mean() < high)).mean() < 0.98
    assert ((low < exact) & (exact < high)).all()
    assert (samples.quantile(0.025, "sample") > exact.mean()).mean() > 0.1, "2.5 % are meant to be"


def test_the_exact_distance_is_the_first_sample():
    shape = ("window", "variable", "city")
    compared = xr.Dataset(
        {
            "wasserstein": (shape, np.ones((3, 2, 5))),
            "wasserstein_draws": (("draw", *shape), np.zeros((7, 3, 2, 5))),
        },
        {"window": [1, 2, 3]},
    )
    assert summary.distances_at_cities(compared).mean(shape).values.tolist() == [1, *[0] * 7]
    alone = summary.distances_at_cities(compared.isel(draw=[]))
    numbers = list(summary.of_cities(alone, {"l2": alone}))
    assert all(values.sizes["sample"] == 1 for _, values, _ in numbers), "one block: no draw, no interval"


def test_table_has_a_row_a_variable_and_intervals_only_where_there_are_samples(tmp_path):
    table = summary.Table("tiny")
    table.add("atmodist", "lags-23", [("epoch", 7, "1")])
    samples = xr.DataArray(
        np.stack([[5.0, *range(101)], [6.0, *range(101)]]).T,
        {"variable": ["divergence", "vorticity"], "blocks": 12},
        ("sample", "variable"),
    )
    table.add("super_resolution", "l2", [("psnr", samples, "dB")])
    frame = table.to_frame()
    assert frame["variable"].tolist() == ["", "divergence", "vorticity"]
    assert frame["value"].tolist() == [7, 5, 6]
    far = 100 * norm.cdf(t.ppf(0.975, 11) * np.sqrt(12 / 11))
    assert frame.loc[1:, "low"].tolist() == pytest.approx([100 - far] * 2, rel=1e-5)
    assert frame.loc[1:, "high"].tolist() == pytest.approx([far] * 2, rel=1e-5)
    assert np.isnan(frame["low"][0])
    table.to_xarray().to_netcdf(tmp_path / "summary.nc", engine="h5netcdf")
    read = xr.load_dataset(tmp_path / "summary.nc", engine="h5netcdf")
    assert read["variable"].values.tolist() == frame["variable"].tolist()
    assert read["value"].dims == ("number",)


def test_rows_of_the_jet():
    time = np.datetime64("2001-01-01", "ns") + np.timedelta64(1, "D") * np.arange(60)
    index = xr.Dataset(
        {
            "latitude": ("time", 45 + np.arange(60) % 3, {"units": "degrees_north"}),
            "speed": ("time", np.full(60, 12.0), {"units": "m s-1"}),
        },
        {"time": time},
    )
    skill = xr.DataArray(
        np.arange(8.0).reshape(2, 2, 2),
        {"lag": [0, 5], "target": ["latitude", "speed"], "blocks": 12},
        ("lag", "target", "sample"),
    )
    table = summary.Table("test")
    table.add("jet", "north", summary.of_jet(index, Bootstrap(10, 50, 1)))
    table.add("jet", "north fields", summary.of_jet_probe(skill))
    rows = table.to_frame().set_index(["system", "quantity"])
    latitude = rows.loc[("north", "jet_latitude")]
    assert latitude["value"] == 46
    assert latitude["unit"] == "degrees_north"
    assert latitude["low"] <= 46 <= latitude["high"]
    speed = rows.loc[("north", "jet_speed")]
    assert (speed["low"], speed["value"], speed["high"]) == (12, 12, 12)
    assert rows.loc[("north fields", "explained_speed_5_days_ahead")]["value"] == 6
