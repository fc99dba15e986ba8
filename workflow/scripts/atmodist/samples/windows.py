"""Which windows and which lags: every draw a function of the seed, the split and the time alone.

A sample is a window of ``patch`` × ``patch`` pixels at a time; the sample of a pair also has a lag, and its
partner is the same window that many time steps later. Each time has its own random stream and one permutation
shuffles the samples of all times, so a shard is the same whatever else is drawn, where and in which order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.seeds import random_stream
from atmodist.samples.counts import sample_count


class Samples(NamedTuple):
    """Where and when samples are: integer arrays of one length; ``lag`` is 0 where there is no partner."""

    time: np.ndarray  # index along the split's times
    row: np.ndarray  # of the window's north-western pixel
    column: np.ndarray
    lag: np.ndarray  # in time steps


@dataclass(frozen=True)
class Sampling:
    """How the samples of a split are drawn.

    ``kind`` ("pairs" or "patches") and ``split`` name the random stream of the ``seed``; ``per_time`` windows
    of ``patch`` × ``patch`` pixels start at each time, their centres within ``band`` (degrees north); lags
    are uniform in 1 … ``max_lag`` time steps, with ``max_lag`` 0 there are none.
    """

    kind: str
    split: str
    seed: int
    patch: int
    per_time: int
    band: tuple[float, float]
    max_lag: int = 0


def centre_rows(latitude: np.ndarray, band: tuple[float, float], patch: int) -> np.ndarray:
    """Rows that may be a window's centre, its row number ``patch // 2``: those with latitude in ``band``.

    Equally likely rows make the centre uniform in colatitude (30° to 150° in the paper). ``InputError`` if
    no row qualifies or a window centred there would leave the grid.
    """
    rows = np.flatnonzero((latitude >= band[0]) & (latitude <= band[1]))
    if not rows.size:
        raise InputError(f"no row of the grid lies between {band[0]}° and {band[1]}° north.")
    first, last = rows[0] - patch // 2, rows[-1] - patch // 2 + patch
    if first < 0 or last > len(latitude):
        raise InputError(
            f"windows of {patch} rows centred between {band[0]}° and {band[1]}° north leave the grid of "
            f"{len(latitude)} rows; expected a narrower band or a smaller patch."
        )
    return rows


def draw_windows(
    stream: np.random.Generator, rows: np.ndarray, columns: int, patch: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """First rows and columns of ``count`` windows: centres uniform among ``rows``, first column among all."""
    row = stream.choice(rows, count) - patch // 2
    return row, stream.integers(columns, size=count)


def draw_samples(
    sampling: Sampling, order: np.ndarray, times: np.ndarray, rows: np.ndarray, columns: int
) -> Samples:
    """Samples with the numbers ``order``; number i is sample i mod ``per_time`` of time i div ``per_time``.

    ``times`` is the split's ``datetime64[h]``, ``rows`` comes from ``centre_rows``.
    """
    time, which = np.divmod(order, sampling.per_time)
    row, column, lag = np.zeros((3, len(order)), np.int64)
    visited, inverse = np.unique(time, return_inverse=True)
    by_time = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    hours = times.astype("datetime64[h]").astype(int)
    for t, members in zip(visited, by_time, strict=True):
        stream = random_stream(sampling.seed, sampling.kind, sampling.split, int(hours[t]))
        drawn_row, drawn_column = draw_windows(stream, rows, columns, sampling.patch, sampling.per_time)
        row[members], column[members] = drawn_row[which[members]], drawn_column[which[members]]
        if sampling.max_lag:
            drawn_lag = stream.integers(1, sampling.max_lag, size=sampling.per_time, endpoint=True)
            lag[members] = drawn_lag[which[members]]
    return Samples(time, row, column, lag)


def shard_order(sampling: Sampling, times: int, shard: int, shard_size: int) -> np.ndarray:
    """Numbers of the samples in ``shard``: its part of one permutation of all samples of the split."""
    count = sample_count(times, sampling.per_time, sampling.max_lag)
    order = random_stream(sampling.seed, sampling.kind, sampling.split, "order").permutation(count)
    return order[shard * shard_size : (shard + 1) * shard_size]


def draw_shard(
    sampling: Sampling, times: np.ndarray, latitude: np.ndarray, columns: int, shard: int, shard_size: int
) -> Samples:
    """All samples of a shard, in its order, on a grid with these ``latitude`` rows and ``columns``."""
    order = shard_order(sampling, len(times), shard, shard_size)
    return draw_samples(sampling, order, times, centre_rows(latitude, sampling.band, sampling.patch), columns)


def cut(fields, samples: Samples, patch: int) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
    """Yield (position in ``samples``, window, its partner), windows (variables, patch, patch) in their units.

    They come in the order of time, in which a disk is read best. The partner is None where the lag is 0.
    ``fields`` is a ``store.Fields``.
    """
    for position in np.argsort(samples.time, kind="stable"):
        time, row, column, lag = (int(values[position]) for values in samples)
        window = slice(row, row + patch), slice(column, column + patch)
        partner = fields.read(time + lag, *window) if lag else None
        yield position, fields.read(time, *window), partner
