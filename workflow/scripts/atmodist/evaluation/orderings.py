"""Does a distance order atmospheric states rightly? Triplets of known order, and the share it gets right.

A triplet is an anchor, a nearer and a farther state; a distance is right about it if it says so. This is to
atmospheric states what the two-alternative test of Zhang et al. (2018, arXiv:1801.03924) is to images, with
orders that are known by construction in place of people's votes. docs/orderings.md is its definition.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import torch
import xarray as xr
from scipy.ndimage import gaussian_filter1d
from scipy.stats import rankdata
from torch import Tensor

from atmodist.core.errors import InputError
from atmodist.core.seeds import random_stream
from atmodist.data import spectral
from atmodist.evaluation import degradations
from atmodist.evaluation.bootstrap import Bootstrap, interval
from atmodist.evaluation.degradations import Window
from atmodist.evaluation.families import EQUAL, FAMILIES, LAGS, VORTEX_MOVES, VORTEX_STRENGTH
from atmodist.evaluation.images import structural_similarity
from atmodist.evaluation.patch_spectra import patch_spectra
from atmodist.evaluation.sampling import spread
from atmodist.learning.losses import ContentLoss
from atmodist.learning.networks import Encoder
from atmodist.learning.sizes import LAYERS
from atmodist.learning.spectral_losses import SpectralLoss
from atmodist.samples.normalise import Moments
from atmodist.samples.windows import centre_rows, draw_windows

SSIM_RANGE = 8.0
"""Range that SSIM assumes of normalised fields: four standard deviations to either side."""
SMOOTHING = 1 / 20
"""Standard deviation of the Gaussian of ``l2 smoothed`` over the window's edge."""
TIE = 1e-4
"""Relative difference below which two distances are equal; float32 leaves 1e-6 of what blur makes equal."""

Distance = Callable[[Tensor, Tensor], Tensor]
"""Normalised patches (B, C, P, P) twice → distances (B,)."""


def distances(encoders: Mapping[str, Encoder], patch: int, device: torch.device) -> dict[str, Distance]:
    """The usual distances of normalised fields, and that of every encoder at each of its layers."""
    known: dict[str, Distance] = {
        "l1": lambda x, y: (x - y).abs().mean((1, 2, 3)),
        "l2": lambda x, y: (x - y).square().mean((1, 2, 3)),
        "l2 smoothed": smoothed_squares(patch, device),
        "ssim": dissimilarity,
        "spectrum": spectral_distance,
        "amse": SpectralLoss(patch).to(device),
    }
    for name, encoder in encoders.items():
        known |= {f"{name} {layer}": ContentLoss(encoder, layer).to(device) for layer in LAYERS}
    return known


def smoothed_squares(patch: int, device: torch.device) -> Distance:
    """Mean squared difference of fields under a Gaussian filter: a control of what smoothing alone explains.

    Its standard deviation is `SMOOTHING` of the window's edge, and it is cut off after four of them. Beyond
    the edges a window goes on as its mirror image, points there twice (c b a | a b c), so that means stay.
    """
    filtered = gaussian_filter1d(np.eye(patch), SMOOTHING * patch, mode="reflect", truncate=4)
    weights = torch.from_numpy(filtered).to(device)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        along = weights.to(x.dtype)
        return (along.T @ (x - y) @ along).square().mean((1, 2, 3))

    return distance


def dissimilarity(x: Tensor, y: Tensor) -> Tensor:
    """1 − SSIM, the mean over the variables, of the range `SSIM_RANGE`."""
    first, second = (each.double().cpu().numpy() for each in (x, y))
    found = [
        [structural_similarity(*pair, SSIM_RANGE) for pair in zip(*patches, strict=True)]
        for patches in zip(first, second, strict=True)
    ]
    return 1 - torch.tensor(found).mean(1)


def spectral_distance(x: Tensor, y: Tensor) -> Tensor:
    """Mean over variables and wavenumbers of |log10| of the ratio of the powers: blind to every phase."""
    first, second = (patch_spectra(each.double().cpu().numpy()) for each in (x, y))
    return torch.from_numpy(np.abs(np.log10(first / second)).mean((1, 2)))


