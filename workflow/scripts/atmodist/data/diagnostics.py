"""How an atmosphere behaves: its strength, energy spectrum, memory and daily cycle, from its coefficients.

Everything is summed while the fields stream by; only the fields of the longest lag are held, however long the
atmosphere is.
"""

from collections.abc import Iterable, Iterator

import ducc0
import numpy as np
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.data import spectral
from atmodist.data.grib import Field
from atmodist.data.variables import FIELDS, WIND

HOURS_OF_DAY = np.arange(0, 24, 0.5)
HARMONICS = 6
"""Harmonics of the day that the daily cycle keeps: down to 4 h."""


def group_by_time(fields: Iterable[Field]) -> Iterator[tuple[np.datetime64, np.ndarray]]:
    """Each time with its packed divergence and vorticity, (2, (T+1)(T+2)/2), as soon as both have come."""
    waiting = {}
    for field in fields:
        if field.variable not in WIND:
            continue
        known = waiting.setdefault(field.time, {})
        known[field.variable] = field.coefficients
        if all(variable in known for variable in WIND):
            yield field.time, np.stack([known[variable] for variable in WIND])
            del waiting[field.time]
    for time, known in waiting.items():
        raise InputError(f"{time} has {', '.join(known)} alone; both of {', '.join(WIND)} are expected")


class Diagnostics:
    """Running sums over times that follow each other in steps of ``step_hours``; a gap is no lag."""

    def __init__(self, truncation: int, step_hours: int, longest_lag_hours: int = 93):
        self.truncation = truncation
        self.step = np.timedelta64(step_hours, "h")
        self.lags = np.arange(longest_lag_hours // step_hours + 1)
        n, m = spectral.degrees_and_orders(truncation)
        self._weight = np.where(m, np.sqrt(2), 1)
        size = 2 * n.size
        self._recent = np.zeros((self.lags.size, len(WIND), size), np.float32)
        self._products = np.zeros((self.lags.size, len(WIND)))
        self._pairs = np.zeros(self.lags.size, int)
        self._sum = np.zeros((len(WIND), size))
        self._power = np.zeros((len(WIND), truncation + 1))
        self._cycle = np.zeros(min(HARMONICS, truncation) + 1, complex)
        self._unbroken = 0
        self.times, self.mean_squares = [], []

    def update(self, time: np.datetime64, coefficients: np.ndarray) -> None:
        """Take one more time into account: packed divergence and vorticity (2, …) in s⁻¹."""
        weighted = (coefficients * self._weight).view(float)
        if not self.times or time - self.times[-1] != self.step:
            self._unbroken = 0
        slots = (self._unbroken - self.lags) % self.lags.size
        self._recent[slots[0]] = weighted
        self._unbroken += 1
        reach = min(self._unbroken, self.lags.size)
        for variable, now in enumerate(self._recent[slots[0]]):
            self._products[:reach, variable] += (self._recent[:, variable] @ now)[slots[:reach]]
        self._pairs[:reach] += 1

        self._sum += weighted
        power = spectral.power(spectral.to_cilm(coefficients))
        self._power += power
        self._cycle += self._towards_the_sun(time, coefficients[0])
        self.times.append(time)
        self.mean_squares.append(power.sum(axis=-1))

    def result(self) -> xr.Dataset:
        """Strength by time, kinetic energy by degree, autocorrelation by lag, daily cycle at the equator.

        The autocorrelation is that of the deviation from the mean over time, over the whole sphere; NaN at
        lags that never occurred and for a constant field.
        """
        count = len(self.times)
        mean_square = np.sum((self._sum / count) ** 2, axis=-1)
        covariance = self._products / np.maximum(self._pairs, 1)[:, None] - mean_square
        known = (self._pairs[:, None] > 0) & (covariance[0] > 0)
        correlation = np.divide(covariance, covariance[0], out=np.full_like(covariance, np.nan), where=known)
        divergence_power, vorticity_power = self._power / count
        energy = spectral.kinetic_energy(vorticity_power, divergence_power)
        m = np.arange(self._cycle.size)
        waves = np.where(m, 2, 1) * np.exp(2j * np.pi / 24 * HOURS_OF_DAY[:, None] * m)
        lag = self.lags * (self.step / np.timedelta64(1, "h"))
        return xr.Dataset(
            {
                "root_mean_square": (
                    ("time", "variable"),
                    np.sqrt(self.mean_squares),
                    {"units": FIELDS["vorticity"].units, "long_name": "root mean square over the sphere"},
                ),
                "kinetic_energy": (
                    ("component", "degree"),
                    np.stack(energy),
                    {"units": "m2 s-2", "long_name": "kinetic energy per degree"},
                ),
                "autocorrelation": (
                    ("lag", "variable"),
                    correlation,
                    {"units": "1", "long_name": "autocorrelation of the deviation from the mean over time"},
                ),
                "daily_cycle": (
                    "local_time",
                    (waves @ self._cycle).real / count,
                    {
                        "units": FIELDS["divergence"].units,
                        "long_name": "mean divergence at the equator by local solar time",
                    },
                ),
            },
            {
                "time": np.array(self.times, "datetime64[ns]"),
                "variable": list(WIND),
                "component": ["rotational", "divergent"],
                "degree": np.arange(self.truncation + 1),
                "lag": ("lag", lag, {"units": "hours", "long_name": "lag"}),
                "local_time": (
                    "local_time",
                    HOURS_OF_DAY,
                    {"units": "hours", "long_name": "local solar time"},
                ),
            },
            {"Conventions": "CF-1.11"},
        )

    def _towards_the_sun(self, time: np.datetime64, divergence: np.ndarray) -> np.ndarray:
        """Fourier coefficients of the divergence along the equator, with longitude counted as local time."""
        along = ducc0.sht.alm2leg(
            alm=spectral.to_ducc(divergence)[None], lmax=self.truncation, theta=np.array([np.pi / 2])
        )[0, 0, : self._cycle.size]
        hour = (time - time.astype("datetime64[D]")) / np.timedelta64(1, "h")
        return along * np.exp(-2j * np.pi * hour / 24 * np.arange(self._cycle.size))


STEEPEST = -4.0
"""Slope of a spectrum beyond which it falls by the model's dissipation, no more by turbulence's cascade."""


def local_slopes(spectrum: xr.DataArray) -> xr.DataArray:
    """Slope at each degree n: over the half octave that ends there, from n/√2 to n; NaN below degree 4."""
    degrees = spectrum["degree"].values
    values = [slope(spectrum, np.ceil(n / np.sqrt(2)), n) if n >= 4 else np.nan for n in degrees]
    return spectrum.copy(data=values).rename("local_slope").assign_attrs(units="1")


def effective_degree(spectrum: xr.DataArray, steepest: float = STEEPEST) -> int:
    """Degree up to which a spectrum is turbulent: the last before its local slope falls below ``steepest``.

    Counted from a third of the truncation on, where the larger scales' own shape ends. Skamarock (2004),
    doi:10.1175/MWR2830.1, calls what it ends at the effective resolution. The enstrophy cascade has −3, so
    that −4 allows for one power more.
    """
    small = local_slopes(spectrum).sel(degree=slice(int(spectrum["degree"][-1]) // 3, None))
    below = small["degree"].values[small < steepest]
    return int(below[0]) - 1 if below.size else int(small["degree"][-1])


def slope(spectrum: xr.DataArray, first: float, last: float) -> float:
    """Exponent of the power law that fits a spectrum from degree ``first`` to ``last``, in least squares."""
    part = spectrum.sel(degree=slice(first, last))
    return float(np.polyfit(np.log(part["degree"]), np.log(part), 1)[0])
