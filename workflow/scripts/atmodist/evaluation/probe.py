"""What a representation says about something, by the simplest reader: a ridge regression on its features.

Nothing is learned but a linear map, so that what it finds was in the features. Every prediction is of a block
of time that neither the map nor its penalty has seen. Where targets are smoothed in time, as the jet's by a
low-pass of 61 days, what lies within the filter of a block's ends has been seen a little: the more, the
shorter the gap.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.evaluation.bootstrap import Bootstrap

PENALTIES = tuple(10.0 ** np.arange(-4, 3.5, 0.5))
"""Penalties that are tried, each times the mean square of the features' singular values."""

CONSTANT = 1e-6
"""Relative deviation up to which a feature counts as constant."""


def folds(days: np.ndarray, count: int) -> np.ndarray:
    """Number of the fold (day,) of each of sorted days: ``count`` runs of the days in the order of time."""
    if len(days) < 3 * count:
        raise InputError(f"{len(days)} days are too few for {count} folds; expected at least {3 * count}.")
    return np.arange(len(days)) * count // len(days)


def predict(
    features: np.ndarray,
    targets: np.ndarray,
    days: np.ndarray,
    count: int = 5,
    gap: int = 10,
    components: int | None = None,
    penalties: Sequence[float] = PENALTIES,
) -> np.ndarray:
    """Predictions (day, target) of targets (day, target) from features (day, feature), each out of its fold.

    Features are standardised and, with ``components``, reduced to their leading principal components; mean,
    deviation and components are those of the training days. The penalty of a target is the one of the
    smallest error in a cross-validation among the training days alone. Training days within ``gap`` days of
    a fold's days are left out, because their values are no independent ones.
    """
    features, fold = features.astype(float), folds(days, count)
    day = days.astype("datetime64[D]").astype(int)
    found = np.empty(targets.shape)
    for number in range(count):
        test = fold == number
        train = ~test & far_from(day, day[test], gap)
        errors = np.zeros((len(penalties), targets.shape[1]))
        for inner in np.unique(fold[train]):
            held_out = train & (fold == inner)
            rest = train & (fold != inner) & far_from(day, day[held_out], gap)
            trial = _ridge(features[rest], targets[rest], features[held_out], components, penalties)
            errors += np.square(trial - targets[held_out]).sum(axis=1)
        each = _ridge(features[train], targets[train], features[test], components, penalties)
        found[test] = np.take_along_axis(each, errors.argmin(axis=0)[None, None], axis=0)[0]
    return found


def far_from(day: np.ndarray, others: np.ndarray, gap: int) -> np.ndarray:
    """Whether each of the ``day`` numbers is more than ``gap`` from all the ``others``, sorted ones."""
    after = np.searchsorted(others, day)
    to_next = others[np.minimum(after, len(others) - 1)] - day
    to_previous = day - others[np.maximum(after - 1, 0)]
    return (np.abs(to_next) > gap) & (np.abs(to_previous) > gap)


def _ridge(x, y, new, components, penalties):
    """Predictions (penalty, sample, target) at ``new`` features of the ridge regressions of y on x."""
    if len(x) < 2:
        raise InputError("a fold leaves no days to train on; expected more days or a smaller gap.")
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    deviation[deviation <= CONSTANT * np.abs(mean)] = np.inf  # the rounding of float32 is no feature
    u, s, v = np.linalg.svd((x - mean) / deviation, full_matrices=False)
    kept = slice(components)
    u, s, v = u[:, kept], s[kept], v[kept]
    projected = ((new - mean) / deviation) @ v.T
    mean_square = np.square(s).mean() or 1.0  # the penalty is a share of it, whatever the features' number
    offset = y.mean(axis=0)
    answer = u.T @ (y - offset)
    return np.stack(
        [
            offset + projected @ ((s / (s**2 + penalty * mean_square))[:, None] * answer)
            for penalty in penalties
        ]
    )


def ahead(days: np.ndarray, known: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions in ``days`` and in ``known`` of the days in one whose ``lag``-th next day is in the other."""
    wanted = days.astype("datetime64[D]") + np.timedelta64(lag, "D")
    _, here, there = np.intersect1d(wanted, known.astype("datetime64[D]"), return_indices=True)
    return here, there


def skill(found: xr.DataArray, truth: xr.DataArray, bootstrap: Bootstrap) -> xr.DataArray:
    """Explained share of the variance, 1 − mean squared error over mean square, along ``sample``.

    ``found`` and ``truth`` are anomalies (target, time) from the seasonal cycle. 1 is perfect, 0 is what the
    cycle knows, and a prediction may be worse than that.
    """
    squares = xr.Dataset({"error": (found - truth) ** 2, "truth": truth**2})
    mean = bootstrap.means(squares)
    return (1 - mean["error"] / mean["truth"]).assign_attrs(units="1", long_name="explained variance")
