"""Super-resolution of whole atmospheres and the stream of metrics over it, in bounded memory and in any shards."""

from collections.abc import Callable, Iterable, Iterator
from itertools import batched, groupby
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from atmodist.errors import InputError
from atmodist.files import replacing
from atmodist.metrics import Mean, Metric, Series
from atmodist.networks import Generator
from atmodist.normalise import Moments
from atmodist.resolution import bilinear, coarsen, super_resolve
from atmodist.store import Fields

Upscale = Callable[[torch.Tensor], torch.Tensor]


def load_generator(path: str | Path, settings: dict, variables: int, device: torch.device) -> Upscale:
    """Super-resolution of global fields by the generator whose state ``path`` holds; ``settings`` are its sizes.

    It works in float32 whatever the precision of the training was: the rounding of shorter formats is noise that
    would fill the spectrum's smallest scales.
    """
    generator = Generator(variables, **settings).to(device).eval()
    state = torch.load(path, map_location=device, weights_only=True)
    try:
        generator.load_state_dict(state["generator"])
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path} does not hold the generator that the config describes: {error}") from error
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return lambda low: super_resolve(generator, low, generator.halo)


def upscaling(
    system: str,
    weights: str | Path | None = None,
    epoch: int | None = None,
    settings: dict | None = None,
    variables: int = 2,
    device: torch.device | str = "cpu",
) -> Upscale | None:
    """How a system makes high from low resolution: None for "truth", interpolation for "bilinear", else a network.

    ``weights`` is the folder with a file for each epoch of a network's training.
    """
    if system == "truth":
        return None
    if system == "bilinear":
        return bilinear
    path = Path(weights) / f"epoch-{epoch:03d}.pt"
    if not path.exists():
        raise InputError(f"{path} is missing: epoch {epoch} is to be evaluated, but the training made no such file")
    return load_generator(path, settings, variables, torch.device(device))


def frames(
    fields: Fields,
    times: Iterable[int],
    moments: Moments,
    upscale: Upscale | None,
    batch_size: int = 1,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[xr.DataArray, xr.DataArray]]:
    """True and estimated fields at the given indices of time, as `metrics` want them.

    The low resolution is the 4 x 4 mean of the normalised truth; what is compared is de-normalised, in s-1.
    """
    for batch in batched(times, batch_size):
        truth = np.stack([fields.read(index) for index in batch])
        estimate = truth
        if upscale:
            with torch.inference_mode():
                high = upscale(coarsen(moments.forward(torch.from_numpy(truth).to(device), axis=1)))
                estimate = moments.inverse(high, axis=1).cpu().numpy()
        if not np.isfinite(estimate).all():
            raise InputError(f"the estimate for {fields.time[list(batch)]} is not finite everywhere")
        for index, *pair in zip(batch, truth, estimate, strict=True):
            yield tuple(labelled(fields, index, values) for values in pair)


def labelled(fields: Fields, index: int, values: np.ndarray) -> xr.DataArray:
    """Values (variable, latitude, longitude) at an index of time with the coordinates of ``fields``."""
    return xr.DataArray(
        values,
        {
            "variable": list(fields.variables),
            "latitude": ("latitude", fields.latitude, {"units": "degrees_north"}),
            "longitude": ("longitude", fields.longitude, {"units": "degrees_east"}),
            "time": fields.time[index].astype("datetime64[ns]"),
        },
        ("variable", "latitude", "longitude"),
        attrs={"units": "s-1"},
    )


def evaluate(
    pairs: Iterable[tuple[xr.DataArray, xr.DataArray]],
    metrics: Callable[[], list[Metric]],
    start: np.datetime64,
    block_days: int,
) -> xr.Dataset:
    """Metrics over pairs of (truth, estimate) that come in order of time.

    Time is cut into blocks of ``block_days`` from ``start``, and fresh ``metrics()`` see each. The result has
    every `Mean` along ``block`` (a block's first day), every `Series` along ``time`` and every `Total` once, and
    ``frames``, the number in each block.
    """
    start = np.datetime64(start, "D")
    length = np.timedelta64(block_days, "D")
    total = None
    for block, members in groupby(pairs, lambda pair: (pair[0]["time"].values - start) // length):
        fresh = metrics()
        for truth, estimate in members:
            for metric in fresh:
                metric.update(truth, estimate)
        day = (start + block * length).astype("datetime64[ns]")
        results = [xr.Dataset({"frames": ("block", [fresh[0].frames])}, {"block": [day]})]
        for metric in fresh:
            result = metric.result()
            results.append(result.expand_dims(block=[day]) if isinstance(metric, Mean) else result)
        part = xr.merge(results, combine_attrs="drop_conflicts", join="exact", compat="equals")
        total = part if total is None else combine([total, part])
    return total


def combine(parts: list[xr.Dataset]) -> xr.Dataset:
    """Join evaluations of separate spans of time: blocks and series end to end, totals added.

    Nothing is rounded, so the result is that of one evaluation over the whole span, bit for bit.
    """
    parts = sorted(parts, key=lambda part: part["block"].values[0])
    if len(np.unique(np.concatenate([part["block"] for part in parts]))) < sum(part.sizes["block"] for part in parts):
        raise InputError("two shards of the evaluation hold the same block of time; a shard must hold whole blocks")
    joined = []
    for dimension in ("block", "time"):
        names = [name for name, values in parts[0].items() if dimension in values.dims]
        joined.append(xr.concat([part[names] for part in parts], dimension, join="exact") if names else xr.Dataset())
    names = [name for name, values in parts[0].items() if not {"block", "time"} & set(values.dims)]
    joined.append(sum((part[names] for part in parts[1:]), start=parts[0][names]))
    return xr.merge(joined, join="exact", compat="equals").assign_attrs(parts[0].attrs)
