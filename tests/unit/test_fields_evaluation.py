"""The distance of forecasts by window and in time, against the distance of windows cut by hand."""

import models
import numpy as np
import pytest
import torch
import xarray as xr

import atmodist
from atmodist.core.errors import InputError
from atmodist.data import spectral
from atmodist.data.sphere import area_weights
from atmodist.distance import AtmoDist

ROWS, PATCH = 64, 32
LATITUDE, LONGITUDE = 90 - np.arange(ROWS) * 180 / ROWS, np.arange(2 * ROWS) * 180 / ROWS
TIMES = np.datetime64("2001-08-01", "ns") + np.timedelta64(12, "h") * np.arange(6)


def dataset(seed=0, times=TIMES):
    """Random fields on the Driscoll-Healy grid."""
    values = models.physical(len(times), 2, ROWS, 2 * ROWS, seed=seed).numpy()
    coordinates = {"time": times, "latitude": LATITUDE, "longitude": LONGITUDE}
    return xr.Dataset(
        {
            name: (tuple(coordinates), values[:, channel], {"units": "s-1"})
            for channel, name in enumerate(("divergence", "vorticity"))
        },
        coordinates,
    )


def in_units(data, units):
    """The same numbers under another unit."""
    return data.assign({name: each.assign_attrs(units=units) for name, each in data.items()})


def same(found, expected):
    xr.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.fixture(scope="module")
def result(folder):
    return atmodist.evaluate(dataset(0), dataset(1), folder, layers="stage2", block_days=1)


def test_each_window_is_the_distance_of_what_lies_in_it(folder, result):
    """The band of the training, ±40°, lets windows begin in rows 3 to 30: these, half a window apart."""
    model = AtmoDist.from_pretrained(folder, "stage2")
    first_rows = [8, 24]
    centres = [LATITUDE[row : row + PATCH].mean() for row in first_rows]
    np.testing.assert_allclose(result["latitude"], centres)
    assert result["distance"].shape == (6, 2, 8)
    arrays = [dataset(seed)[["divergence", "vorticity"]].to_array().transpose("time", ...) for seed in (0, 1)]
    for row, column in ((0, 16), (1, 112)):  # the last goes on at longitude 0
        rows = first_rows[row] + np.arange(PATCH)
        columns = (column + np.arange(PATCH)) % (2 * ROWS)
        windows = [torch.from_numpy(each.values[4][:, rows][:, :, columns])[None] for each in arrays]
        longitude = (column + 15.5) * 180 / ROWS % 360
        found = result["distance"].isel(time=4, latitude=row).sel(longitude=longitude)
        assert found.item() == pytest.approx(model(*windows).item(), rel=1e-4)


def test_means_are_weighted_by_area_and_taken_over_time(result):
    areas = area_weights(LATITUDE)
    weights = np.array([areas[row : row + PATCH].sum() for row in (8, 24)])
    values = result["distance"].values
    along = (values.mean(2) * weights).sum(1) / weights.sum()
    np.testing.assert_allclose(result["along_time"], along, rtol=1e-5)
    np.testing.assert_allclose(result["by_window"], values.mean(0), rtol=1e-5)
    assert result["mean"].item() == pytest.approx(along.mean(), rel=1e-5)


def test_intervals_hold_the_means_and_vary_with_the_days(result):
    low, high = result["mean_interval"].values
    days = result["along_time"].values.reshape(3, 2).mean(1)  # three blocks of a day
    assert days.min() <= low < result["mean"] < high <= days.max()
    low, high = result["by_window_interval"]
    assert (low <= result["by_window"]).all()
    assert (high >= result["by_window"]).all()


def test_a_single_block_has_no_interval_and_says_so(folder):
    with pytest.warns(UserWarning, match="within one block of 10 days"):
        found = atmodist.evaluate(dataset(0), dataset(1), folder)
    assert np.isnan(found["mean_interval"]).all()
    assert np.isfinite(found["mean"])


@pytest.mark.filterwarnings("ignore:the forecast lies within one block")
@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.rename(divergence="d", vorticity="vo", latitude="lat", longitude="lon"),
        lambda data: data.isel(latitude=slice(None, None, -1)),
        lambda data: data.to_array("variable", name="data"),
        lambda data: in_units(data, "s**-1"),
        lambda data: data.transpose("longitude", "time", "latitude").rename(time="valid_time"),
    ],
    ids=["names", "from the south", "data array", "units", "order"],
)
def test_names_and_order_do_not_matter(folder, result, change):
    found = atmodist.evaluate(change(dataset(0)), change(dataset(1)), folder, layers="stage2", block_days=1)
    same(found["distance"], result["distance"])


