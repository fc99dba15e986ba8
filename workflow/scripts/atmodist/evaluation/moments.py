"""Mean and deviation over time at every point, and how far the fields of two systems are apart in them.

The distance is the paper's: the squared difference of two fields, summed over the points of the grid, and
beside it its mean over the sphere. An interval needs the sums of every block of time, which at all points
would be gigabytes. So blocks keep them at some points only: one drawn at random in each of the boxes that
tile the grid, which stands for all points of its box. Over the draws of points, such a sum is unbiased
(stratified sampling).
"""

import numpy as np
import xarray as xr

from atmodist.core.seeds import random_stream
from atmodist.data import units
from atmodist.data.sphere import area_weights
from atmodist.evaluation.bootstrap import means

BOXES = 64
"""Boxes from pole to pole, of which there are twice as many around; coarser grids have one for each point."""
CHUNK = 1024
"""Points whose draws are in memory at once."""


def mean_fields(evaluation: xr.Dataset) -> xr.Dataset:
    """Mean, standard deviation and root mean squared error over time, of `metrics.PointMoments`."""
    frames, quantum = int(evaluation["frames"].sum()), evaluation["quantum"]
    fields = _mean_and_std(evaluation["sum"] / frames, evaluation["sum_of_squares"] / frames)
    fields["rmse"] = np.sqrt(evaluation["sum_of_squared_errors"] / frames)
    meanings = {"mean": "mean", "std": "standard deviation", "rmse": "root mean squared error"}
    return xr.Dataset(
        {
            name: (each * quantum).assign_attrs(
                units.attributes(evaluation, 1, f"{meanings[name]} over time")
            )
            for name, each in fields.items()
        }
    )


def sample_points(rows: int, seed: int) -> xr.Dataset:
    """One random point along ``point`` of each box of a grid of ``rows`` x 2 ``rows`` points.

    Its ``grid_row`` and ``grid_column``, and how many ``grid_points`` its box has. They are a function of the
    seed and the grid alone, so that all systems are compared at the same ones.
    """
    count = min(rows, BOXES)
    first_row = np.linspace(0, rows, count + 1).astype(int)
    first_column = np.linspace(0, 2 * rows, 2 * count + 1).astype(int)
    height, width = np.broadcast_arrays(np.diff(first_row)[:, None], np.diff(first_column))
    stream = random_stream(seed, "moments")
    return xr.Dataset(
        {
            "grid_row": ("point", (first_row[:-1, None] + stream.integers(height)).ravel()),
            "grid_column": ("point", (first_column[:-1] + stream.integers(width)).ravel()),
            "grid_points": ("point", (height * width).ravel()),
        }
    )


def squared_errors(truth: xr.Dataset, found: xr.Dataset, counts: xr.DataArray) -> xr.Dataset:
    """Squared differences of two evaluations: of their mean fields, ``mean``, and deviation fields, ``std``.

    Args:
        truth, found: with what `metrics.PointMoments` and `metrics.MomentSamples` measure.
        counts: how often each block counts (sample, block), once in sample 0; see `Bootstrap.counts`.

    Returns:
        (sample, weight, variable) in the square of the data's unit: the sum over the points of the grid
        ("grid") and the mean over the sphere ("area"). Sample 0 is of all points, the draws are of the
        sampled ones.
    """
    latitude = truth["latitude"].values
    shares = np.stack([np.ones(len(latitude)), area_weights(latitude) / (2 * len(latitude))])
    weight = xr.DataArray(shares, {"weight": ["grid", "area"]}, ("weight", "latitude"))
    fields = [mean_fields(each)[["mean", "std"]] for each in (truth, found)]
    exact = _squared_difference(*fields).sum("longitude").map(xr.dot, args=(weight,), dim="latitude")
    exact = exact.assign_coords(blocks=counts["blocks"])
    samples = [each[["sampled_mean", "sampled_mean_square", "frames"]].load() for each in (truth, found)]
    weight = weight.isel(latitude=truth["grid_row"]) * truth["grid_points"]
    drawn = [
        _squared_difference(*(_redrawn(each.isel(point=part), counts[1:]) for each in samples)).map(
            xr.dot, args=(weight.isel(point=part),), dim="point"
        )
        for part in (slice(first, first + CHUNK) for first in range(0, truth.sizes["point"], CHUNK))
    ]
    return xr.concat(
        [exact.expand_dims("sample"), sum(drawn[1:], start=drawn[0])], "sample", coords="minimal"
    )


def _mean_and_std(mean: xr.DataArray, mean_square: xr.DataArray) -> xr.Dataset:
    return xr.Dataset({"mean": mean, "std": np.sqrt((mean_square - mean**2).clip(0))})


def _redrawn(samples: xr.Dataset, counts: xr.DataArray) -> xr.Dataset:
    """Mean and deviation (sample, variable, point) of draws of the blocks."""
    frames = samples["frames"]
    drawn = means(samples.drop_vars("frames") * frames, frames, counts)
    return _mean_and_std(drawn["sampled_mean"], drawn["sampled_mean_square"])


def _squared_difference(truth: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    return (found - truth) ** 2
