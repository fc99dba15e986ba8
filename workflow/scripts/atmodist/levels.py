"""Pressure on the hybrid levels of ECMWF's model (IFS Documentation, part III, section 2.2.1)."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pyshtools.utils import DHaj

from atmodist.errors import InputError
from atmodist.grib import Field
from atmodist.spectral import synthesise, to_cilm


def read_coefficients(path: str | Path) -> np.ndarray:
    """Coefficients a in Pa and b of the half levels, top first, from a CSV file: (2, levels + 1)."""
    return np.loadtxt(path, delimiter=",", skiprows=1, usecols=(1, 2), unpack=True)


def pressure(surface_pressure: np.ndarray, level: int, coefficients: np.ndarray) -> np.ndarray:
    """Pressure on full ``level`` (1 is the top one) in the unit of the surface pressure, which is Pa.

    It is the mean of the two half levels k − 1 and k that enclose level k.
    """
    levels = coefficients.shape[1] - 1
    if not 1 <= level <= levels:
        raise InputError(f"model level {level} does not exist; there are the levels 1 to {levels}")
    a, b = coefficients[:, level - 1 : level + 1].mean(axis=1)
    return a + b * surface_pressure


def pressure_statistics(fields: Iterable[Field], level: int, coefficients: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation in Pa of the pressure on ``level``, over the sphere and the times.

    ``fields`` are logarithms of the surface pressure. ``mean`` and ``std`` weigh by area; ``grid_mean`` and
    ``grid_std`` count each point of the Driscoll–Healy grid alike, and so the poles too much.
    """
    totals = np.zeros((2, 2))
    reference = pressure(1e5, level, coefficients)
    count = 0
    for field in fields:
        if field.variable != "log_surface_pressure":
            raise InputError(
                f"{field.variable} at {field.time} found where the log of surface pressure must be"
            )
        surface_pressure = np.exp(synthesise(to_cilm(field.coefficients)))
        anomaly = pressure(surface_pressure, level, coefficients) - reference
        by_row = np.stack([anomaly, anomaly**2]).mean(axis=-1)
        area = DHaj(by_row.shape[-1])
        totals += [by_row @ area / area.sum(), by_row.mean(axis=-1)]
        count += 1
    (mean, square), (grid_mean, grid_square) = totals / count
    return {
        "mean": float(reference + mean),
        "std": float(np.sqrt(square - mean**2)),
        "grid_mean": float(reference + grid_mean),
        "grid_std": float(np.sqrt(grid_square - grid_mean**2)),
    }
