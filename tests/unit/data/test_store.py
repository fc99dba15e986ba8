import os
import shutil
from time import sleep

import h5py
import numpy as np
import pytest
import xarray as xr
from fields import VARIABLES, hours, random_fields, write_period
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atmodist.core.errors import InputError
from atmodist.data import store

NORMAL = st.floats(2.0**-100, 2.0**100, width=32)
FLOATS = arrays(np.float32, 20, elements=NORMAL | NORMAL.map(lambda x: -x) | st.just(0.0))


@given(FLOATS, st.integers(0, 23))
@example(np.float32([1, 3, 6, -3]), 0)
def test_rounding_is_to_the_nearest_with_ties_to_even(x, bits):
    mantissa, exponent = np.frexp(x.astype(np.float64))
    expected = np.ldexp(np.rint(np.ldexp(mantissa, bits + 1)), exponent - bits - 1)
    rounded = store.round_mantissa(x, bits)
    assert rounded.dtype == np.float32
    assert np.array_equal(np.abs(rounded - x.astype(np.float64)), np.abs(expected - x))
    if bits:  # without any, a tie is between two powers of two, both of them even
        assert np.array_equal(rounded, expected)
    assert np.array_equal(rounded, store.round_mantissa(rounded, bits))


@pytest.fixture
def split(tmp_path):
    """Folder with three periods of 8, 8 and 5 times, their virtual file and the fields in memory."""
    times = hours("2001-01-01", 21)
    parts = [slice(0, 8), slice(8, 16), slice(16, 21)]
    values = [write_period(tmp_path / f"{i}.h5", times[part], seed=i) for i, part in enumerate(parts)]
    store.write_virtual(tmp_path / "train.h5", [tmp_path / f"{i}.h5" for i in (2, 0, 1)])
    return tmp_path, np.concatenate(values, axis=1), times


@pytest.mark.parametrize("name", ["0.h5", "train.h5"])
def test_xarray_opens_the_files(split, name):
    folder, values, times = split
    with xr.open_dataset(folder / name, engine="h5netcdf") as dataset:
        data = dataset["data"]
        count = data.sizes["time"]
        assert data.dims == ("variable", "time", "latitude", "longitude")
        assert data["variable"].values.tolist() == list(VARIABLES)
        assert np.array_equal(data["time"].values, times[:count])
        assert data.sel(latitude=45, longitude=90, method="nearest").shape == (2, count)
        assert (data.units, data["latitude"].units, data["longitude"].units) == (
            "s-1",
            "degrees_north",
            "degrees_east",
        )
        assert data["field_units"].dims == ("variable",)
        assert data["field_units"].values.tolist() == ["s-1", "s-1"]
        assert data.dtype == np.float32
        assert np.array_equal(data.values, values[:, :count])


def test_variables_of_unlike_units_have_no_unit_in_common(tmp_path):
    times, variables = hours("2001-01-01", 2), ["vorticity", "log_surface_pressure"]
    fields = [(variable, time, np.ones((4, 8))) for time in times for variable in variables]
    axes = 90 - np.arange(4) * 45, np.arange(8) * 45
    store.write_fields(tmp_path / "0.h5", variables, times, *axes, fields)
    store.write_virtual(tmp_path / "train.h5", [tmp_path / "0.h5"])
    for name in ("0.h5", "train.h5"):
        assert store.Fields(tmp_path / name).units == ("s-1", "1")
        data = xr.load_dataset(tmp_path / name, engine="h5netcdf")["data"]
        assert "units" not in data.attrs
        assert data["field_units"].values.tolist() == ["s-1", "1"]


def test_windows_go_round_the_sphere(split):
    folder, values, times = split
    for fields, count in (
        (store.Fields(folder / "0.h5"), 8),
        (store.Fields(folder / "train.h5"), 21),
    ):
        assert fields.shape == (2, count, 64, 128)
        assert fields.variables == VARIABLES
        assert np.array_equal(fields.time, times[:count])
        for time in (0, 7, count - 1):
            assert np.array_equal(fields.read(time), values[:, time])
            wrapped = np.roll(values, -120, axis=-1)[:, time, 3:13, :16]
            assert np.array_equal(fields.read(time, slice(3, 13), slice(120, 136)), wrapped)
            assert np.array_equal(
                fields.read(time, slice(3, 13), slice(118, 128)), values[:, time, 3:13, 118:]
            )


def test_a_time_outside_is_refused(split):
    fields = store.Fields(split[0] / "train.h5")
    for time in (-1, 21):
        with pytest.raises(IndexError):
            fields.read(time)


def test_days_that_the_file_has_are_found(split):
    fields = store.Fields(split[0] / "train.h5")
    for part in (slice(0, 21), slice(5, 14), slice(3, 21, 4), slice(20, 21)):
        assert np.array_equal(fields.indices(split[2][part]), np.arange(21)[part])


