import numpy as np
import pytest
import torch
import xarray as xr
from fields import hours

from atmodist.core import netcdf
from atmodist.core.errors import InputError
from atmodist.learning import representations


@pytest.fixture(scope="module")
def field():
    return torch.from_numpy(np.random.default_rng(0).standard_normal((2, 64, 128)).astype(np.float32))


@pytest.mark.parametrize(("layer", "channels"), [("stage1", 4), ("stage2", 4), ("stage3", 8), ("stage4", 8)])
def test_a_turned_planet_has_a_turned_representation(encoder, field, layer, channels):
    stride = representations.stride(layer)
    turned = representations.represent(encoder, field.roll(64, -1), layer, halo=128)
    expected = representations.represent(encoder, field, layer, halo=128).roll(64 // stride, -1)
    assert expected.shape == (channels, 64 // stride, 128 // stride)
    torch.testing.assert_close(turned, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", ["stage2", "stage4"])
def test_inside_it_is_what_the_encoder_makes_of_a_larger_patch(encoder, layer):
    """Far from the edges: of a field that is zero but for a spot, which no edge can reach."""
    field = torch.zeros(2, 256, 512)
    field[:, 120:136, 250:262] = 1
    difference = (
        representations.represent(encoder, field, layer, 32) - encoder.features(field[None], layer)[0]
    )
    row, column = 128 // representations.stride(layer), 256 // representations.stride(layer)
    torch.testing.assert_close(difference[:, row, column], torch.zeros(len(difference)), rtol=0, atol=1e-5)


def test_the_file_opens_with_its_coordinates(tmp_path):
    times, rows = hours("2001-07-01", 3), 64
    latitude, longitude = 90 - np.arange(rows) * 180 / rows, np.arange(2 * rows) * 180 / rows
    values = np.random.default_rng(1).standard_normal((3, 8, 2, 4)).astype(np.float32)
    with representations.writing(tmp_path / "a.nc", times, latitude, longitude, 8, "stage4") as write:
        for number in range(3):
            write(number, values[number])
    with netcdf.open_lazily(tmp_path / "a.nc") as opened:
        np.testing.assert_array_equal(opened["representation"], values)
        assert opened.attrs["layer"] == "stage4"
        np.testing.assert_array_equal(opened["time"], times.astype("datetime64[ns]"))
        assert opened["latitude"][0] == pytest.approx(latitude[:32].mean())
        assert opened["longitude"][-1] == pytest.approx(longitude[-32:].mean())
    assert xr.load_dataset(tmp_path / "a.nc", engine="h5netcdf").identical(netcdf.read(tmp_path / "a.nc"))


def test_a_file_that_was_damaged_is_refused(tmp_path):
    times, rows = hours("2001-07-01", 1), np.arange(64.0)
    with representations.writing(tmp_path / "a.nc", times, rows, rows, 8, "stage4") as write:
        write(0, np.ones((8, 2, 2)))
    content = bytearray((tmp_path / "a.nc").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.nc").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.nc is damaged"):
        netcdf.read(tmp_path / "a.nc")


def test_a_grid_that_32_does_not_divide_is_refused_before_anything_is_encoded(tmp_path):
    latitude, longitude = 90 - np.arange(44) * 180 / 44, np.arange(88) * 180 / 44  # T21
    writing = representations.writing(
        tmp_path / "a.nc", hours("2001-07-01", 3), latitude, longitude, 8, "stage4"
    )
    with pytest.raises(InputError, match=r"a\.nc: .* 44 rows and 88 columns; expected multiples of 32"):
        writing.__enter__()
    assert not list(tmp_path.iterdir())
