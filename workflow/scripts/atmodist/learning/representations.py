"""What a trained encoder makes of whole fields, which are continued around the sphere and over the poles."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5netcdf
import numpy as np
import torch
from torch import Tensor

from atmodist.core import netcdf
from atmodist.core.errors import InputError
from atmodist.learning.networks import Encoder
from atmodist.learning.resolution import pad_sphere
from atmodist.learning.sizes import stride


@torch.inference_mode()
def represent(encoder: Encoder, field: Tensor, layer: str, halo: int) -> Tensor:
    """Output of an encoder's layer, D×H/s×W/s with s its `stride`, of a normalised global field C×H×W.

    The field is continued by ``halo`` pixels, a multiple of s, around the sphere and over the poles, in place
    of the zeros that a convolution would see there; a deep layer reaches farther than a halo of one patch
    and sees zeros beyond it.
    """
    edge = halo // stride(layer)
    return encoder.features(pad_sphere(field, halo)[None], layer)[0, :, edge:-edge, edge:-edge]


@contextmanager
def writing(
    path: str | Path,
    times: np.ndarray,
    latitude: np.ndarray,
    longitude: np.ndarray,
    channels: int,
    layer: str,
) -> Iterator[Callable[[int, np.ndarray], None]]:
    """A NetCDF file's ``representation`` (time, channel, latitude, longitude), to be filled time by time.

    Yields what writes a time, given its number and its values D×H/s×W/s; a full disk raises ``InputError``.

    ``latitude`` and ``longitude`` are those of the fields; the representation's are the means of as many as
    the `stride` of the layer. Numbers of rows or columns that it does not divide raise ``InputError``: steps
    of that size do not lead around the sphere, and what a convolution makes of its first and last pixels
    would not meet.
    """
    step = stride(layer)
    if len(latitude) % step or len(longitude) % step:
        raise InputError(
            f"{path}: the fields have {len(latitude)} rows and {len(longitude)} columns; expected multiples "
            f"of {step}, the pixels of a field to one of {layer} (such as those of truncation 31, 63 or 639)"
        )
    means = [each.reshape(-1, step).mean(1) for each in (latitude, longitude)]
    coordinates = {
        "time": (times.astype("datetime64[h]").astype(int), "hours since 1970-01-01"),
        "channel": (np.arange(channels), "1"),
        "latitude": (means[0], "degrees_north"),
        "longitude": (means[1], "degrees_east"),
    }
    with netcdf.creating(path) as (disk, check_disk), h5netcdf.File(disk, "w") as file:
        file.attrs["layer"] = layer
        file.dimensions = {name: len(values) for name, (values, _) in coordinates.items()}
        for name, (values, units) in coordinates.items():
            variable = file.create_variable(name, (name,), values.dtype, data=values)
            variable.attrs["units"] = units
        shape = channels, len(means[0]), len(means[1])
        written = file.create_variable(
            "representation", tuple(coordinates), "f4", chunks=(1, *shape), compression="gzip", shuffle=True
        )

        def write(number: int, values: np.ndarray) -> None:
            written[number] = values
            check_disk()

        yield write
