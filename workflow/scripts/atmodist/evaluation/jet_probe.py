"""What the state of the atmosphere on one day says about the jet of that day and of later ones."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.evaluation import probe
from atmodist.evaluation.bootstrap import Bootstrap

TARGETS = ("latitude", "speed")
PERSISTENCE = "persistence"


def skills(
    index: xr.Dataset,
    sources: Mapping[str, xr.DataArray],
    lag_days: Sequence[int],
    folds: int,
    gap: int,
    components: Mapping[str, int],
    bootstrap: Bootstrap,
) -> xr.Dataset:
    """How well each source's features predict the jet's anomalies of latitude and speed, ``lag_days`` ahead.

    One more source is persistence: the same probe on that day's own jet without the low-pass. The anomaly
    itself could not be known on the day, since its low-pass looks thirty days ahead.

    Args:
        index: what `jet.index` returned.
        sources: features (time, …) of days, the same days for all.
        folds: of the cross-validation, see `probe.predict`.
        gap: days between training and test.
        components: of those sources that are reduced to principal components, how many.
        bootstrap: of the days.

    Returns:
        ``skill`` (source, lag, target, sample), the explained variance, NaN in place of the draws of a
        single block, and ``days`` (lag), how many days
        there are.
    """
    features = {name: each.values.reshape(each.sizes["time"], -1) for name, each in sources.items()}
    days = next(iter(sources.values()))["time"].values if sources else index["time"].values
    known = np.isin(days, index["time"].values)
    if not known.any():
        raise InputError("the features are of days without a jet's index: expected the same period.")
    days = days[known]
    own = index.sel(time=days)
    features = {name: each[known] for name, each in features.items()}
    features[PERSISTENCE] = np.stack([own[f"{name}_daily"].values for name in TARGETS], axis=1)
    anomalies = xr.concat([index[f"{name}_anomaly"].drop_attrs() for name in TARGETS], "target")

    rows, counts = [], []
    for lag in lag_days:
        here, there = probe.ahead(days, index["time"].values, lag)
        truth = anomalies.isel(time=there).transpose("target", "time")
        counts.append(len(here))
        samples = []
        for name, each in features.items():
            values = probe.predict(
                each[here], truth.values.T, truth["time"].values, folds, gap, components.get(name)
            )
            found = truth.copy(data=values.T)
            one = probe.skill(found, truth, bootstrap)
            # Of days in a single block there are no draws, where fewer days ahead there may be.
            samples.append(one.pad(sample=(0, bootstrap.resamples + 1 - one.sizes["sample"])))
        rows.append(xr.concat(samples, "source"))
    return xr.Dataset(
        {
            "skill": xr.concat(rows, "lag").transpose("source", "lag", "target", "sample"),
            "days": ("lag", counts, {"long_name": "number of days"}),
        },
        {
            "source": list(features),
            "lag": ("lag", list(lag_days), {"units": "days", "long_name": "days ahead"}),
            "target": list(TARGETS),
        },
    )
