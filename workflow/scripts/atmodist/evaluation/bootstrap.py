"""How much a number depends on the days that happened to be evaluated: the block bootstrap.

Blocks of days, long enough to be nearly independent, are drawn with replacement (Künsch 1989,
doi:10.1214/aos/1176347265). Every quantity is computed along ``sample``, first from all blocks and then from
each draw of them; its coordinate ``blocks`` says how many these are. The draws are a function of the seed and
the number of blocks alone, so that all systems see the same ones and the interval of a ratio of two systems
is right, too.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import ndtr, ndtri, stdtrit

from atmodist.core.seeds import random_stream


@dataclass(frozen=True)
class Bootstrap:
    """``resamples`` draws, which follow from ``seed``, of blocks of ``block_days`` days."""

    block_days: float
    resamples: int
    seed: int

    def blocks(self, time: np.ndarray) -> np.ndarray:
        """Number of the block in which each time lies; block 0 begins with the first day of all.

        Blocks without any of the times have no number.
        """
        days = time.astype("datetime64[D]").astype(int)
        return np.unique((days - days.min()) // self.block_days, return_inverse=True)[1]

    def counts(self, blocks: int) -> xr.DataArray:
        """How often each block counts (sample, block): once in sample 0, then as often as it is drawn.

        A single block cannot be drawn differently: it gives sample 0 alone.
        """
        draws = random_stream(self.seed, "bootstrap").multinomial(
            blocks, np.full(blocks, 1 / blocks), self.resamples if blocks > 1 else 0
        )
        counts = np.vstack([np.ones((1, blocks), int), draws])
        return xr.DataArray(counts, {"blocks": blocks}, ("sample", "block"))

    def means(self, series: xr.Dataset) -> xr.Dataset:
        """Means along ``sample`` of values along the dimension of their ``time``."""
        return self.means_of_sums(series, xr.ones_like(series["time"], int))

    def means_of_sums(self, sums: xr.Dataset, number: xr.DataArray) -> xr.Dataset:
        """The same of sums, at each ``time`` over as many members as ``number`` says."""
        both = sums_of_blocks(sums.assign(number=number), self.blocks(sums["time"].values))
        return means(both.drop_vars("number"), both["number"], self.counts(both.sizes["block"]))

    def means_of_groups(self, series: xr.DataArray, group: np.ndarray) -> xr.DataArray:
        """Means (group, sample, …) of a series along ``time`` in each ``group`` (time,), such as months.

        Blocks are drawn within each group; a group of one block has NaN in place of draws.
        """
        found = []
        for value in np.unique(group):
            part = series.isel(time=np.flatnonzero(group == value))
            mean = self.means(part.to_dataset(name="mean"))["mean"]
            found.append(mean.pad(sample=(0, self.resamples + 1 - mean.sizes["sample"])))
        return xr.concat(found, xr.DataArray(np.unique(group), dims="group", name="group"))


def widening(count: int) -> float:
    """How many times wider the interval of a mean is than the normal quantiles of a bootstrap of ``count``.

    These take the spread of n blocks, or seeds, for smaller than it is, by √((n − 1) / n), and for known,
    while it is itself an estimate: Student's t in place of the normal distribution (Hesterberg 2015,
    doi:10.1080/00031305.2015.1089789). 1 of a single one, whose spread is unknown.
    """
    if count == 1:
        return 1.0
    return stdtrit(count - 1, 0.975) / ndtri(0.975) * np.sqrt(count / (count - 1))


def interval(samples: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % interval of samples (sample, …) with their number of ``blocks``; NaN without draws.

    They are those quantiles of the draws that are as far out as `widening` says, 1.1 and 98.9 % of 12 blocks,
    so that they stay where the quantity can be (Hesterberg 2015, the expanded percentile interval). Of fewer
    than six blocks no draw is far enough out: the interval, from the least to the greatest, is too narrow.
    """
    draws = samples.transpose("sample", ...).values[1:]
    known = np.isfinite(draws).any(axis=0) if len(draws) else np.zeros(draws.shape[1:], bool)
    far = ndtr(ndtri(0.975) * widening(int(samples["blocks"])))
    ends = np.full((2, *draws.shape[1:]), np.nan)
    if known.any():
        ends[:, known] = np.nanquantile(draws[:, known], [1 - far, far], axis=0)
    return ends[0], ends[1]


def sums_of_blocks(series: xr.Dataset, block: np.ndarray) -> xr.Dataset:
    """Sums of values over the members of each block; ``block`` numbers that of each ``time`` from 0."""
    (along,) = series["time"].dims
    numbered = series.assign_coords(block=(along, block)).groupby("block").sum()
    return numbered.reindex(block=np.arange(block.max() + 1), fill_value=0).drop_vars("block")


def means(sums: xr.Dataset, sizes: xr.DataArray, counts: xr.DataArray) -> xr.Dataset:
    """Means along ``sample`` of what the blocks hold: ``sums`` of as many members as ``sizes`` says.

    The mean of a draw without any member is NaN.
    """
    totals = sums.map(lambda each: xr.dot(counts, each, dim="block"))
    return totals / xr.dot(counts, sizes, dim="block")
