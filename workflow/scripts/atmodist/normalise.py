"""Moments of the data and the transform that makes them fit for a network (Hoffmann & Lessig 2023, sect. 3).

Per variable, z = (x − μ)/σ and y = (sign(z)·log(1 + α|z|) − μ′)/σ′, where μ, σ are the moments of the
physical values x and μ′, σ′ those of the logarithm, over all pixels of the training data with equal weights.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from atmodist.errors import InputError
from atmodist.files import write_json


@dataclass(frozen=True)
class Moments:
    """μ, σ, μ′, σ′ of each variable, and α. Its methods take floating NumPy arrays and torch tensors alike.

    ``axis`` is the axis of the variables; dtype, shape and device of the input are kept.
    """

    variables: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    log_mean: tuple[float, ...]
    log_std: tuple[float, ...]
    alpha: float
    samples: int = 0
    start: str = ""
    end: str = ""

    def __post_init__(self):
        for name in ("variables", "mean", "std", "log_mean", "log_std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        numbers = np.array([self.mean, self.std, self.log_mean, self.log_std])
        for variable, column in zip(self.variables, numbers.T, strict=True):
            if not np.isfinite(column).all() or column[1] <= 0 or column[3] <= 0:
                raise InputError(
                    f"{variable} has mean {column[0]:.4g}, standard deviation {column[1]:.4g} and, of its "
                    f"logarithm, {column[2]:.4g} and {column[3]:.4g}; expected finite numbers and positive "
                    "deviations: is a field missing, damaged or constant?"
                )

    def standardise(self, x, axis: int):
        """Physical values x in s-1 → z of zero mean and unit variance."""
        mean, std = _along(axis, x, self.mean, self.std)
        return (x - mean) / std

    def forward(self, x, axis: int):
        """Physical values x in s-1 → normalised values y."""
        log_mean, log_std = _along(axis, x, self.log_mean, self.log_std)
        return (log_transform(self.standardise(x, axis), self.alpha) - log_mean) / log_std

    def log_inverse(self, y, axis: int):
        """Normalised values y → z, the standardised values."""
        log_mean, log_std = _along(axis, y, self.log_mean, self.log_std)
        logarithm = y * log_std + log_mean
        numerics = _library(y)
        return numerics.sign(logarithm) * numerics.expm1(abs(logarithm)) / self.alpha

    def inverse(self, y, axis: int):
        """Normalised values y → physical values x in s-1."""
        mean, std = _along(axis, y, self.mean, self.std)
        return self.log_inverse(y, axis) * std + mean

    def save(self, path: str | Path) -> None:
        """Write the moments as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> "Moments":
        """Read what ``save`` wrote; ``InputError`` if it is something else."""
        try:
            return cls(**json.loads(Path(path).read_text()))
        except (OSError, TypeError, json.JSONDecodeError) as error:
            raise InputError(
                f"{path} holds no moments ({error}); expected the JSON of compute_moments."
            ) from error


def log_transform(z, alpha: float):
    """sign(z)·log(1 + α|z|), which tames the heavy tails of z."""
    numerics = _library(z)
    return numerics.sign(z) * numerics.log1p(alpha * abs(z))


def _library(x):
    """Torch for a tensor, NumPy for everything that obeys its functions (xarray and dask too)."""
    return sys.modules["torch"] if type(x).__module__.startswith("torch") else np


def _along(axis, x, *columns):
    """Per-variable numbers, each shaped to go along ``axis`` of ``x``, of its dtype and on its device."""
    shape = [1] * x.ndim
    shape[axis] = len(columns[0])
    library = _library(x)
    place = {"dtype": x.dtype} if library is np else {"dtype": x.dtype, "device": x.device}
    return [library.asarray(column, **place).reshape(shape) for column in columns]


def compute_moments(fields, alpha: float, threads: int = 1) -> Moments:
    """Moments of ``fields``, a dask-backed ``xarray.DataArray`` (variable, time, latitude, longitude) in s-1.

    Two passes, each over one chunk per thread at a time and summed in float64 in an order that the chunks
    alone decide: first mean and standard deviation, then those of the log transform. A non-finite value or a
    constant variable raises ``InputError``.
    """
    import dask
    from tqdm.dask import TqdmCallback

    def moments(x, description):
        pixels = ("time", "latitude", "longitude")
        lazy = [getattr(x, name)(pixels, dtype=np.float64, skipna=False) for name in ("mean", "std")]
        bar = TqdmCallback(desc=description, mininterval=5, ascii=True, file=sys.stderr)
        with bar, np.errstate(invalid="ignore"):
            return dask.compute(*lazy, scheduler="threads", num_workers=threads)

    mean, std = moments(fields, "mean and standard deviation")
    log_mean, log_std = moments(
        log_transform((fields - mean.astype(fields.dtype)) / std.astype(fields.dtype), alpha), "log transform"
    )
    start, end = fields["time"].values[[0, -1]].astype("datetime64[h]").astype(str)
    return Moments(
        variables=[str(name) for name in fields["variable"].values],
        mean=mean.values.tolist(),
        std=std.values.tolist(),
        log_mean=log_mean.values.tolist(),
        log_std=log_std.values.tolist(),
        alpha=alpha,
        samples=fields[0].size,
        start=str(start),
        end=str(end),
    )
