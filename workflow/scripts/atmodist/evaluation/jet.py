"""The jet over a sector: its latitude and speed from day to day (Woollings, Hannachi & Hoskins 2010).

Woollings et al., Quarterly Journal of the Royal Meteorological Society 136, 856, doi:10.1002/qj.625: the
zonal wind of the lower troposphere, averaged over the longitudes of a sector and over the day, is smoothed
with a 10-day low-pass; its maximum is the jet. The original takes four pressure levels, 925 to 700 hPa; here
it is the data's one level, which on ERA5's level 120 lies among them.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.data import points, spectral

DAY = np.timedelta64(1, "D")
YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Sector:
    """A box in degrees, ``latitude`` from south to north, ``longitude`` from west to east.

    It may lie across longitude 0; longitudes count from -180 or from 0, as one likes.
    """

    latitude: tuple[float, float]
    longitude: tuple[float, float]

    def rows(self, latitude: np.ndarray) -> np.ndarray:
        """Numbers of the rows at these latitudes that lie inside."""
        return np.flatnonzero((latitude >= self.latitude[0]) & (latitude <= self.latitude[1]))

    def mean(self, values: np.ndarray, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Values (…, H, W) at the rows inside, averaged over the columns inside: (…, rows).

        ``InputError`` if the sector holds no point of the grid.
        """
        width = self.longitude[1] - self.longitude[0]
        rows, columns = self.rows(latitude), np.flatnonzero((longitude - self.longitude[0]) % 360 <= width)
        if not (rows.size and columns.size):
            step = abs(latitude[1] - latitude[0])
            raise InputError(
                f"no point of a grid with rows {step:g}° apart lies in the sector {self.latitude[0]}° to "
                f"{self.latitude[1]}° N, {self.longitude[0]}° to {self.longitude[1]}° E; make it larger."
            )
        return values[..., rows[:, None], columns].mean(axis=-1)


def sector_wind(
    vorticity: np.ndarray, divergence: np.ndarray, sector: Sector
) -> tuple[np.ndarray, np.ndarray]:
    """Zonal wind in m s-1 on a sector's rows, averaged over its longitudes, from packed coefficients in s-1.

    Returns the latitudes of the rows (rows,), from north to south, and the wind (rows,).
    """
    cilm = [spectral.to_cilm(each) for each in (vorticity, divergence)]
    grid = points.grid_truncation(cilm[0].shape[-1] - 1)
    eastward, _ = spectral.winds(*cilm, grid)
    latitude, longitude = spectral.latitudes(grid), spectral.longitudes(grid)
    return latitude[sector.rows(latitude)], sector.mean(eastward, latitude, longitude)


def daily_means(wind: xr.DataArray) -> xr.DataArray:
    """Means over whole days of a wind along ``time``; a day of fewer times than most is left out."""
    day = wind["time"].values.astype("datetime64[D]")
    days, counts = np.unique(day, return_counts=True)
    whole = days[counts == counts.max()].astype("datetime64[ns]")
    return wind.assign_coords(time=day.astype("datetime64[ns]")).groupby("time").mean().sel(time=whole)


def lanczos_weights(window: int, cutoff: float) -> np.ndarray:
    """Weights (window,) of the Lanczos low-pass that keeps periods above ``cutoff`` days; their sum is 1.

    Duchon (1979), Journal of Applied Meteorology 18, 1016, equations 9 and 12: the ideal filter's weights
    sin(2πfk)/(πk), tapered by the sinc of k/n, n one more than the last of the ``window``, an odd number.
    """
    n = window // 2 + 1
    k = np.arange(-n + 1, n)
    weights = 2 / cutoff * np.sinc(2 * k / cutoff) * np.sinc(k / n)
    return weights / weights.sum()


def low_pass(series: xr.DataArray, window: int, cutoff: float) -> xr.DataArray:
    """A daily series along ``time`` after `lanczos_weights`, at days whose whole ``window`` is there.

    Where days are missing, each run of days that follow each other is smoothed by itself.
    """
    weights, half = lanczos_weights(window, cutoff), window // 2
    parts = []
    for run in runs(series["time"].values):
        part = series.isel(time=run).transpose("time", ...)
        if len(part) >= window:
            windows = np.lib.stride_tricks.sliding_window_view(part.values, window, axis=0)
            parts.append(part[half : len(part) - half].copy(data=windows @ weights))
    if not parts:
        raise InputError(
            f"no run of days is as long as the low-pass filter, {window} days; expected a longer period."
        )
    return xr.concat(parts, "time")


