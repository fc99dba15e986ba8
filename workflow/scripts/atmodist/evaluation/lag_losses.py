"""How distances between patches grow with the lag in time, and the content loss scaled onto each of them.

Hoffmann & Lessig (2023): the content loss beside the usual distances.
"""

from collections.abc import Iterable

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from atmodist.core.errors import InputError
from atmodist.learning.calibration import content_scale
from atmodist.learning.devices import Device, to_device
from atmodist.learning.losses import halves_apart
from atmodist.learning.networks import Encoder
from atmodist.samples.normalise import Moments

MEANINGS = {
    "content": "content loss",
    "mse": "mean squared difference of the normalised fields",
    "l1": "mean absolute difference",
    "l2": "mean squared difference",
    "psnr": "50 - PSNR",
    "ssim": "1 - (1 + SSIM)/2",
}


@torch.inference_mode()
def distances(first: Tensor, second: Tensor, encoder: Encoder, moments: Moments) -> dict[str, Tensor]:
    """Distances B of normalised patches B×C×P×P; the content loss, unscaled, under the name of each layer.

    These and ``mse`` are of the normalised fields, the others of the standardised ones z: no logarithm.
    As in the original, PSNR and SSIM take their range from the whole batch: max |z|, and min z to max z.
    """
    z = [moments.log_inverse(fields, axis=1) for fields in (first, second)]
    both = torch.cat(z)
    l1 = (z[0] - z[1]).abs().mean((1, 2, 3))
    l2 = (z[0] - z[1]).square().mean((1, 2, 3))
    data_range = (both.max() - both.min()).item()
    ssim = structural_similarity_index_measure(*z, data_range=data_range, reduction="none")
    features = encoder.features_until(torch.cat((first, second)), encoder.layers[-1])
    return {layer: halves_apart(found) for layer, found in features.items()} | {
        "mse": (first - second).square().mean((1, 2, 3)),
        "l1": l1,
        "l2": l2,
        "psnr": 50 - 10 * torch.log10(both.abs().max() ** 2 / l2),
        "ssim": 1 - (1 + ssim) / 2,
    }


@torch.inference_mode()
def lag_losses(
    device: Device,
    encoder: Encoder,
    moments: Moments,
    batches: Iterable,
    days: np.ndarray,
    lags: int,
    step_hours: int,
) -> dict[str, xr.Dataset]:
    """Distances by lag, 1 … ``lags`` steps: of all pairs, and summed over the pairs of each day.

    For each layer of the encoder a data set, in which its content loss is beside the other distances.

    ``batches`` gives patches and labels, lag − 1; ``days`` (pair,) says when the pairs begin, in the same
    order. A lag without pairs, or with distances that are not finite, raises ``InputError``.

    Returns:
        ``mean`` and ``std`` (measure, lag) and ``count`` (lag) of the pairs of each lag; ``scale``
        (measure,), the factor of `content_scale` that brings the content loss to each measure; ``sum``
        (measure, day, lag) and ``pairs`` (day, lag), from which `summary` draws blocks of days.
    """
    encoder = encoder.to(device.device).eval()
    names = [*encoder.layers, *list(MEANINGS)[1:]]
    day, number = np.unique(days.astype("datetime64[D]"), return_inverse=True)
    cells = len(day) * lags
    pairs, sums, squares = (
        np.zeros(cells, int),
        np.zeros((len(names), cells)),
        np.zeros((len(names), lags)),
    )
    start = 0
    for first, second, label in batches:
        found = distances(to_device(device, first), to_device(device, second), encoder, moments)
        label = label.numpy()
        cell = number[start : start + len(label)] * lags + label
        start += len(label)
        pairs += np.bincount(cell, minlength=cells)
        for row, values in enumerate(found[name].double().cpu().numpy() for name in names):
            sums[row] += np.bincount(cell, values, cells)
            squares[row] += np.bincount(label, values**2, lags)
    pairs, sums = pairs.reshape(-1, lags), sums.reshape(len(names), -1, lags)
    count = pairs.sum(axis=0)
    if not count.all():
        raise InputError(
            f"no pair has lag {np.argmin(count) + 1}; expected pairs at all lags of 1 to {lags}: use more "
            "batches."
        )
    mean = sums.sum(axis=1) / count
    layers = len(encoder.layers)
    if not np.isfinite(mean[:layers]).all():
        raise InputError("the network gives distances that are not finite; train it again.")
    if not mean[:layers].any(axis=1).all():
        layer = names[int(np.argmin(mean[:layers].any(axis=1)))]
        raise InputError(f"{layer} of the network is the same for all patches; train it again.")
    for name, values in zip(names[layers:], mean[layers:], strict=True):
        if not np.isfinite(values).all():
            lag = int(np.argmin(np.isfinite(values))) + 1
            raise InputError(
                f"{name} of pairs of lag {lag} is not finite; expected patches that differ: is a field "
                "repeated?"
            )
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    rows = {layer: [row, *range(layers, len(names))] for row, layer in enumerate(encoder.layers)}
    return {
        layer: _dataset(layer, mean[own], std[own], count, sums[own], pairs, day, step_hours)
        for layer, own in rows.items()
    }


def _dataset(layer, mean, std, count, sums, pairs, day, step_hours):
    """What `lag_losses` says of a layer."""
    return xr.Dataset(
        {
            "mean": (("measure", "lag"), mean, {"long_name": "mean distance of the pairs of a lag"}),
            "std": (("measure", "lag"), std, {"long_name": "standard deviation over the pairs of a lag"}),
            "scale": (
                "measure",
                content_scale(mean[0], mean),
                {"long_name": "factor of the content loss that brings it to the measure"},
            ),
            "count": ("lag", count, {"long_name": "number of pairs"}),
            "sum": (("measure", "day", "lag"), sums, {"long_name": "sum of the distances of a day's pairs"}),
            "pairs": (("day", "lag"), pairs, {"long_name": "number of a day's pairs"}),
        },
        coords={
            "measure": list(MEANINGS),
            "meaning": ("measure", list(MEANINGS.values())),
            "lag": (
                "lag",
                step_hours * np.arange(1, len(count) + 1),
                {"units": "hours", "long_name": "time between patches"},
            ),
            "day": ("day", day.astype("datetime64[ns]"), {"long_name": "day of the first patch"}),
        },
        attrs={"layer": layer},
    )
