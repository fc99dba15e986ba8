"""Fields at one moment as labelled arrays, their low resolution, and regions of them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from atmodist.data import units
from atmodist.data.store import Fields
from atmodist.learning.sizes import UPSCALING
from atmodist.samples.normalise import Moments


def labelled(fields: Fields, time: int, values: np.ndarray) -> xr.DataArray:
    """Values (variable, latitude, longitude) at an index of time, with their coordinates and units."""
    return xr.DataArray(
        values,
        {
            "variable": list(fields.variables),
            units.COORDINATE: ("variable", list(fields.units)),
            "latitude": ("latitude", fields.latitude, {"units": "degrees_north"}),
            "longitude": ("longitude", fields.longitude, {"units": "degrees_east"}),
            "time": fields.time[time].astype("datetime64[ns]"),
        },
        ("variable", "latitude", "longitude"),
        attrs=units.common(fields.units),
    )


def index_of(fields: Fields, time: str) -> int:
    """Index of a time, e.g. ``2002-07-15T12:00``; ``InputError`` if the fields do not hold it."""
    return int(fields.indices(np.array([time], "datetime64[h]"))[0])


def block_means(field: xr.DataArray, factor: int) -> xr.DataArray:
    """Mean over blocks of ``factor`` x ``factor`` points; coordinates become the centres of the blocks."""
    return field.coarsen(latitude=factor, longitude=factor).mean()


def thinned(fields: xr.DataArray, columns: int = 720) -> xr.DataArray:
    """Means over 2 x 2 points, again while there are more ``columns`` and rows that can be halved."""
    while fields.sizes["longitude"] > columns and fields.sizes["latitude"] % 2 == 0:
        fields = block_means(fields, 2)
    return fields


def low_resolution(field: xr.DataArray, moments: Moments) -> xr.DataArray:
    """What super-resolution starts from: the block means of the normalised field, denormalised."""
    low = block_means(moments.forward(field, axis=0), UPSCALING)
    return moments.inverse(low, axis=0).assign_attrs(field.attrs)


def crop(field: xr.DataArray, latitude: Sequence[float], longitude: Sequence[float]) -> xr.DataArray:
    """The cells that touch the box from south to north and from west to east, in degrees.

    West may be negative, or the box lie across longitude 0: longitudes of the result grow from west to east.
    """
    half = float(field["longitude"][1] - field["longitude"][0]) / 2
    (south, north), (west, east) = latitude, longitude
    shifted = (field["longitude"] - west + half) % 360 + west - half
    field = field.assign_coords(longitude=shifted.assign_attrs(field["longitude"].attrs)).sortby("longitude")
    return field.sel(latitude=slice(north + half, south - half), longitude=slice(west - half, east + half))