@pytest.mark.parametrize(
    ("first", "count"), [("2000-12-31T21", 4), ("2001-01-03T12", 2), ("2003-01-01", 3), ("2001-01-01T01", 5)]
)
def test_days_that_the_file_has_in_part_are_refused(split, first, count):
    """Before its first, after its last, far away, and between its hours."""
    fields, times = store.Fields(split[0] / "train.h5"), hours(first, count)
    expected = f"train.h5 holds 21 times from 2001-01-01T00 to 2001-01-03T12; expected all of {count} from"
    with pytest.raises(InputError, match=expected):
        fields.indices(times)


def test_the_folder_can_be_moved(split, monkeypatch):
    folder, values, _ = split
    moved = folder.parent / f"{folder.name}-moved"
    shutil.move(folder, moved)
    monkeypatch.chdir("/")
    assert np.array_equal(store.Fields(moved / "train.h5").read(20), values[:, 20])
    with h5py.File(moved / "train.h5") as file:
        assert np.array_equal(file["data"][:, 20], values[:, 20])


def test_a_missing_period_is_an_error_and_reads_as_nan_elsewhere(split):
    folder = split[0]
    os.remove(folder / "1.h5")
    with pytest.raises(InputError, match=r"1\.h5 cannot be read"):
        store.Fields(folder / "train.h5").read(10)
    with h5py.File(folder / "train.h5") as file:
        assert np.isnan(file["data"][:, 10]).all()


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("2001-01-02T03", "0.h5 at 2001-01-01T21 is followed by .*1.h5 at 2001-01-02T03.* without a gap"),
        ("2001-01-01T21", "0.h5 at 2001-01-01T21 is followed by .*1.h5 at 2001-01-01T21.* or an overlap"),
    ],
)
def test_gaps_and_overlaps_are_refused(tmp_path, start, message):
    write_period(tmp_path / "0.h5", hours("2001-01-01", 8))
    write_period(tmp_path / "1.h5", hours(start, 8))
    with pytest.raises(InputError, match=message):
        store.write_virtual(tmp_path / "train.h5", [tmp_path / "0.h5", tmp_path / "1.h5"])
    assert not (tmp_path / "train.h5").exists()


def test_a_period_given_twice_is_refused(tmp_path):
    write_period(tmp_path / "0.h5", hours("2001-01-01", 1))
    with pytest.raises(InputError, match="or an overlap"):
        store.write_virtual(tmp_path / "train.h5", 2 * [tmp_path / "0.h5"])


def test_different_grids_are_refused(tmp_path):
    write_period(tmp_path / "0.h5", hours("2001-01-01", 8))
    write_period(tmp_path / "1.h5", hours("2001-01-02", 8), rows=32)
    with pytest.raises(InputError, match=r"1\.h5 and .*0\.h5 differ in latitude"):
        store.write_virtual(tmp_path / "train.h5", [tmp_path / "0.h5", tmp_path / "1.h5"])


def write(path, fields, times):
    _, latitude, longitude = random_fields(times)
    store.write_fields(path, VARIABLES, times, latitude, longitude, fields)


def test_each_field_is_expected_exactly_once(tmp_path):
    times = hours("2001-01-01", 2)
    grid = np.zeros((64, 128), np.float32)
    fields = [(variable, time, grid) for variable in VARIABLES for time in times]
    with pytest.raises(InputError, match="1 fields are missing, the first vorticity at 2001-01-01T03"):
        write(tmp_path / "a.h5", fields[:-1], times)
    with pytest.raises(InputError, match="vorticity at 2001-01-01T03 came twice"):
        write(tmp_path / "a.h5", [*fields, fields[-1]], times)
    with pytest.raises(InputError, match=r"vorticity at 2001-01-01T06 .* not part of this period"):
        write(tmp_path / "a.h5", [*fields[:-1], ("vorticity", hours("2001-01-01", 3)[2], grid)], times)
    assert not any(tmp_path.iterdir())


def test_fields_are_rounded_chunked_and_checked(tmp_path):
    values = write_period(tmp_path / "a.h5", hours("2001-01-01", 2), chunk=(16, 320), mantissa_bits=12)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["data"].chunks == (1, 1, 16, 128)
        assert file["data"].fletcher32
        error = np.abs(file["data"][:] / values - 1).max()
        assert 2.0**-14 < error <= 2.0**-13


def test_a_flipped_bit_is_detected(tmp_path):
    path = tmp_path / "a.h5"
    write_period(path, hours("2001-01-01", 2))
    with h5py.File(path) as file:
        chunk = file["data"].id.get_chunk_info(2)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 4
    path.write_bytes(content)
    fields = store.Fields(path)
    with pytest.raises(InputError, match=r"a\.h5 cannot be read"):
        [fields.read(time) for time in range(2)]


@pytest.mark.parametrize("keep", [0, 100, 10_000, -1])
def test_a_cut_file_is_named(tmp_path, keep):
    path = tmp_path / "a.h5"
    write_period(path, hours("2001-01-01", 2))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"a\.h5 cannot be read"):
        store.Fields(path)


def test_the_same_content_is_the_same_bytes_at_any_time(split):
    folder, _, _ = split
    made = (folder / "train.h5").read_bytes()
    sleep(1.1)  # HDF5 counts seconds
    store.write_virtual(folder / "train.h5", [folder / f"{i}.h5" for i in range(3)])
    assert (folder / "train.h5").read_bytes() == made
