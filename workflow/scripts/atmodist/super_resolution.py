"""A trained generator on coarse fields of your own: four times the resolution, around the globe, no seam."""

from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from atmodist import model_folder
from atmodist.core.errors import InputError
from atmodist.data.regular_grid import RegularGrid, to_cell_centres
from atmodist.evaluation import maps
from atmodist.global_fields import canonical, check_unit, from_north
from atmodist.learning.sizes import UPSCALING


def super_resolve(folder: str | Path, low: xr.DataArray, device: str | torch.device = "cpu") -> xr.DataArray:
    """Fields at four times the resolution, as a generator makes them.

    Args:
        folder: the generator's model folder, e.g. ``results/era5/models/srgan/atmodist``.
        low: global fields of the model's variables, in its units, along ``variable`` (any order), latitude,
            longitude and perhaps time, on a regular grid four times as coarse as the training data, within
            20 %. On a grid with rows on the poles they are first moved to the centres of the cells through
            spectral space.
        device: where to compute.

    Returns:
        The same fields along time, if there is one, variable, latitude and longitude; each coarse cell has
        become 4 × 4 cells.

    In training the low resolution is the 4 × 4 mean of the *normalised* fields (`low_resolution` makes it);
    coarse fields of another origin are normalised as they are. Since the normalisation compresses large
    values, a mean of physical values is normalised a little larger than that: the generator then sees
    slightly stronger extremes than it was trained on.

    ``InputError`` in one sentence if variables, units, grid or model do not fit.
    """
    generator, config = model_folder.load(folder)
    if config.kind != "generator":
        raise InputError(
            f"{folder} holds the {config.kind} model {config.name}; expected the generator of a "
            "super-resolution model."
        )
    fields = _in_order(low, config, "the low resolution")
    grid = RegularGrid.of(fields["latitude"].values, fields["longitude"].values, "the low resolution")
    for axis, spacing in grid.spacings.items():
        config.check_spacing(spacing, UPSCALING, axis)
    if grid.columns % 2:
        raise InputError(f"the low resolution has {grid.columns} columns; expected an even number.")
    generator = generator.to(device)
    has_time = "time" in fields.dims
    if has_time and not fields.sizes["time"]:
        raise InputError("the low resolution holds no times; expected one at least.")
    frames = [fields.isel(time=index) for index in range(fields.sizes["time"])] if has_time else [fields]
    high, centres = [], grid
    for frame in frames:
        values = np.asarray(frame.values, np.float32)
        config.check_fields(values)
        if not grid.centred:
            moved = [to_cell_centres(each, grid) for each in values]
            values, centres = np.stack([each for each, _ in moved]).astype(np.float32), moved[0][1]
        # In TF32, PyTorch's default for convolutions on GPUs, rounding would fill the smallest scales.
        with torch.inference_mode(), _float32():
            normalised = config.moments.forward(torch.from_numpy(values)[None], axis=1).to(device)
            found = generator.super_resolve(normalised)
            high.append(config.moments.inverse(found, axis=1)[0].cpu().numpy())
    coordinates = {
        "variable": list(config.variables),
        **{name: each for name, each in fields.coords.items() if set(each.dims) <= {"time"}},
        "latitude": ("latitude", _split(centres.latitude, -centres.spacing), {"units": "degrees_north"}),
        "longitude": (
            "longitude",
            _split(centres.longitude, 360 / centres.columns),
            {"units": "degrees_east"},
        ),
    }
    array = np.stack(high) if has_time else high[0]
    result = xr.DataArray(array, coordinates, fields.dims, name=low.name, attrs=dict(low.attrs))
    original = canonical(low)
    if original["latitude"][0] < original["latitude"][-1]:
        result = result.isel(latitude=slice(None, None, -1))
    return result.sel(variable=original["variable"].values).transpose(*original.dims)


def low_resolution(folder: str | Path, high: xr.DataArray) -> xr.DataArray:
    """What the generator of a model folder was trained on: 4 × 4 means of normalised fields, denormalised.

    ``high`` holds fields along ``variable``, latitude, longitude and perhaps time. A number of rows or
    columns that 4 does not divide raises ``InputError``.
    """
    config = model_folder.read_config(folder)
    fields = _in_order(high, config, "the high resolution")
    for name in ("latitude", "longitude"):
        if fields.sizes[name] % UPSCALING:
            raise InputError(
                f"the fields have {fields.sizes[name]} points of {name}; expected a multiple of 4."
            )
    ordered = fields.transpose("variable", ...)
    if not np.isfinite(ordered).all():
        raise InputError(
            "the high resolution holds values that are missing or not finite; expected finite ones."
        )
    return maps.low_resolution(ordered, config.moments).transpose(*fields.dims)


def _in_order(data: xr.DataArray, config: model_folder.ModelConfig, name: str) -> xr.DataArray:
    """Fields along (time,) variable, latitude from north, longitude; the variables in the model's order."""
    if not isinstance(data, xr.DataArray):
        raise InputError(f"{name} is a {type(data).__name__}; expected a DataArray of xarray.")
    data = canonical(data)
    for unit in set(config.units):
        check_unit(data, unit, name)
    known = {"time", "variable", "latitude", "longitude"}
    if not {"variable", "latitude", "longitude"} <= set(data.dims) <= known:
        raise InputError(
            f"{name} has the dimensions {', '.join(map(str, data.dims))}; expected variable, latitude, "
            "longitude and perhaps time."
        )
    names = [str(each) for each in data["variable"].values]
    if sorted(names) != sorted(config.variables):
        config.check_variables(names)
    return from_north(data).sel(variable=list(config.variables))


def _float32() -> AbstractContextManager:
    """Convolutions in float32; all else of cuDNN is as the user has it."""
    cudnn = torch.backends.cudnn
    own = {"benchmark": cudnn.benchmark, "deterministic": cudnn.deterministic}
    return cudnn.flags(enabled=cudnn.enabled, allow_tf32=False, **own)


def _split(centres: np.ndarray, step: float) -> np.ndarray:
    """Centres of the four cells that each cell of this width is cut into."""
    parts = (np.arange(UPSCALING) - (UPSCALING - 1) / 2) / UPSCALING
    return (centres[:, None] + step * parts).ravel()
