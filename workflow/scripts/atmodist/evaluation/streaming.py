"""Super-resolve whole atmospheres and stream metrics over them, in bounded memory and in any shards."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from math import ceil
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from atmodist.core.errors import InputError
from atmodist.data.store import Fields
from atmodist.evaluation.maps import labelled
from atmodist.evaluation.merging import combine
from atmodist.evaluation.metrics import Mean, Metric
from atmodist.learning.devices import Hardware, one_device
from atmodist.learning.networks import Generator
from atmodist.learning.resolution import bilinear, coarsen
from atmodist.learning.saved import file_of_epoch, restore
from atmodist.samples.normalise import Moments

Upscale = Callable[[Tensor], Tensor]


def choose_device(hardware: Hardware) -> torch.device:
    """One device, set to compute in float32 whatever its precision.

    The rounding of shorter formats is noise that would fill the smallest scales of the spectra.
    """
    device = one_device(replace(hardware, precision="32-true")).device
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    return device


def load_generator(weights: str | Path, epoch: int, settings: dict, variables: int) -> Generator:
    """The generator after an epoch of training, from the folder ``weights``; ``settings`` are its sizes."""
    generator = Generator(variables, **settings)
    restore(generator, file_of_epoch(weights, epoch), "generator")
    return generator.eval()


def upscaling(
    system: str, device: torch.device, weights: str | Path, epoch: int | None, settings: dict, variables: int
) -> Upscale | None:
    """How a system makes high from low resolution: not at all for "truth", by interpolation for "bilinear".

    Every other system is a generator; the last four arguments are those of `load_generator`.
    """
    if system == "truth":
        return None
    if system == "bilinear":
        return bilinear
    generator = load_generator(weights, epoch, settings, variables).to(device)
    return generator.super_resolve


@torch.inference_mode()
def estimate(truth: np.ndarray, moments: Moments, upscale: Upscale, device: torch.device) -> np.ndarray:
    """Super-resolved global fields (N, variable, H, W) of the true ones, in their units.

    The low resolution is the 4 x 4 mean of the normalised truth.
    """
    low = coarsen(moments.forward(torch.from_numpy(truth).to(device), axis=1))
    result = moments.inverse(upscale(low), axis=1).cpu().numpy()
    if not np.isfinite(result).all():
        raise InputError("the super-resolved fields are not finite everywhere: did the training diverge?")
    return result


def frames(
    fields: Fields,
    times: Sequence[int],
    moments: Moments,
    upscale: Upscale | None,
    device: torch.device,
) -> Iterator[tuple[xr.DataArray, xr.DataArray]]:
    """True and estimated fields at the given indices of time, as `metrics` want them."""
    for time in times:
        truth = fields.read(time)
        found = estimate(truth[None], moments, upscale, device)[0] if upscale else truth
        yield labelled(fields, time, truth), labelled(fields, time, found)


def evaluate(
    pairs: Iterable[tuple[xr.DataArray, xr.DataArray]],
    metrics: Callable[[], list[Metric]],
    start: np.datetime64,
    block_days: int,
    threads: int = 1,
) -> xr.Dataset:
    """Metrics over pairs of (truth, estimate) that come in order of time.

    Time is cut into blocks of ``block_days`` from ``start`` on, and fresh ``metrics()`` see each of them. The
    result has every `Mean` along ``block`` (its first day), every `Series` along ``time``, every `Total`
    once, and in ``frames`` their number in each block. It does not depend on ``threads``, which measure at
    once what each metric makes of the next few frames, while those after them are super-resolved.
    """
    start, length = start.astype("datetime64[D]"), np.timedelta64(block_days, "D")
    whole = None
    with ThreadPoolExecutor(threads) as pool:
        for block, members in groupby(pairs, lambda pair: (pair[0]["time"].values - start) // length):
            fresh = metrics()
            _measure(members, fresh, pool, ahead=ceil(threads / len(fresh)))
            day = [(start + block * length).astype("datetime64[ns]")]
            parts = [xr.Dataset({"frames": ("block", [fresh[0].frames])}, {"block": day})]
            for metric in fresh:
                result = metric.result()
                parts.append(result.expand_dims(block=day) if isinstance(metric, Mean) else result)
            part = xr.merge(parts, join="exact", compat="equals")
            whole = combine([part] if whole is None else [whole, part])
    return whole


def _measure(pairs, metrics, pool, ahead):
    """Add to each metric what it makes of each pair, in order; ``ahead`` pairs are waited for at most."""
    waiting = deque()

    def add_first():
        for metric, measured in zip(metrics, waiting.popleft(), strict=True):
            metric.add(measured.result())

    for pair in pairs:
        waiting.append([pool.submit(metric.measure, *pair) for metric in metrics])
        if len(waiting) > ahead:
            add_first()
    while waiting:
        add_first()
