"""Ratios of what was measured; imports nothing that only measures, because figures and the summary use it."""

import numpy as np
import xarray as xr


def log_error(estimate: xr.DataArray, truth: xr.DataArray, dimension: str) -> xr.DataArray:
    """Mean of |log10| of a ratio along a dimension: 0 is perfect, 1 is a factor of ten."""
    return abs(np.log10(estimate / truth)).mean(dimension)


def power_outside(zonal_power: xr.DataArray, truncation: int) -> xr.DataArray:
    """Share of the power of all waves, ``zonal_power`` (…, wavenumber), above the ``truncation``."""
    outside = zonal_power.sel(wavenumber=slice(truncation + 1, None)).sum("wavenumber")
    return outside / zonal_power.sel(wavenumber=slice(1, None)).sum("wavenumber")
