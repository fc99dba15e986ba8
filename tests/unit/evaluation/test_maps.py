import numpy as np
import pytest
import torch
import xarray as xr
from fields import hours, write_period

from atmodist.data import store
from atmodist.evaluation import maps
from atmodist.learning.resolution import coarsen
from atmodist.samples.normalise import Moments

MOMENTS = Moments(("divergence", "vorticity"), (1e-7, 2e-7), (1e-5, 1e-5), (1e-3, 2e-3), (0.15, 0.16), 0.2)


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    path = tmp_path_factory.mktemp("fields") / "eval.h5"
    write_period(path, hours("2001-07-01", 5), rows=64)
    return store.Fields(path)


@pytest.fixture
def field(fields):
    return maps.labelled(fields, 3, fields.read(3))


def test_a_time_is_found_and_labels_its_field(fields, field):
    assert maps.index_of(fields, "2001-07-01T09:00") == 3
    assert field["time"].values == np.datetime64("2001-07-01T09")


@pytest.mark.parametrize(("west", "east"), [(-20, 40), (340, 400), (90, 150), (-180, -120)])
def test_a_box_holds_the_values_at_its_places(field, west, east):
    box = maps.crop(field, [10, 70], [west, east])
    half = 180 / 64 / 2
    edges = box["longitude"].values[[0, -1]] + np.array([-half, half])
    assert west - 2 * half < edges[0] <= west
    assert east <= edges[1] < east + 2 * half
    edges = box["latitude"].values[[0, -1]] + np.array([half, -half])
    assert 70 <= edges[0] < 70 + 2 * half
    assert 10 - 2 * half < edges[1] <= 10
    assert (np.diff(box["longitude"]) > 0).all()
    assert (np.diff(box["latitude"]) < 0).all()
    for point in (box[:, 0, 0], box[:, -1, -1], box[:, 5, 7]):
        original = field.sel(latitude=point["latitude"], longitude=point["longitude"] % 360)
        np.testing.assert_array_equal(point, original)


def test_the_whole_globe_has_every_column_once(field):
    xr.testing.assert_identical(maps.crop(field, [-90, 90], [0, 360]), field)


def test_low_resolution_is_what_the_networks_get(field):
    low = maps.low_resolution(field, MOMENTS)
    tensor = torch.from_numpy(field.values)
    expected = MOMENTS.inverse(coarsen(MOMENTS.forward(tensor, axis=0)), axis=0)
    np.testing.assert_allclose(low, expected, rtol=1e-4, atol=1e-10)
    assert low["latitude"][0] == pytest.approx(field["latitude"][:4].mean())
    assert low["longitude"][-1] == pytest.approx(field["longitude"][-4:].mean())


@pytest.mark.parametrize(
    ("truncation", "columns"), [(21, 88), (359, 720), (639, 640), (721, 722), (1277, 1278)]
)
def test_fields_are_thinned_for_a_figure_as_far_as_their_rows_allow(truncation, columns):
    rows = 2 * (truncation + 1)
    values = np.arange(rows, dtype=np.float32)[:, None] * np.ones(2 * rows, np.float32)
    thin = maps.thinned(xr.DataArray(values, dims=("latitude", "longitude")))
    assert thin.sizes == {"latitude": columns // 2, "longitude": columns}
    factor = rows * 2 // columns
    np.testing.assert_allclose(thin[:, 0], np.arange(rows).reshape(-1, factor).mean(1))


def test_regions_survive_the_file(field, tmp_path):
    groups = {"high": field, "low": maps.low_resolution(field, MOMENTS)}
    groups = {f"South-East Asia/{name}": values.to_dataset(name="field") for name, values in groups.items()}
    xr.DataTree.from_dict(groups).to_netcdf(tmp_path / "maps.nc", engine="h5netcdf")
    again = xr.open_datatree(tmp_path / "maps.nc", engine="h5netcdf")["South-East Asia"]
    xr.testing.assert_identical(again["high/field"].load(), field.rename("field"))
    assert again["low/field"].sizes == {"variable": 2, "latitude": 16, "longitude": 32}