def runs(days: np.ndarray) -> list[slice]:
    """Slices of days that follow each other, of sorted days."""
    breaks = np.flatnonzero(np.diff(days.astype("datetime64[D]")) != DAY) + 1
    edges = [0, *breaks, len(days)]
    return [slice(first, last) for first, last in pairwise(edges)]


def maximum(wind: xr.DataArray) -> xr.Dataset:
    """``latitude`` and ``speed`` of the maximum of a wind (time, latitude): the vertex of a parabola.

    The parabola goes through the greatest value and its two neighbours, since jets move by less than a row of
    a coarse grid; a maximum at the sector's edge stays there. Fewer than three rows raise ``InputError``.
    """
    if wind.sizes["latitude"] < 3:
        raise InputError(
            f"the jet's sector has {wind.sizes['latitude']} rows of the grid; expected at least three, among "
            "which a wind can have a maximum."
        )
    values, degrees = wind.transpose("time", "latitude").values, wind["latitude"].values
    day, row = np.arange(len(values)), values.argmax(axis=1)
    middle = row.clip(1, len(degrees) - 2)
    before, here, after = (values[day, middle + step] for step in (-1, 0, 1))
    curvature = before - 2 * here + after
    inner = (row == middle) & (curvature < 0)
    shift = np.where(inner, (before - after) / np.where(inner, 2 * curvature, 1), 0)
    latitude = np.where(inner, degrees[middle] + shift * (degrees[1] - degrees[0]), degrees[row])
    speed = np.where(inner, here - (before - after) * shift / 4, values[day, row])
    return xr.Dataset(
        {
            "latitude": ("time", latitude, {"units": "degrees_north", "long_name": "latitude of the jet"}),
            "speed": ("time", speed, {"units": "m s-1", "long_name": "speed of the jet"}),
        },
        {"time": wind["time"].values},
    )


def seasonal_cycle(series: xr.DataArray, harmonics: int) -> xr.DataArray:
    """Mean and lowest ``harmonics`` of the year that fit a series along ``time`` best, at its days."""
    day = (series["time"].values - series["time"].values.astype("datetime64[Y]")) / DAY
    phase = 2 * np.pi * np.outer(np.arange(1, harmonics + 1), day) / YEAR_DAYS
    basis = np.vstack([np.ones(len(day)), np.cos(phase), np.sin(phase)]).T
    coefficients, *_ = np.linalg.lstsq(basis, series.values, rcond=None)
    return series.copy(data=basis @ coefficients)


def index(wind: xr.DataArray, window: int, cutoff: float, harmonics: int) -> xr.Dataset:
    """The jet of each day from a wind (time, latitude) in m s-1, at any number of times a day.

    Returns:
        along ``time``, the days on which the whole low-pass window is there: ``latitude`` and ``speed`` of
        the jet, their ``_cycle`` through the year, their ``_anomaly``, and ``_daily``, the anomaly from the
        same cycle of that day's own jet, without the low-pass that looks ahead.
    """
    daily = daily_means(wind)
    jet, of_the_day = maximum(low_pass(daily, window, cutoff)), maximum(daily)
    for name in ("latitude", "speed"):
        meaning = jet[name].attrs["long_name"]
        cycle = seasonal_cycle(jet[name], harmonics)
        own = of_the_day[name].sel(time=jet["time"])
        units = "degrees" if name == "latitude" else jet[name].attrs["units"]
        jet[f"{name}_cycle"] = cycle.assign_attrs(jet[name].attrs, long_name=f"{meaning} in that season")
        for kind, values, which in (("anomaly", jet[name], "anomaly"), ("daily", own, "daily anomaly")):
            about = {"units": units, "long_name": f"{meaning}, {which}"}
            jet[f"{name}_{kind}"] = (values - cycle).assign_attrs(about)
    return jet
