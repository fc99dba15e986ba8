"""Fields on the grid, on disk: the HDF5 file of a period and the virtual file of a split.

Both hold ``/data`` in float32 with dimensions (variable, time, latitude, longitude) and their coordinates as
dimension scales with CF attributes, and in ``/field_units`` the unit of each variable, so
``xarray.open_dataset(path, engine="h5netcdf")`` opens them (after ``import hdf5plugin``, which brings the
bitshuffle-LZ4 filter).
"""

import os
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.hdf5 import check_seal, creating, reading, seal
from atmodist.data import units
from atmodist.data.variables import VARIABLES

DIMENSIONS = ("variable", "time", "latitude", "longitude")
WHOLE = slice(None)
CHUNKED = ("data",)  # datasets whose chunks have checksums
COORDINATE_ATTRIBUTES = {
    "variable": {"long_name": "name of the variable"},
    "time": {"standard_name": "time", "units": "hours since 1970-01-01", "calendar": "proleptic_gregorian"},
    "latitude": {"standard_name": "latitude", "units": "degrees_north"},
    "longitude": {"standard_name": "longitude", "units": "degrees_east"},
}


def round_mantissa(x: np.ndarray, bits: int) -> np.ndarray:
    """Finite float32 ``x`` rounded to ``bits`` bits of mantissa, ties to even; 23 changes nothing.

    The relative error is at most 2^-(bits + 1); the zeros it leaves in the low bits make fields compressible.
    """
    drop = 23 - bits
    if drop == 0:
        return x
    integer = x.view(np.uint32)
    rounded = integer >> np.uint32(drop)
    rounded &= np.uint32(1)
    rounded += np.uint32((1 << (drop - 1)) - 1)
    rounded += integer
    rounded &= np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
    return rounded.view(np.float32)


def write_fields(
    path: str | Path,
    variables: Sequence[str],
    times: np.ndarray,
    latitude: np.ndarray,
    longitude: np.ndarray,
    fields: Iterable[tuple[str, np.datetime64, np.ndarray]],
    chunk: tuple[int, int] = (160, 320),
    mantissa_bits: int = 23,
    attributes: dict | None = None,
) -> None:
    """Write a period's file from ``fields``, an iterable of (variable, time, grid), one at a time, in
    the units of `variables`.

    ``fields`` may come in any order but hold each variable at each of ``times`` exactly once, else
    ``InputError``. Chunks of ``chunk`` rows and columns are compressed with bitshuffle-LZ4 and carry a
    checksum each; ``attributes`` are added to those of ``/data``.
    """
    times = np.asarray(times, "datetime64[h]")
    shape = (len(variables), len(times), len(latitude), len(longitude))
    positions = {
        (variable, time): (i, j) for i, variable in enumerate(variables) for j, time in enumerate(times)
    }
    with creating(path) as (file, check_disk):
        data = file.create_dataset(
            "data",
            shape,
            np.float32,
            chunks=(1, 1, min(chunk[0], shape[2]), min(chunk[1], shape[3])),
            fletcher32=True,
            **hdf5plugin.Bitshuffle(cname="lz4"),
        )
        units_of = [VARIABLES[variable].units for variable in variables]
        _describe(file, variables, units_of, times, latitude, longitude, attributes or {})
        checksums = np.zeros(shape[:2], np.uint32)
        for variable, time, grid in fields:
            position = positions.pop((variable, time), None)
            if position is None:
                raise InputError(f"{path}: {variable} at {time} came twice or is not part of this period.")
            rounded = round_mantissa(np.ascontiguousarray(grid, np.float32), mantissa_bits)
            data[position] = rounded
            checksums[position] = zlib.crc32(rounded)
            check_disk()
        if positions:
            variable, time = next(iter(positions))
            raise InputError(f"{path}: {len(positions)} fields are missing, the first {variable} at {time}.")
        file["checksum"] = checksums
        seal(file, CHUNKED)


def write_virtual(path: str | Path, periods: Sequence[str | Path]) -> None:
    """Write a split's file: a virtual ``/data`` that joins the files ``periods`` along time.

    The periods must share variables and grid and follow each other without a missing time step, else
    ``InputError``. They are found relative to ``path``, so that the folder can be moved; where one is missing
    nonetheless, HDF5 reads NaN.
    """
    path = Path(path)
    parts = sorted((Fields(period) for period in periods), key=lambda part: part.time[0])
    first = parts[0]
    for part in parts[1:]:
        for name in ("variables", "units", "latitude", "longitude"):
            if not np.array_equal(getattr(part, name), getattr(first, name)):
                raise InputError(f"{part.path} and {first.path} differ in {name}; a split needs one grid.")
    time = np.concatenate([part.time for part in parts])
    steps = np.diff(time).astype(int)
    wrong = np.flatnonzero((steps != steps[:1]) | (steps <= 0))
    if wrong.size:
        before, after = wrong[0], wrong[0] + 1
        owner = np.repeat([str(part.path) for part in parts], [len(part.time) for part in parts])
        raise InputError(
            f"{owner[before]} at {time[before]} is followed by {owner[after]} at {time[after]}: "
            "the periods of a split must follow each other without a gap or an overlap."
        )
    shape = (len(first.variables), len(time), len(first.latitude), len(first.longitude))
    layout = h5py.VirtualLayout(shape, np.float32)
    layout.dcpl.set_obj_track_times(False)  # or the file would hold the second in which it was made
    start = 0
    for part in parts:
        stop = start + len(part.time)
        layout[:, start:stop] = h5py.VirtualSource(
            os.path.relpath(part.path, path.parent), "data", part.shape, np.float32
        )
        start = stop
    with creating(path) as (file, _):
        file.create_virtual_dataset("data", layout, fillvalue=np.nan)
        _describe(file, first.variables, first.units, time, first.latitude, first.longitude, first.attributes)
        file["source_seal"] = np.array([part.seal for part in parts], "S64")
        seal(file)


