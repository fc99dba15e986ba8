"""ERA5 in its public copy in the cloud, ARCO-ERA5: what one of its stores holds, and where in it.

One object per variable, time and level, in a Zarr store of format 2 with consolidated metadata, open to
anyone (https://github.com/google-research/arco-era5). zarr reads metadata and objects. They come through
aiohttp, because a field is only trusted whole: zarr takes a missing object for one of nothing but fill
values, and Blosc frames carry no checksum, but the answers of the bucket do (``x-goog-hash``). fsspec, which
rests on aiohttp, hides that header; so does obstore, which was three times as fast on the loopback, where
decoding is what limits, and whose version 0.12.1 crashed at the exit of one process in ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import zarr

from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint
from atmodist.data.arrival import Request
from atmodist.data.objects import Objects
from atmodist.data.variables import VARIABLES


@dataclass(frozen=True)
class Source:
    """An opened store: where the fields of some times on one level lie in it."""

    arrays: Mapping[str, zarr.AsyncArray]
    """Variable → its array: (time, hybrid, values), or (time, values) of the surface."""
    first: np.datetime64
    """Time of the first index; the axis is hourly."""
    level: int | None
    """Index of the level, nothing at the surface."""
    fingerprint: str
    """Of the metadata that the objects' meaning depends on."""

    async def read(self, variable: str, time: np.datetime64) -> np.ndarray:
        """Packed coefficients of one field, complex128 from the store's float32."""
        index = int((time - self.first) / np.timedelta64(1, "h"))
        place = (index, slice(None)) if self.level is None else (index, self.level, slice(None))
        values = await self.arrays[variable].getitem(place)
        with np.errstate(invalid="ignore"):  # of a damaged object, whose field is refused
            return np.asarray(values, np.float64).view(complex)


async def open_source(objects: Objects, request: Request) -> Source:
    """Open the store that ``objects`` are, if its metadata say that it can have what is asked.

    Raises ``InputError`` if they do not; whether the objects are there they cannot say.
    """
    address, times, truncation = objects.address, request.times, request.archive_truncation
    group = await zarr.api.asynchronous.open_group(objects, mode="r", zarr_format=2, use_consolidated=True)
    members = {name: member async for name, member in group.arrays()}
    arrays = {}
    for variable in request.variables:
        name = VARIABLES[variable].short_name
        if name not in members:
            known = ", ".join(sorted(members)) or "nothing"
            raise InputError(f"{address} has no {name} ({variable}); it holds {known}")
        arrays[variable] = members[name]
    dimensions = {tuple(array.attrs.get("_ARRAY_DIMENSIONS", ())) for array in arrays.values()}
    if not dimensions <= {("time", "hybrid", "values"), ("time", "values")} or len(dimensions) > 1:
        found = " and ".join(map(str, dimensions))
        raise InputError(
            f"{address}: the dimensions of {', '.join(arrays)} are {found}; expected spectral "
            "coefficients with (time, hybrid, values) on model levels or (time, values) at the surface"
        )
    size = (truncation + 1) * (truncation + 2)
    for variable, array in arrays.items():
        if array.shape[-1] != size:
            raise InputError(
                f"{address}: {variable} has {array.shape[-1]} values a field; expected {size}, the "
                f"coefficients of T{truncation} (data.archive_truncation)"
            )
        if array.chunks != (*(1,) * (array.ndim - 1), size) or array.dtype.kind != "f":
            raise InputError(
                f"{address}: {variable} is stored as {array.dtype} in chunks of {array.chunks}; expected "
                "floating point numbers and a field a chunk"
            )
    names = next(iter(dimensions))
    first = await _first_time(address, members, times)
    level_index = await _level_index(address, members, request.level) if "hybrid" in names else None
    _check_validity(address, group.attrs, times)
    meaning = {variable: _meaning(array) for variable, array in arrays.items()}
    return Source(arrays, first, level_index, fingerprint([meaning, str(first), level_index]))


def _meaning(array: zarr.AsyncArray) -> dict:
    """Metadata of an array without what grows while the archive does."""
    metadata = {key: str(value) for key, value in array.metadata.to_dict().items()}
    return {**metadata, "shape": array.shape[1:], "attributes": None}


async def _first_time(address: str, members: Mapping, times: np.ndarray) -> np.datetime64:
    """Time of index 0, after a look whether ``times`` lie where an hourly axis has them."""
    if "time" not in members:
        raise InputError(f"{address} has no time axis; it holds {', '.join(sorted(members))}")
    array = members["time"]
    units = str(array.attrs.get("units"))
    unit, _, epoch = units.partition(" since ")
    try:
        start, hour = np.datetime64(epoch.strip().replace(" ", "T"), "h"), {"hours": 1, "hour": 1}[unit]
    except (KeyError, ValueError):
        raise InputError(f"{address}: time is in {units!r}; expected hours since a date") from None
    first = start + int(np.asarray(await array.getitem(0))) * np.timedelta64(hour, "h")
    begin, end = (int((time - first) / np.timedelta64(1, "h")) for time in (times[0], times[-1]))
    if begin < 0 or end >= array.shape[0]:
        raise InputError(
            f"{address}: the time axis begins at {first} and has {array.shape[0]} hours; {times[0]} to "
            f"{times[-1]} is not part of it"
        )
    axis = start + np.asarray(await array.getitem(slice(begin, end + 1))).astype("timedelta64[h]")
    if not np.array_equal(axis, times[0] + np.arange(end - begin + 1)):
        raise InputError(f"{address}: the time axis is not hourly from {times[0]} to {times[-1]}")
    return first


async def _level_index(address: str, members: Mapping, level: int) -> int:
    if "hybrid" not in members:
        raise InputError(f"{address} does not say its levels; expected an array hybrid")
    levels = np.asarray(await members["hybrid"].getitem(slice(None)))
    found = np.flatnonzero(levels == level)
    if found.size != 1:
        raise InputError(
            f"{address} has no model level {level}; its levels are {levels[0]:g} to {levels[-1]:g}"
        )
    return int(found[0])


def _check_validity(address: str, attributes: Mapping, times: np.ndarray) -> None:
    """Refuse times that the store itself says it does not have, or not finally."""
    days = times[[0, -1]].astype("datetime64[D]")
    for key, wrong in (("valid_time_start", np.less), ("valid_time_stop", np.greater)):
        try:
            limit = np.datetime64(str(attributes[key])[:10])
        except (KeyError, ValueError):
            print(f"{address} does not say its {key}")
            continue
        if wrong(days, limit).any():
            raise InputError(
                f"{address}: {key} is {limit}; {days[0]} to {days[1]} is asked for (data.train, data.eval)"
            )