def test_fields_that_begin_elsewhere_have_the_same_windows(folder, result):
    """16 columns, a window's stride, further west: from 45° W to 45° W."""
    moved = [dataset(seed).roll(longitude=16).assign_coords(longitude=LONGITUDE - 45) for seed in (0, 1)]
    found = atmodist.evaluate(*moved, folder, layers="stage2", block_days=1)
    same(found["distance"], result["distance"])


@pytest.mark.filterwarnings("ignore:the forecast lies within one block")
def test_winds_become_vorticity_and_divergence(folder):
    rng = np.random.default_rng(3)
    forecast, truth = [], []
    for target in (forecast, truth):
        for _ in TIMES[:2]:
            coefficients = rng.standard_normal((2, 2, 32, 32)) * np.tri(32) * [[[[4e-6]]], [[[2e-6]]]]
            coefficients[:, 1, :, 0] = coefficients[:, :, 0] = 0
            target.append(coefficients)

    def fields(coefficients, wind):
        if wind:
            pairs, names = [spectral.winds(*each) for each in coefficients], ("u", "v")
        else:
            names = ("vorticity", "divergence")
            pairs = [[spectral.synthesise(part) for part in each] for each in coefficients]
        arrays = {
            name: (("time", "latitude", "longitude"), np.stack([pair[number] for pair in pairs]))
            for number, name in enumerate(names)
        }
        return xr.Dataset(arrays, {"time": TIMES[:2], "latitude": LATITUDE, "longitude": LONGITUDE})

    found = [
        atmodist.evaluate(fields(forecast, wind), fields(truth, wind), folder, layers="stage1")
        for wind in (False, True)
    ]
    same(found[1]["distance"], found[0]["distance"])


@pytest.mark.filterwarnings("ignore:the forecast lies within one block")
def test_times_are_matched_and_one_without_time_is_enough(folder, result):
    later = atmodist.evaluate(dataset(0).isel(time=[4, 5]), dataset(1), folder, layers="stage2")
    same(later["distance"], result["distance"].isel(time=[4, 5]))
    still = [dataset(seed).isel(time=4, drop=True) for seed in (0, 1)]
    alone = atmodist.evaluate(*still, folder, layers="stage2")
    np.testing.assert_allclose(alone["distance"][0], result["distance"][4], rtol=1e-4)


def test_a_single_forecast_is_not_compared_with_the_truth_of_another_time(folder):
    with pytest.raises(InputError, match="the truth has no fields at 1 of the forecast's 1 times"):
        atmodist.evaluate(dataset(0).isel(time=[4]), dataset(1).isel(time=[2]), folder, layers="stage2")


@pytest.mark.filterwarnings("ignore:the forecast lies within one block")
def test_a_field_that_says_its_time_is_compared_with_that_time(folder):
    """A time that was selected stays with its field: cfgrib's "valid_time", others' "time"."""
    one = dataset(0).isel(time=4)
    for field in (one, one.rename(time="valid_time"), one.assign_coords(valid_time=TIMES[4], time=TIMES[0])):
        alone = atmodist.evaluate(field, dataset(1), folder, layers="stage2", block_days=1)
        assert alone["time"].values == [TIMES[4]]
    with pytest.raises(InputError, match="the truth has no fields at 1 of the forecast's 1 times"):
        atmodist.evaluate(one, dataset(1).isel(time=2), folder, layers="stage2")


@pytest.mark.parametrize(
    "forecast",
    [
        lambda late, start, lead: late.assign_coords(
            time=start, step=lead, valid_time=("time", late["time"].values)
        ),
        lambda late, start, lead: late.rename(time="valid_time").assign_coords(time=start[0], step=lead),
        lambda late, start, lead: late.rename(time="valid_time").assign_coords(
            time=start[0], step=("valid_time", lead * np.arange(1, 4))
        ),
        lambda late, start, lead: late.assign_coords(step=0 * lead),
    ],
    ids=["of several starts", "of one start", "a start and its steps", "an analysis"],
)
def test_forecasts_are_compared_when_they_are_valid(folder, forecast):
    """cfgrib's layouts: "time" is when a forecast started, if "valid_time" says when it is valid."""
    late = forecast(dataset(0).isel(time=slice(3, 6)), TIMES[:3], np.timedelta64(36, "h"))
    found = atmodist.evaluate(late, dataset(0), folder, block_days=1)
    assert found["mean"] == 0
    np.testing.assert_array_equal(found["time"], TIMES[3:])


def test_equal_fields_are_at_no_distance(folder):
    assert atmodist.evaluate(dataset(0), dataset(0), folder, block_days=1)["mean"] == 0


GOOD = dataset(0)