def series_at(
    read: Callable[[int], np.ndarray],
    time: int,
    windows: Sequence[Window],
    moments: Moments,
    stream: np.random.Generator,
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each family with anchors (A, C, P, P) and series (A, S, C, P, P), normalised.

    ``read`` gives the physical global fields (C, H, W) of an index of time. The families `EQUAL` have a
    series of two for each move and window: the moved state, and one degraded as far as that by the mean
    squared error; it is left out where none is as far, so that A is other there.
    """
    fields = read(time).astype(float)
    rows = fields.shape[-2]
    cilm = np.stack([spectral.analyse(field) for field in fields])

    def normalised(values):
        return moments.forward(np.asarray(values, np.float64), axis=values.ndim - 3)

    def windows_of(global_fields):
        return np.stack([normalised(window.cut(global_fields)) for window in windows])

    anchors = windows_of(fields)
    yield "lag", anchors, windows_of(np.stack([read(time + lag) for lag in LAGS]))
    for family, changed in (
        ("truncation", degradations.truncated(cilm)),
        ("phase", degradations.turned(cilm, stream)),
        ("amplitude", degradations.scaled(cilm, stream)),
    ):
        yield family, anchors, windows_of(degradations.on_the_grid(changed))

    moved = np.stack([normalised(degradations.moved(fields, window)) for window in windows])
    yield "displacement", anchors, moved
    if "vorticity" in moments.variables:
        variable = moments.variables.index("vorticity")
        strength = VORTEX_STRENGTH * moments.std[variable]
        states = np.repeat(
            np.stack([window.cut(fields) for window in windows])[:, None],
            1 + len(VORTEX_MOVES),
            axis=1,
        )
        for each, window in zip(states, windows, strict=True):
            each[:, variable] += degradations.vortices(rows, window, strength)
        states = normalised(states)
        yield "vortex", states[:, 0], states[:, 1:]

    degraded = degradations.blurred(cilm), degradations.scrambled(cilm, stream)
    for family, changed in zip(EQUAL, degraded, strict=True):
        levels = windows_of(degradations.on_the_grid(changed))
        pairs = [
            (anchor, np.stack([state, other]))
            for anchor, states, each in zip(anchors, moved, levels, strict=True)
            for state in states
            if (other := degradations.as_far_as(state, anchor, each)) is not None
        ]
        if pairs:
            yield family, *(np.stack(each) for each in zip(*pairs, strict=True))


@torch.inference_mode()
def measure(anchors: np.ndarray, series: np.ndarray, distance: Distance, device: torch.device) -> np.ndarray:
    """Distances (A, S) of the states of each series from its anchor."""
    y = torch.from_numpy(series).flatten(0, 1).float().to(device)
    x = torch.from_numpy(anchors).float().to(device).repeat_interleave(series.shape[1], 0)
    return distance(x, y).double().cpu().numpy().reshape(series.shape[:2])


def rightly_ordered(found: np.ndarray) -> np.ndarray:
    """Share of the triplets of each series (A, S) that are ordered rightly, (A,); a tie is half right."""
    right = []
    for nearer, farther in combinations(range(found.shape[1]), 2):
        difference = found[:, farther] - found[:, nearer]
        size = np.maximum(np.abs(found[:, farther]), np.abs(found[:, nearer]))
        right.append(np.where(np.abs(difference) <= TIE * size, 0.5, difference > 0))
    return np.mean(right, axis=0)


def monotonicity(found: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of distance and strength of each series (A, S), (A,)."""
    ranks = rankdata(found, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    strength = np.arange(found.shape[1]) - (found.shape[1] - 1) / 2
    size = np.sqrt((ranks**2).sum(1) * (strength**2).sum())
    return np.divide(ranks @ strength, size, out=np.zeros(len(found)), where=size > 0)


def choose_times(times: int, count: int, seed: int) -> np.ndarray:
    """``count`` indices of time, or as many as there are, by `spread`, each with all lags behind it."""
    last = times - LAGS[-1]
    if last < 1:
        raise InputError(
            f"the evaluation split holds {times} times; expected more than {LAGS[-1]}, the "
            "longest lag of the orderings."
        )
    return spread(last, count, seed, "orderings")


def evaluate(
    fields,
    moments: Moments,
    known: Mapping[str, Distance],
    chosen: Sequence[int],
    per_time: int,
    patch: int,
    band: tuple[float, float],
    seed: int,
    device: torch.device,
) -> xr.Dataset:
    """Every distance on the triplets of the times ``chosen``, ``per_time`` windows each.

    Args:
        fields: a `store.Fields`.
        moments: of the normalisation.
        known: distances by name.
        chosen: indices of time.
        per_time: windows at each time.
        patch: edge of a window in points.
        band: latitudes in which the windows have their centres, degrees north.
        seed: seed of windows and noise.
        device: of the distances.

    Returns:
        Sums over the series of a time: ``right`` and ``monotonicity`` (distance, family, time), and
        ``series``, their number (family, time).

    Raises:
        InputError: if a distance is NaN or infinite, for then it orders nothing.
    """
    shape = len(known), len(FAMILIES), len(chosen)
    right, monotone, count = np.zeros(shape), np.zeros(shape), np.zeros(shape[1:], int)
    names, families = list(known), list(FAMILIES)
    rows = centre_rows(fields.latitude, band, patch)
    visited = []
    for number, time in enumerate(chosen):
        visited.append(fields.time[time])
        stream = random_stream(seed, "orderings", int(fields.time[time].astype(int)))
        corners = draw_windows(stream, rows, len(fields.longitude), patch, per_time)
        windows = [Window(int(row), int(column), patch) for row, column in zip(*corners, strict=True)]
        for family, anchors, series in series_at(fields.read, int(time), windows, moments, stream):
            place = families.index(family), number
            count[place] = len(series)
            for which, name in enumerate(names):
                found = measure(anchors, series, known[name], device)
                if not np.isfinite(found).all():
                    raise InputError(
                        f"distance {name} is {found[~np.isfinite(found)][0]} in family {family}; expected "
                        "finite numbers."
                    )
                right[which, *place] = rightly_ordered(found).sum()
                monotone[which, *place] = monotonicity(found).sum()
    about = {
        "right": "sum over the series of the shares of rightly ordered triplets",
        "monotonicity": "sum over the series of the rank correlations of distance and strength",
    }
    return xr.Dataset(
        {
            "right": (("distance", "family", "time"), right, {"long_name": about["right"]}),
            "monotonicity": (("distance", "family", "time"), monotone, {"long_name": about["monotonicity"]}),
            "series": (("family", "time"), count, {"long_name": "number of series"}),
        },
        {
            "distance": names,
            "family": families,
            "time": np.array(visited, "datetime64[ns]"),
        },
    )


def scores(sums: xr.Dataset, bootstrap: Bootstrap) -> pd.DataFrame:
    """Share of rightly ordered triplets and monotonicity, with 95 % intervals, from the sums of `evaluate`.

    A row for each distance and family, and for the mean over the families, with the number of ``series``, in
    all. Intervals are those of the block bootstrap over days; NaN where one block is all there is. Families
    without a series have no row.
    """
    share = bootstrap.means_of_sums(sums[["right", "monotonicity"]], sums["series"])
    share["monotonicity"] = share["monotonicity"].where(~share["family"].isin(EQUAL))  # series of two
    number = sums["series"].sum("time").to_series()
    share = share.sel(family=(number > 0).values)
    mean = share.mean("family").expand_dims(family=["mean"])
    share = xr.concat([share, mean], "family")
    table = []
    for distance in share["distance"].values:
        for family in share["family"].values:
            row = {"distance": distance, "family": family}
            for name in ("right", "monotonicity"):
                samples = share[name].sel(distance=distance, family=family)
                low, high = interval(samples)
                row |= {name: float(samples[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
            table.append(row | {"series": number.sum() if family == "mean" else number[family]})
    return pd.DataFrame(table)