def _describe(file, variables, units_of, times, latitude, longitude, attributes):
    """Add coordinates as dimension scales and CF attributes to a file that holds ``/data``."""
    file.attrs["Conventions"] = "CF-1.11"
    about = {"long_name": " and ".join(variables), "coordinates": units.COORDINATE}
    file["data"].attrs.update(about | units.common(units_of) | attributes)
    coordinates = {
        "variable": np.array(variables, h5py.string_dtype()),
        "time": np.asarray(times, "datetime64[h]").astype(np.int64),
        "latitude": np.asarray(latitude, np.float64),
        "longitude": np.asarray(longitude, np.float64),
    }
    for axis, name in enumerate(DIMENSIONS):
        scale = file.create_dataset(name, data=coordinates[name])
        scale.attrs.update(COORDINATE_ATTRIBUTES[name])
        scale.make_scale(name)
        file["data"].dims[axis].attach_scale(scale)
    named = file.create_dataset(units.COORDINATE, data=np.array(units_of, h5py.string_dtype()))
    named.attrs["long_name"] = "unit of each variable"
    named.dims[0].attach_scale(file["variable"])


class Fields:
    """Fields of a period or a split: coordinates at once, windows on demand.

    ``variables``, ``time`` (datetime64[h]), ``latitude`` and ``longitude`` (degrees) are the coordinates,
    ``units`` those of each variable, ``shape`` is (variables, times, rows, columns) and ``attributes`` are
    those of ``/data``. The sources of a virtual file are opened directly, the last few kept open (read in the
    order of time): as fast as through HDF5's virtual layer, but a missing source is an error instead of NaN,
    and a damaged one is named. A file that is damaged itself raises ``InputError``.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        with reading(path), h5py.File(path) as file:
            data = file["data"]
            self.seal = check_seal(file, path, () if data.is_virtual else CHUNKED)
            self.shape = data.shape
            self.variables = tuple(file["variable"].asstr()[:])
            self.units = tuple(file[units.COORDINATE].asstr()[:])
            self.time = file["time"][:].astype("datetime64[h]")
            self.latitude = file["latitude"][:]
            self.longitude = file["longitude"][:]
            self.attributes = {name: data.attrs[name] for name in data.attrs if name != "DIMENSION_LIST"}
            self._starts, self._sources = [0], [self.path]
            if data.is_virtual:
                sources = [(s.vspace.get_select_bounds()[0][1], s.file_name) for s in data.virtual_sources()]
                self._starts = [start for start, _ in sources]
                self._sources = [self.path.parent / name for _, name in sources]
                self._seals = [each.decode() for each in file["source_seal"][:]]
        self._source = lru_cache(maxsize=8)(self._open)

    def _open(self, part: int) -> h5py.Dataset:
        """``/data`` of a source, which must still be the file that the virtual one was made of."""
        path = self._sources[part]
        file = h5py.File(path)
        if path != self.path and check_seal(file, path, CHUNKED) != self._seals[part]:
            raise InputError(f"{path} is not the file that {self.path} was made of; delete that one")
        return file["data"]

    def indices(self, times: np.ndarray) -> np.ndarray:
        """Indices of ``times`` (datetime64[h], ascending); ``InputError`` unless the file has all of them."""
        found = np.searchsorted(self.time, times)
        if not np.array_equal(self.time[found.clip(max=len(self.time) - 1)], times):
            raise InputError(
                f"{self.path} holds {len(self.time)} times from {self.time[0]} to {self.time[-1]}; "
                f"expected all of {len(times)} from {times[0]} to {times[-1]}"
            )
        return found

    def read(self, time: int, rows: slice = WHOLE, columns: slice = WHOLE) -> np.ndarray:
        """Window (variables, rows, columns) of the time with index ``time``, in `units`.

        ``columns`` may run past the last column and then continues at the first: the sphere is round.
        """
        part = bisect_right(self._starts, time) - 1
        width = self.shape[3]
        start, stop = columns.start or 0, width if columns.stop is None else columns.stop
        with reading(self._sources[part]):
            data = self._source(part)
            time = time - self._starts[part]
            window = data[:, time, rows, start : min(stop, width)]
            if stop > width:
                window = np.concatenate([window, data[:, time, rows, : stop - width]], axis=-1)
        return window