@pytest.mark.parametrize(
    ("forecast", "said"),
    [
        (
            GOOD.drop_vars("vorticity"),
            "forecast holds divergence; model tiny-atmodist takes divergence, vorticity",
        ),
        (in_units(GOOD, "d-1"), "divergence of forecast is in d-1; expected s-1"),
        (1e5 * GOOD, "are its units others"),
        (GOOD.where(GOOD["latitude"] < 80), "missing or not finite"),
        (GOOD.isel(latitude=slice(16, 48)), "expected the whole globe"),
        (
            GOOD.isel(latitude=slice(0, None, 2), longitude=slice(0, None, 2)),
            r"spacing in latitude is 5\.625°",
        ),
        (GOOD.isel(longitude=slice(0, None, 2)), r"spacing in longitude is 5\.625°"),
        (GOOD.expand_dims(member=2), "along member, time, latitude, longitude"),
        (GOOD.assign_coords(time=TIMES + np.timedelta64(3, "D")), "no fields at 6 of the forecast's 6 times"),
        (GOOD.assign_coords(longitude=LONGITUDE - 1), "expected one grid"),
        (GOOD.assign_coords(time=np.arange(6)), "expected datetime64"),
        (GOOD["vorticity"], "without a dimension variable"),
        ("forecast.nc", "forecast is a str; expected a Dataset of xarray"),
        (GOOD.isel(time=slice(0)), "forecast holds no times"),
        (
            GOOD.drop_vars("time"),
            "forecast does not say when its fields are valid; expected times along time",
        ),
        (GOOD.to_dataarray("variable").assign_attrs(units="d-1"), "of forecast is in d-1; expected s-1"),
        (
            GOOD.assign(vorticity=GOOD["vorticity"].isel(time=0, drop=True)),
            "time, latitude, longitude and vorticity along latitude, longitude; expected the same dimensions",
        ),
        *(
            (GOOD.assign_coords({lead: after}), f"{lead} beside time, which may be when the forecast started")
            for lead, after in (
                ("step", np.timedelta64(6, "h")),
                ("prediction_timedelta", np.timedelta64(12, "h")),
                ("lead_time", 6),
                ("forecast_period", ("time", np.arange(6.0))),
            )
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(folder, forecast, said):
    with pytest.raises(InputError, match=said):
        atmodist.evaluate(forecast, dataset(1), folder)


def test_a_block_shorter_than_a_day_is_refused(folder):
    with pytest.raises(InputError, match=r"block_days is 0\.5; expected 1 at least"):
        atmodist.evaluate(GOOD, GOOD, folder, block_days=0.5)


@pytest.mark.parametrize("name", ["patch", "stride", "batch_size", "resamples"])
@pytest.mark.parametrize("size", [0, -3, 16.5])
def test_sizes_that_are_none_are_refused(folder, name, size):
    with pytest.raises(InputError, match=f"{name} is {size}; expected a whole number, 1 at least"):
        atmodist.evaluate(GOOD, GOOD, folder, **{name: size})


def test_whole_numbers_may_be_floats(folder):
    sizes = {"patch": 32, "stride": 16, "batch_size": 64, "resamples": 100}
    settings = {"layers": "stage2", "block_days": 1}
    floats = {name: float(size) for name, size in sizes.items()}
    found = atmodist.evaluate(GOOD, dataset(1), folder, **settings, **floats)
    xr.testing.assert_identical(found, atmodist.evaluate(GOOD, dataset(1), folder, **settings, **sizes))


def test_coordinates_of_other_names_than_their_dimensions_are_found(folder, result):
    """As latitude(lat) and longitude(lon)."""
    short = {"latitude": "lat", "longitude": "lon"}
    other = dataset(0).rename_dims(short).drop_vars(short)
    other = other.assign_coords(latitude=("lat", LATITUDE), longitude=("lon", LONGITUDE))
    found = atmodist.evaluate(other, dataset(1), folder, layers="stage2", block_days=1)
    same(found, result)


def test_a_vorticity_that_is_there_is_not_replaced_by_the_winds(folder):
    """Where the divergence is missing and is made of the wind."""
    zero = 0 * dataset(0)["vorticity"].assign_attrs(units="m s-1")
    calm = dataset(0).assign(u=zero, v=zero).drop_vars("divergence")
    with_zero = dataset(0).assign(divergence=(0 * dataset(0)["divergence"]).assign_attrs(units="s-1"))
    fields = atmodist.global_fields.GlobalFields(calm, AtmoDist.from_pretrained(folder).config)
    np.testing.assert_allclose(fields.read(2)[1], with_zero["vorticity"][2])
    np.testing.assert_allclose(fields.read(2)[0], 0)


def test_windows_that_leave_the_grid_are_refused(folder):
    with pytest.raises(InputError, match="no window of 32 rows"):
        atmodist.evaluate(GOOD, GOOD, folder, latitude=(70, 80))
