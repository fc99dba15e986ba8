"""Moments of the data and the transform that makes them fit for a network (Hoffmann & Lessig 2023, sect. 3).

Per variable, z = (x − μ)/σ and y = (sign(z)·log(1 + α|z|) − μ′)/σ′, where μ, σ are the moments of the
physical values x and μ′, σ′ those of the logarithm, over all pixels of the training data with equal weights.
"""

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.files import read_json, write_json


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
            if len(getattr(self, name)) != len(self.variables):
                raise InputError(f"{name} holds {len(getattr(self, name))} moments of {self.variables}")
        if not 0 < self.alpha < np.inf:
            raise InputError(f"alpha is {self.alpha}; expected a positive number")
        _check(self.variables, self.mean, self.std)
        _check([f"the logarithm of {name}" for name in self.variables], self.log_mean, self.log_std)

    def standardise(self, x, axis: int):
        """Physical values x → z of zero mean and unit variance."""
        mean, std = _along(axis, x, self.mean, self.std)
        return (x - mean) / std

    def forward(self, x, axis: int):
        """Physical values x, in the units of the moments, → normalised values y."""
        log_mean, log_std = _along(axis, x, self.log_mean, self.log_std)
        return (log_transform(self.standardise(x, axis), self.alpha) - log_mean) / log_std

    def log_inverse(self, y, axis: int):
        """Normalised values y → z, the standardised values."""
        log_mean, log_std = _along(axis, y, self.log_mean, self.log_std)
        logarithm = y * log_std + log_mean
        numerics = _library(y)
        return numerics.copysign(numerics.expm1(abs(logarithm)), logarithm) / self.alpha

    def inverse(self, y, axis: int):
        """Normalised values y → physical values x."""
        mean, std = _along(axis, y, self.mean, self.std)
        return self.log_inverse(y, axis) * std + mean

    def save(self, path: str | Path) -> None:
        """Write the moments as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> "Moments":
        """Read what ``save`` wrote; ``InputError`` if it is something else."""
        try:
            return cls(**read_json(path))
        except TypeError as error:
            raise InputError(
                f"{path} holds no moments ({error}); expected the JSON of compute_moments."
            ) from error


def _check(names, means, deviations):
    """Refuse moments that cannot normalise."""
    for name, mean, deviation in zip(names, means, deviations, strict=True):
        if not (np.isfinite(mean) and 0 < deviation < np.inf):
            raise InputError(
                f"{name} has mean {mean:.4g} and standard deviation {deviation:.4g}; expected finite numbers "
                "and a positive deviation: is a field missing, damaged or constant?"
            )


def log_transform(z, alpha: float):
    """sign(z)·log(1 + α|z|), which tames the heavy tails of z."""
    numerics = _library(z)
    return numerics.copysign(numerics.log1p(alpha * abs(z)), z)


def _library(x):
    """The module whose functions ``x`` takes."""
    of_torch = any(each.__module__.startswith("torch") for each in type(x).__mro__)  # subclasses, too
    return sys.modules["torch"] if of_torch else np


def _along(axis, x, *columns):
    """Per-variable numbers, each shaped to go along ``axis`` of ``x``, of its dtype and on its device."""
    shape = [1] * x.ndim
    shape[axis] = len(columns[0])
    library = _library(x)
    place = {"dtype": x.dtype} if library is np else {"dtype": x.dtype, "device": x.device}
    return [library.asarray(column, **place).reshape(shape) for column in columns]


def compute_moments(fields, alpha: float, threads: int = 1) -> Moments:
    """Moments of all times of ``fields``, a `data.store.Fields`.

    Two passes, first mean and standard deviation, then those of the log transform. Each reads ``threads``
    times at once and sums in float64 in an order that does not depend on ``threads``. A non-finite value or a
    constant variable raises ``InputError``.
    """
    mean, std = _mean_and_std(fields, lambda x, _: x, threads, "mean and standard deviation")
    _check(fields.variables, mean, std)
    mean_, std_ = mean.astype(np.float32), std.astype(np.float32)
    log_mean, log_std = _mean_and_std(
        fields, lambda x, v: log_transform((x - mean_[v]) / std_[v], alpha), threads, "log transform"
    )
    start, end = fields.time[[0, -1]].astype("datetime64[h]").astype(str)
    return Moments(
        variables=list(fields.variables),
        mean=mean.tolist(),
        std=std.tolist(),
        log_mean=log_mean.tolist(),
        log_std=log_std.tolist(),
        alpha=alpha,
        samples=math.prod(fields.shape[1:]),
        start=str(start),
        end=str(end),
    )


def _mean_and_std(fields, transform, threads, description):
    """Mean and standard deviation of ``transform(values, variable)`` of each variable."""
    from atmodist.core.job import progress

    def of_time(time):
        with np.errstate(invalid="ignore"):  # the caller reports what is not finite
            return [_mean_and_variance(field, transform, v) for v, field in enumerate(fields.read(time))]

    times = range(len(fields.time))
    with ThreadPoolExecutor(threads) as pool:
        each = list(progress(pool.map(of_time, times), description, len(times)))
    mean, variance = np.moveaxis(each, -1, 0)  # (time, variable)
    with np.errstate(invalid="ignore"):
        return mean.mean(0), np.sqrt(variance.mean(0) + mean.var(0))


def _mean_and_variance(field, transform, variable, rows=16):
    """Mean and variance of a transformed field, some ``rows`` at a time, so that they stay in the cache."""
    shift = np.float64(transform(field[:1, :1], variable)[0, 0])  # keeps the sums of squares small
    total = square = 0.0
    for first in range(0, len(field), rows):
        values = transform(field[first : first + rows], variable) - shift
        total += values.sum()
        square += np.square(values, out=values).sum()
    mean = total / field.size
    return shift + mean, square / field.size - mean**2
