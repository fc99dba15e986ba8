"""The figures of a model card: one network's confusion matrix, and its distances against lag."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr
from matplotlib import pyplot
from matplotlib.ticker import PercentFormatter

from atmodist.core.files import replacing
from atmodist.figures import plots


def confusion(path: str | Path, count: xr.DataArray) -> None:
    """Draw the shares of predicted among true lags from numbers of pairs (true_lag, predicted_lag)."""
    share = count / count.sum("predicted_lag")
    with plots.style():
        figure, panel = pyplot.subplots(figsize=(3.6, 3.0))
        mesh = panel.pcolormesh(share["predicted_lag"], share["true_lag"], share, vmin=0, rasterized=True)
        panel.set(aspect="equal", xlabel="predicted lag / h", ylabel="true lag / h")
        for axis in (panel.xaxis, panel.yaxis):
            plots.mark_hours(axis, 12)
        figure.colorbar(
            mesh, label="share of the pairs of a true lag", format=PercentFormatter(1, decimals=0)
        )
        _save(figure, path)


def distances(path: str | Path, losses: Mapping[str, xr.Dataset]) -> None:
    """Draw each layer's content loss, scaled, and the mean squared error against lag.

    ``losses`` is `evaluation.lag_losses.lag_losses` by layer.
    """
    with plots.style():
        figure, panel = pyplot.subplots(figsize=(4.6, 3.0))
        for loss, look in zip(losses.values(), plots.lines(list(losses)).values(), strict=True):
            scaled = loss["mean"].sel(measure="content") * loss["scale"].sel(measure="mse")
            panel.plot(loss["lag"], scaled, **look)
            panel.plot(loss["lag"], loss["mean"].sel(measure="mse"), color="black", linestyle="--")
        panel.lines[-1].set_label("mean squared error")
        panel.set(xlabel="lag / h", ylabel="distance of normalised fields", ylim=(0, None))
        plots.mark_hours(panel.xaxis, 24)
        figure.legend(*panel.get_legend_handles_labels(), loc="outside upper center", ncols=3)
        _save(figure, path)


def _save(figure, path):
    with replacing(path) as partial:
        figure.savefig(partial, dpi=150)
