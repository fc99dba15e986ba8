"""AtmoDist's distance of a forecast, or any other estimate, from the truth: in time and over the globe."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from atmodist.core.errors import InputError
from atmodist.data.sphere import area_weights
from atmodist.distance import AtmoDist
from atmodist.evaluation.bootstrap import Bootstrap, interval
from atmodist.evaluation.uncertainty import sliding_windows
from atmodist.global_fields import GlobalFields


def evaluate(
    forecast: xr.Dataset | xr.DataArray,
    truth: xr.Dataset | xr.DataArray,
    model: AtmoDist | str | Path,
    *,
    layers: str | Sequence[str] | Mapping[str, float] | None = None,
    patch: int | None = None,
    stride: int | None = None,
    latitude: tuple[float, float] | None = None,
    batch_size: int = 64,
    block_days: float = 10,
    resamples: int = 1000,
    seed: int = 0,
) -> xr.Dataset:
    """AtmoDist's distance between global fields, window by window.

    Args:
        forecast: fields to be judged: the model's variables, or u and v, on a regular global grid.
        truth: what they are compared with, on the same grid; it may hold more times.
        model: the distance, or its model folder.
        layers: of the distance, see `AtmoDist`, if ``model`` is a folder.
        patch: edge of a window in pixels; by default that of the training.
        stride: pixels between windows in rows and columns; by default half a window.
        latitude: band (south, north) in degrees of the windows' centres; by default that of the training.
            Windows nearer to the poles look unlike any that the network has seen.
        batch_size: windows at a time.
        block_days: length of the blocks of the bootstrap, long enough to be nearly independent.
        resamples: draws of the bootstrap.
        seed: of the draws.

    Returns:
        ``distance`` (time, latitude, longitude) at the centres of the windows; ``along_time`` (time), its
        mean weighted with the area of the windows; ``by_window`` (latitude, longitude), its mean over time;
        and ``mean`` of all. ``by_window_interval`` and ``mean_interval`` are 95 % intervals along ``bound``,
        NaN where there is one block of days only.

    Raises:
        InputError: in one sentence, if variables, units, grid or times do not fit.
    """
    if block_days < 1:
        raise InputError(f"block_days is {block_days}; expected 1 at least.")
    sizes = {"patch": patch, "stride": stride, "batch_size": batch_size, "resamples": resamples}
    for name, size in sizes.items():
        if size is not None and (size != int(size) or size < 1):
            raise InputError(f"{name} is {size}; expected a whole number, 1 at least.")
    patch, stride, batch_size, resamples = (size and int(size) for size in sizes.values())
    model = model if isinstance(model, AtmoDist) else AtmoDist.from_pretrained(model, layers)
    found = [
        GlobalFields(each, model.config, name) for each, name in ((forecast, "forecast"), (truth, "truth"))
    ]
    partner = _same_grid_and_times(*found)
    fields, grid = found[0], found[0].grid
    patch = patch or model.config.network.get("patch")
    if patch is None:
        raise InputError(f"model {model.config.name} does not say its patch size; give patch=….")
    step = stride or max(1, patch // 2)
    rows = _window_rows(grid.latitude, latitude or model.config.latitude, patch, step)
    columns = np.arange(0, grid.columns, step)
    measure = AtmoDist(model.network, model.config, model.layers, check_magnitude=False)
    values = np.empty((len(fields.times), len(rows), len(columns)), np.float32)
    for index, other in enumerate(partner):
        pair = [_normalised(each, number, model) for each, number in zip(found, (index, other), strict=True)]
        for row, first in enumerate(rows):
            windows = [sliding_windows(each, first, patch, step) for each in pair]
            values[index, row] = torch.cat(
                [
                    measure(*batch, normalize=False).cpu()
                    for batch in zip(*(each.split(batch_size) for each in windows), strict=True)
                ]
            )
    areas = area_weights(grid.latitude)
    weights = np.array([areas[first : first + patch].sum() for first in rows])
    centres = {
        "latitude": (
            "latitude",
            grid.latitude[rows] - (patch - 1) / 2 * grid.spacing,
            {"units": "degrees_north"},
        ),
        "longitude": (
            "longitude",
            (grid.west + (columns + (patch - 1) / 2) * 360 / grid.columns) % 360,
            {"units": "degrees_east"},
        ),
    }
    distance = xr.DataArray(values, {"time": fields.times, **centres}, ("time", "latitude", "longitude"))
    weighted = distance.weighted(xr.DataArray(weights, dims="latitude"))
    series = xr.Dataset({"by_window": distance, "mean": weighted.mean(("latitude", "longitude"))})
    means = _means(series, Bootstrap(block_days, resamples, seed))
    result = xr.Dataset({"distance": distance, "along_time": series["mean"], **means}).sortby("longitude")
    for values in result.values():
        values.attrs = {"units": "1", "long_name": "AtmoDist distance"}
    about = {"model": model.config.name, "layers": ", ".join(f"{k}: {v:g}" for k, v in model.layers.items())}
    return result.assign_attrs(**about, patch=patch, block_days=block_days)


def _same_grid_and_times(forecast: GlobalFields, truth: GlobalFields) -> list[int]:
    """Index among the truth's times of each of the forecast's."""
    same = forecast.grid.rows == truth.grid.rows and forecast.grid.columns == truth.grid.columns
    places = [(each.grid.north * each.grid.spacing, each.grid.west) for each in (forecast, truth)]
    if not same or not np.allclose(*places, atol=1e-3):
        raise InputError(
            f"the forecast is on {_words(forecast)}, the truth on {_words(truth)}; expected one grid."
        )
    index = {time: number for number, time in enumerate(truth.times)}
    if forecast.times.size == truth.times.size == 1 and np.isnat([forecast.times[0], truth.times[0]]).any():
        return [0]
    missing = [time for time in forecast.times if time not in index]
    if missing:
        raise InputError(
            f"the truth has no fields at {len(missing)} of the forecast's {len(forecast.times)} times, the "
            f"first {missing[0]}; expected all of them, or one field each, one of them without time."
        )
    return [index[time] for time in forecast.times]


def _words(fields: GlobalFields) -> str:
    grid = fields.grid
    return f"{grid.rows} × {grid.columns} points from {grid.latitude[0]:g}° N, {grid.west:g}° E"


def _window_rows(latitude: np.ndarray, band: Sequence[float], patch: int, stride: int) -> np.ndarray:
    """First rows of windows of ``patch`` rows, evenly ``stride`` apart about the middle of the band."""
    first = np.arange(len(latitude) - patch + 1)
    centre = (latitude[first] + latitude[first + patch - 1]) / 2 if first.size else first
    inside = first[(centre >= band[0] - 1e-6) & (centre <= band[1] + 1e-6)]
    if not inside.size:
        raise InputError(
            f"no window of {patch} rows is centred between {band[0]:g}° and {band[1]:g}° on this grid of "
            f"{len(latitude)} rows; expected a smaller patch or a wider band."
        )
    spare = (len(inside) - 1) % stride
    return inside[spare // 2 :: stride]


def _normalised(fields: GlobalFields, index: int, model: AtmoDist) -> Tensor:
    """Normalised fields C×H×W of a time on the model's device, their magnitude checked."""
    values = fields.read(index)
    model.config.check_fields(values)
    place = next(model.parameters())
    return model.normalise(torch.from_numpy(values)[None])[0].to(place.device, place.dtype)


def _means(series: xr.Dataset, bootstrap: Bootstrap) -> dict:
    """Means over time of each variable, with intervals along ``bound``."""
    bound = xr.DataArray([0.025, 0.975], dims="bound", name="bound")
    if np.isnat(series["time"]).any():
        samples = series.isel(time=[0]).rename(time="sample").drop_vars("sample").assign_coords(blocks=1)
    else:
        samples = bootstrap.means(series)
    found = {}
    for name, values in samples.items():
        found[name] = values.isel(sample=0).drop_vars("blocks")
        found[f"{name}_interval"] = xr.concat([found[name].copy(data=end) for end in interval(values)], bound)
    if samples.sizes["sample"] == 1:
        warnings.warn(
            f"the forecast lies within one block of {bootstrap.block_days:g} days, which gives no interval; "
            "expected more days or a smaller block_days.",
            stacklevel=3,
        )
    return found
