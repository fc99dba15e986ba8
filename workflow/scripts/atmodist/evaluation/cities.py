"""Local distributions: what values the fields take in windows of 1, 2 and 3 pixels around cities."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from atmodist.data import units
from atmodist.data.sphere import grid_position
from atmodist.evaluation.bootstrap import Bootstrap

WINDOWS = (1, 2, 3)
QUANTILES = (0.02, 0.09, 0.25, 0.50, 0.75, 0.91, 0.98)
BINS = 60
CITIES_AT_ONCE = 10
# Where the distribution functions of draws are compared: quantiles that lie closer in the tails, whose long
# bins would weigh too much.
NODES = np.sin(np.linspace(0, np.pi / 2, 501)[1:-1]) ** 2
# What is measured at a city, and along what.
MEASURED = {
    "quantiles": ("window", "quantile"),
    "density": ("window", "bin"),
    "bin_edge": ("edge",),
    "wasserstein": ("window",),
    "wasserstein_draws": ("window", "draw"),
}
# Steps from the nearest pixel, towards the city: the first n² of them make up the n x n window.
STEPS = np.array([(0, 0), (1, 0), (0, 1), (1, 1), (-1, -1), (-1, 0), (-1, 1), (0, -1), (1, -1)])


def read(path: str | Path) -> xr.Dataset:
    """Country, latitude and longitude in degrees along ``city`` from the CSV of the resources."""
    table = pd.read_csv(path, keep_default_na=False)
    return table.rename(columns={"name": "city"}).set_index("city").to_xarray()


def pixels_around(places: xr.Dataset, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (city, 9) of the 3 x 3 pixels around places on a grid of ``rows`` x 2 ``rows`` points.

    In the order of `STEPS`: the nearest pixel, then those that with it surround the place, then the rest.
    """
    south, east = grid_position(places["latitude"].values, places["longitude"].values, rows)
    nearest = np.rint([south, east])
    towards = np.where([south, east] < nearest, -1, 1)
    row, column = (nearest[..., None] + towards[..., None] * STEPS.T[:, None]).astype(int)
    return np.clip(row, 0, rows - 1), column % (2 * rows)


def compare(
    truth: Sequence[xr.Dataset],
    estimate: Sequence[xr.Dataset],
    places: xr.Dataset,
    bootstrap: Bootstrap,
) -> xr.Dataset:
    """Distributions of the estimate at every city, and how far they are from the true ones.

    ``truth`` and ``estimate`` are the shards of ``city_value`` (time, variable, city, pixel), opened and not
    loaded: `CITIES_AT_ONCE` are in memory. All pixels of a window at all times make a distribution.

    Returns:
        ``quantiles`` (window, variable, city, quantile); ``density`` (window, variable, city, bin) between
        the edges ``bin_edge`` (variable, city, edge), which follow from the truth alone, what lies beyond
        them counting in the outermost bins; ``wasserstein`` (window, variable, city), the Wasserstein-1
        distance to the truth; ``wasserstein_draws`` (draw, window, variable, city), the same for each of the
        draws of the bootstrap, see `redrawn_distances`.
    """
    block = bootstrap.blocks(np.concatenate([shard["time"].values for shard in truth]))
    counts = bootstrap.counts(block.max() + 1)
    draws = counts.values[1:]
    found = []
    for first in range(0, places.sizes["city"], CITIES_AT_ONCE):
        near = slice(first, first + CITIES_AT_ONCE)
        true, values = (
            np.concatenate(
                [shard["city_value"].isel(city=near).transpose("time", "city", ...) for shard in shards]
            )
            for shards in (truth, estimate)
        )
        found += [
            [_at(true[:, city, i], values[:, city, i], block, draws) for i in range(true.shape[2])]
            for city in range(true.shape[1])
        ]
    result = xr.Dataset(
        {
            name: (
                ("city", "variable", *dimensions),
                np.array([[each[name] for each in row] for row in found]),
            )
            for name, dimensions in MEASURED.items()
        }
    )
    result = result.transpose("draw", "window", "variable", "city", ...).assign_coords(
        window=("window", list(WINDOWS), {"units": "1", "long_name": "edge of the window in pixels"}),
        quantile=list(QUANTILES),
        blocks=counts["blocks"].assign_attrs(units="1", long_name="number of blocks of days"),
        **units.coordinates(truth[0]),
        **places.coords,
        **places.data_vars,
    )
    for name, exponent, meaning in (
        ("quantiles", 1, "quantiles of the values in the window"),
        ("density", -1, "probability density of the values in the window"),
        ("bin_edge", 1, "edges of the bins of the density"),
        ("wasserstein", 1, "Wasserstein-1 distance to the truth"),
        ("wasserstein_draws", 1, "the same of other draws of the days"),
    ):
        result[name].attrs = units.attributes(result, exponent, meaning)
    return result


def _at(true: np.ndarray, found: np.ndarray, block: np.ndarray, draws: np.ndarray) -> dict[str, Any]:
    """What is `MEASURED` of values (time, pixel) of one variable at one city."""
    edges = np.linspace(*np.quantile(true, [0.001, 0.999]), BINS + 1)
    measured = {name: [] for name in MEASURED} | {"bin_edge": edges}
    for window in WINDOWS:
        pixels = true[:, : window**2], found[:, : window**2]
        expected, values = (np.sort(x, axis=None).astype(float) for x in pixels)
        density, _ = np.histogram(values.clip(*edges[[0, -1]]), edges, density=True)
        measured["quantiles"].append(np.quantile(values, QUANTILES))
        measured["density"].append(density)
        measured["wasserstein"].append(abs(values - expected).mean())
        measured["wasserstein_draws"].append(redrawn_distances(*pixels, block, draws))
    return measured


def redrawn_distances(
    true: np.ndarray, found: np.ndarray, block: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    """Wasserstein-1 distance between values (time, pixel) for each of ``draws`` (draw, block) of the times.

    ``block`` (time,) numbers the blocks. The distance is the area between the two distribution functions.
    Their difference is exact at the quantiles `NODES` of all values, where the values of a block are counted
    once for all draws, and taken to be straight between them: a thousand times faster than to sort the values
    of each draw, and within a percent of it where the distance is 4 % of the values' deviation or more. Much
    smaller ones come out too large, as the difference then changes its sign between the quantiles.
    """
    nodes = np.quantile(np.concatenate([true, found]), NODES)
    cells = block.max() + 1, len(nodes) + 1
    counts = [
        np.bincount(
            (block[:, None] * cells[1] + np.searchsorted(nodes, values)).ravel(), minlength=np.prod(cells)
        )
        for values in (true, found)
    ]
    surplus = np.subtract(*counts).reshape(cells).cumsum(axis=1)[:, :-1]
    # Whole numbers below 2²⁴, exact in 32 bits: no order of summation, hence no number of cores, matters.
    difference = abs(draws.astype(np.float32) @ surplus.astype(np.float32))
    widths = np.diff(nodes, prepend=nodes[0], append=nodes[-1])
    area = (difference * (widths[1:] + widths[:-1]) / 2).sum(axis=1)
    return (area / (draws @ np.bincount(block) * true.shape[1])).astype(np.float32)


def verdict(distance: xr.DataArray, reference: xr.DataArray) -> xr.DataArray:
    """1 where a distance is less than 1/1.1 of the reference (better), -1 the other way (worse), else 0."""
    return (1.1 * distance < reference) * 1 - (distance > 1.1 * reference) * 1
