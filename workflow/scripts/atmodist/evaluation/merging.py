"""Join evaluations of separate spans of time, and write them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from atmodist.core import netcdf
from atmodist.core.errors import InputError


def combine(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join evaluations of separate spans of time: blocks and series end to end, totals added.

    Nothing is rounded, so the result is that of one evaluation over the whole time, bit for bit. Sums of
    squares too large for an integer raise ``InputError``.
    """
    parts = sorted(parts, key=lambda part: part["block"].values[0])
    blocks = np.concatenate([part["block"].values for part in parts])
    if len(np.unique(blocks)) < len(blocks):
        raise InputError("two shards hold the same block of time; expected shards of whole blocks.")
    dimensions = [dimension for dimension in ("block", "time") if dimension in parts[0].dims]
    totals = [part.drop_dims(dimensions) for part in parts]
    joined = [sum(totals[1:], start=totals[0])]
    for name, values in joined[0].items():
        if name.startswith("sum_of_square") and (values < 0).any():
            raise InputError(
                "values of many standard deviations at one point have outgrown the sums of their squares: "
                "did the training diverge?"
            )
    for dimension in dimensions:
        joined.append(xr.concat([_along(dimension, part) for part in parts], dimension, join="exact"))
    return xr.merge(joined, join="exact", compat="equals").assign_attrs(parts[0].attrs)


def _along(dimension, dataset):
    return dataset[[name for name, values in dataset.items() if dimension in values.dims]]


def without_cities(evaluation: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """An evaluation in two: what does not grow with the cities, and what they saw at every time."""
    at_cities = [name for name, values in evaluation.items() if "city" in values.dims]
    return evaluation.drop_dims("city"), evaluation[at_cities]


def save(path: str | Path, evaluation: xr.Dataset) -> None:
    """Write an evaluation as NetCDF; fields are compressed, integers stay exact, cities are chunks."""
    encoding = {}
    for name, values in evaluation.items():
        if "longitude" in values.dims:
            encoding[name] = {"zlib": True, "complevel": 1, "shuffle": True}
        if "city" in values.dims:
            encoding[name] = {"chunksizes": values.isel(city=[0]).shape}
    netcdf.write(path, evaluation, encoding=encoding)
