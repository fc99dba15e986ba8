"""Pressure on the hybrid levels of ECMWF's model (IFS Documentation, part III, section 2.2.1)."""

from collections.abc import Iterable
from pathlib import Path

import ducc0
import numpy as np
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.data.grib import Field
from atmodist.data.spectral import synthesise, to_cilm


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


def pressure_series(fields: Iterable[Field], level: int, coefficients: np.ndarray) -> xr.Dataset:
    """``mean`` and ``mean_square`` (time, weight) over the sphere of the pressure on ``level``, in hPa.

    ``fields`` are logarithms of the surface pressure in Pa. The weight "area" is what one wants; "grid"
    counts each point of the Driscoll–Healy grid alike, and so the poles too much. ``InputError`` if there are
    none.
    """
    times, moments = [], []
    for field in fields:
        if field.variable != "log_surface_pressure":
            raise InputError(
                f"{field.variable} at {field.time} found where the log of surface pressure must be"
            )
        surface_pressure = np.exp(synthesise(to_cilm(field.coefficients)))
        here = pressure(surface_pressure, level, coefficients) / 100
        by_row = np.stack([here, here**2]).mean(axis=-1)
        area = ducc0.sht.get_gridweights("DH", by_row.shape[-1])
        times.append(field.time.astype("datetime64[ns]"))
        moments.append([by_row @ area / area.sum(), by_row.mean(axis=-1)])
    if not times:
        raise InputError(
            "there is no surface pressure, without which the level's cannot be told; expected files of it, "
            "with data.source files those of data.files.surface_pattern"
        )
    mean, square = np.moveaxis(np.array(moments), -1, 0)
    return xr.Dataset(
        {
            "mean": (
                ("time", "weight"),
                mean,
                {"units": "hPa", "long_name": "pressure, mean over the sphere"},
            ),
            "mean_square": (("time", "weight"), square, {"units": "hPa2", "long_name": "its mean square"}),
        },
        {"time": times, "weight": ["area", "grid"]},
        {"level": level},
    )


def pressure_statistics(series: xr.Dataset) -> dict[str, float]:
    """Mean and standard deviation in hPa over the sphere and the times of `pressure_series`.

    ``mean`` and ``std`` weigh by area, ``grid_mean`` and ``grid_std`` count each point of the grid alike.
    """
    over_time = series.mean("time")
    std = np.sqrt(over_time["mean_square"] - over_time["mean"] ** 2)
    return {
        f"{prefix}{name}": values.sel(weight=weight).item()
        for weight, prefix in (("area", ""), ("grid", "grid_"))
        for name, values in (("mean", over_time["mean"]), ("std", std))
    }
