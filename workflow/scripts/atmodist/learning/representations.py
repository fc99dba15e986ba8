"""What a trained encoder makes of whole fields, as if the sphere had no edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5netcdf
import numpy as np
import torch
from torch import Tensor

from atmodist.core.errors import InputError
from atmodist.core.files import replacing
from atmodist.learning.networks import Encoder
from atmodist.learning.resolution import pad_sphere

STRIDE = 32
"""Pixels of a field to a pixel of its representation."""


@torch.inference_mode()
def represent(encoder: Encoder, field: Tensor, halo: int) -> Tensor:
    """Output of the encoder's last stage, D×H/32×W/32, of a normalised global field C×H×W.

    The field is continued by ``halo`` pixels, a multiple of 32, around the sphere and over the poles, in
    place of the zeros that a convolution would see there.
    """
    edge = halo // STRIDE
    return encoder(pad_sphere(field, halo)[None])[0, :, edge:-edge, edge:-edge]


@contextmanager
def writing(
    path: str | Path, times: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, channels: int
) -> Iterator[h5netcdf.Variable]:
    """A NetCDF file's ``representation`` (time, channel, latitude, longitude), to be filled time by time.

    ``latitude`` and ``longitude`` are those of the fields; the representation's are the means of 32. Numbers
    of rows or columns that 32 does not divide raise ``InputError``: the sphere cannot be gone round in such
    steps, and what a convolution makes of its first and last pixels would not meet.
    """
    if len(latitude) % STRIDE or len(longitude) % STRIDE:
        raise InputError(
            f"{path}: the fields have {len(latitude)} rows and {len(longitude)} columns; expected multiples "
            f"of {STRIDE}, the pixels of a field to one of a representation (data.truncation 31, 63, 639 …)"
        )
    means = [each.reshape(-1, STRIDE).mean(1) for each in (latitude, longitude)]
    coordinates = {
        "time": (times.astype("datetime64[h]").astype(int), "hours since 1970-01-01"),
        "channel": (np.arange(channels), "1"),
        "latitude": (means[0], "degrees_north"),
        "longitude": (means[1], "degrees_east"),
    }
    with replacing(path) as partial, h5netcdf.File(partial, "w") as file:
        file.dimensions = {name: len(values) for name, (values, _) in coordinates.items()}
        for name, (values, units) in coordinates.items():
            variable = file.create_variable(name, (name,), values.dtype, data=values)
            variable.attrs["units"] = units
        shape = channels, len(means[0]), len(means[1])
        yield file.create_variable(
            "representation", tuple(coordinates), "f4", chunks=(1, *shape), compression="gzip", shuffle=True
        )
