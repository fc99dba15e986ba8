"""A generator from a model folder on anybody's coarse fields."""

import models
import numpy as np
import pytest
import torch
import xarray as xr

import atmodist
from atmodist.core.errors import InputError
from atmodist.data.regular_grid import RegularGrid
from atmodist.learning.networks import Generator
from atmodist.learning.resolution import coarsen, super_resolve

HIGH = (90 - np.arange(64) * 180 / 64, np.arange(128) * 180 / 64)
LOW = tuple(each.reshape(-1, 4).mean(1) for each in HIGH)
TIMES = np.array(["2001-08-01", "2001-08-02"], "datetime64[ns]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "generator"
    models.write(folder, "generator")
    return folder


def array(latitude, longitude, seed=0):
    """Random fields in s-1."""
    values = models.physical(2, 2, len(latitude), len(longitude), seed=seed).numpy()
    coordinates = {"time": TIMES, "variable": ["divergence", "vorticity"]}
    coordinates |= {"latitude": latitude, "longitude": longitude}
    return xr.DataArray(values, coordinates, list(coordinates), name="fields", attrs={"units": "s-1"})


def test_low_resolution_of_training_gives_what_the_training_gave(folder):
    high = array(*HIGH)
    low = atmodist.low_resolution(folder, high)
    np.testing.assert_allclose(low["latitude"], LOW[0])
    found = atmodist.super_resolve(folder, low)
    generator = models.network(models.config("generator"))
    normalised = coarsen(models.MOMENTS.forward(torch.from_numpy(high.values), axis=1))
    with torch.inference_mode():
        expected = models.MOMENTS.inverse(super_resolve(generator, normalised, generator.halo), axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-9)
    assert found.dims == low.dims
    assert found.attrs == {"units": "s-1"}
    assert found.name == "fields"
    for name, expected in zip(("latitude", "longitude"), HIGH, strict=True):
        np.testing.assert_allclose(found[name], expected, atol=1e-9)


def test_there_is_no_seam(folder):
    """Fields rolled around the globe give fields rolled four times as far."""
    low = array(*LOW)
    found = atmodist.super_resolve(folder, low)
    rolled = atmodist.super_resolve(folder, low.roll(longitude=7))
    np.testing.assert_allclose(rolled.values, found.roll(longitude=28).values, rtol=1e-3, atol=1e-9)


def test_convolutions_on_a_gpu_are_in_float32_and_the_users_choice_stays(folder, monkeypatch):
    seen, compute = [], Generator.super_resolve

    def looked_at(*arguments):
        seen.append(torch.backends.cudnn.allow_tf32)
        return compute(*arguments)

    monkeypatch.setattr(Generator, "super_resolve", looked_at)
    before = torch.backends.cudnn.allow_tf32
    atmodist.super_resolve(folder, array(*LOW))
    assert seen == [False, False]
    assert torch.backends.cudnn.allow_tf32 == before


def test_order_of_variables_rows_and_dimensions_is_kept(folder):
    low = array(*LOW)
    found = atmodist.super_resolve(folder, low)
    turned = low.isel(variable=[1, 0], latitude=slice(None, None, -1)).transpose("longitude", ...)
    again = atmodist.super_resolve(folder, turned.rename(latitude="lat", longitude="lon"))
    assert list(again["variable"].values) == ["vorticity", "divergence"]
    assert again["latitude"][0] < again["latitude"][-1]
    xr.testing.assert_allclose(
        again.sortby("latitude", ascending=False).sel(variable=found["variable"]).transpose(*found.dims),
        found,
        rtol=1e-5,
    )


def test_a_single_frame_has_no_time(folder):
    low = array(*LOW)
    found = atmodist.super_resolve(folder, low.isel(time=1, drop=True))
    np.testing.assert_allclose(found, atmodist.super_resolve(folder, low).isel(time=1), rtol=1e-5)


def test_a_frame_keeps_the_time_that_it_was_selected_by(folder):
    low = array(*LOW)
    for each in (low, low.assign_coords(valid_time=("time", TIMES), number=3)):
        found = atmodist.super_resolve(folder, each.isel(time=1))
        assert {name: value.item() for name, value in found.coords.items() if not value.ndim} == {
            name: value.item() for name, value in each.isel(time=1).coords.items() if not value.ndim
        }
    xr.testing.assert_equal(atmodist.super_resolve(folder, each)["valid_time"], each["valid_time"])


def test_a_mean_of_missing_values_is_no_low_resolution(folder):
    """Of a block of 16 values four are there, whose mean would be taken for that of all."""
    high = array(*HIGH)
    high[0, 0, :3, :4] = np.nan
    with pytest.raises(InputError, match="the high resolution holds values that are missing"):
        atmodist.low_resolution(folder, high)


@pytest.mark.parametrize(("rows", "offsets"), [(17, (0, 0)), (16, (0, 1))])
def test_grids_with_poles_are_moved_to_the_centres_of_cells(folder, rows, offsets):
    """A smooth field gives the same on either grid."""
    poles = RegularGrid(rows, 32, 180 / 16, *offsets, 0.0)
    centres = RegularGrid(16, 32, 180 / 16, 0.5, 0.5, 0.0)

    def smooth(grid):
        phi, theta = np.radians(grid.latitude)[:, None], np.radians(grid.longitude)
        values = 3e-5 * (np.sin(phi) + np.cos(phi) ** 2 * np.cos(2 * theta))
        coordinates = {
            "variable": ["divergence", "vorticity"],
            "latitude": grid.latitude,
            "longitude": grid.longitude,
        }
        return xr.DataArray(np.stack([values, 2 * values]), coordinates, list(coordinates))

    found, expected = (atmodist.super_resolve(folder, smooth(grid)) for grid in (poles, centres))
    np.testing.assert_allclose(found["latitude"], expected["latitude"])
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02 * float(abs(expected).max()))


LOW_FIELDS = array(*LOW)


@pytest.mark.parametrize(
    ("low", "said"),
    [
        (array(*HIGH), r"spacing in latitude is 2\.8125°; model tiny-generator expects 11\.25°"),
        (LOW_FIELDS.isel(longitude=slice(0, None, 2)), r"spacing in longitude is 22\.5°"),
        (LOW_FIELDS.assign_coords(variable=["divergence", "temperature"]), "divergence, temperature; model"),
        (LOW_FIELDS / 1e-5, "are its units others"),
        (
            LOW_FIELDS.where(LOW_FIELDS["longitude"] > 20),
            "divergence has values that are missing or not finite",
        ),
        (LOW_FIELDS.rename(time="member"), "dimensions member, variable"),
        (LOW_FIELDS.isel(latitude=slice(4, 12)), "expected the whole globe"),
        (LOW_FIELDS.assign_attrs(units="min-1"), "the low resolution is in min-1; expected s-1"),
        (LOW_FIELDS.isel(time=slice(0)), "the low resolution holds no times"),
        (LOW_FIELDS.to_dataset("variable"), "is a Dataset; expected a DataArray"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(folder, low, said):
    with pytest.raises(InputError, match=said):
        atmodist.super_resolve(folder, low)


def test_a_distance_is_no_generator(tmp_path):
    models.write(tmp_path / "model")
    with pytest.raises(InputError, match="holds the atmodist model tiny-atmodist"):
        atmodist.super_resolve(tmp_path / "model", LOW_FIELDS)
