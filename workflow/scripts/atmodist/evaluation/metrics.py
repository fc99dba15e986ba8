"""What a super-resolved atmosphere is judged by.

A metric is a small dataclass that sees one frame after another: ``update(truth, estimate)``,
``merge(other)``, ``result()``. Frames are DataArrays (variable, latitude, longitude) in s-1 on the
Driscoll-Healy grid of `spectral`, with their time as a scalar coordinate. To add a metric, derive from `Mean`
(an average over the frames of a block of time), `Series` (a value a frame) or `Total` (an exact sum over all
frames), say in ``measure`` what one frame yields, and list it in `of_estimate` or `of_comparison`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from atmodist.core.seeds import random_stream
from atmodist.data import spectral
from atmodist.evaluation.cities import pixels_around

xr.set_options(keep_attrs=True)


@dataclass
class Metric:
    """A running sum over frames of the Dataset that ``measure`` makes of each."""

    frames: int = field(default=0, init=False)
    total: xr.Dataset | None = field(default=None, init=False)

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """What one frame yields."""
        raise NotImplementedError

    def update(self, truth: xr.DataArray, estimate: xr.DataArray) -> None:
        """Take one more frame into account."""
        self._add(self.measure(truth, estimate), 1)

    def merge(self, other: "Metric") -> None:
        """Take the frames that ``other`` has seen into account, too."""
        self._add(other.total, other.frames)

    def _add(self, measured: xr.Dataset, frames: int) -> None:
        self.total = measured if self.total is None else self.total + measured
        self.frames += frames

    def result(self) -> xr.Dataset:
        """The metric over all frames so far."""
        return self.total


class Mean(Metric):
    """A mean over frames, kept for each block of time."""

    def result(self) -> xr.Dataset:
        """Mean over the frames so far."""
        return self.total / self.frames


class Series(Metric):
    """A value a frame, kept along ``time``."""

    def _add(self, measured: xr.Dataset, frames: int) -> None:
        measured = measured if "time" in measured.dims else measured.expand_dims("time")
        self.total = measured if self.total is None else xr.concat([self.total, measured], "time")
        self.frames += frames


class Total(Metric):
    """A sum of integers over all frames, exact whatever their order."""


@dataclass
class Spectra(Mean):
    """Power spectra of divergence and vorticity, and the spectrum of kinetic energy, by degree.

    Where the data hold one of the two variables, the energy is that of its part of the wind.

    Attributes:
        winds: "exact" takes the kinetic energy from the two power spectra, its rotational and its divergent
            part; "pyspharm" inverts to the wind and expands its components as scalars, which gives the total
            and mixes neighbouring degrees, most at the lowest ones.
    """

    winds: str = "exact"

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """Spectra of the estimate; see `spectral.power` and `spectral.kinetic_energy`."""
        cilm = [spectral.analyse(values) for values in estimate.values]
        power = np.stack([spectral.power(each) for each in cilm])
        degree = np.arange(power.shape[-1])
        by_name = dict(zip(estimate["variable"].values, zip(cilm, power, strict=True), strict=True))
        nothing = np.zeros_like(cilm[0]), np.zeros_like(power[0])
        vorticity, rotation = by_name.get("vorticity", nothing)
        divergence, expansion = by_name.get("divergence", nothing)
        if self.winds == "exact":
            energy = dict(
                zip(("rotational", "divergent"), spectral.kinetic_energy(rotation, expansion), strict=True)
            )
        else:
            components = spectral.pyspharm_winds(vorticity, divergence)
            energy = {"total": sum(spectral.power(spectral.analyse(each)) for each in components) / 2}
        with np.errstate(divide="ignore"):
            wavelength = 2e-3 * np.pi * spectral.EARTH_RADIUS / degree
        about_power = {"units": "s-2", "long_name": "power at each degree"}
        about_energy = {"units": "m2 s-2", "long_name": "kinetic energy at each degree"}
        return xr.Dataset(
            {
                "power": (("variable", "degree"), power, about_power),
                "kinetic_energy": (("flow", "degree"), np.stack(list(energy.values())), about_energy),
            },
            {
                "variable": estimate["variable"].values,
                "flow": list(energy),
                "degree": degree,
                "wavelength": ("degree", wavelength, {"units": "km"}),
            },
        )


@dataclass
class Semivariogram(Mean):
    """Half the mean squared difference between points a great-circle distance apart, over the variance.

    Points are uniform on the sphere, directions uniform; they depend on the seed and the time alone, so every
    system is measured at the same ones (Hoffmann & Lessig 2023, evaluation of super-resolution).

    Attributes:
        std: standard deviation of each variable over the data set, s-1.
        seed: seed of the random points.
        distances: km.
        points: pairs of points for each distance and frame.
    """

    std: np.ndarray
    seed: int
    distances: tuple[float, ...] = (25, 50, 100, 200, 300, 500, 1000)
    points: int = 300

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """Semivariogram (variable, distance) of the estimate."""
        rng = random_stream(self.seed, "semivariogram", str(estimate["time"].values.astype("datetime64[h]")))
        shape = len(self.distances), self.points
        latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, shape)))
        longitude, bearing = rng.uniform(0, 360, (2, *shape))
        there = travel(latitude, longitude, bearing, np.array(self.distances)[:, None])
        half_squares = np.stack(
            [
                (interpolate(values, *there) - interpolate(values, latitude, longitude)) ** 2 / 2
                for values in estimate.values
            ]
        )
        return xr.Dataset(
            {
                "semivariogram": (
                    ("variable", "distance"),
                    half_squares.mean(-1) / np.asarray(self.std)[:, None] ** 2,
                    {"units": "1", "long_name": "semivariance over the data set's variance"},
                )
            },
            {
                "variable": estimate["variable"].values,
                "distance": ("distance", list(self.distances), {"units": "km"}),
            },
        )


@dataclass
class Errors(Series):
    """How far each frame is from the truth."""

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """Mean squared error, total-variation difference, peak signal-to-noise ratio, structural similarity.

        The last two take the range of the true frame as the data's range.
        """
        true, found = truth.values, estimate.values
        difference = found - true
        squares = np.vecdot(difference, difference).astype(float) / difference.shape[-1]
        mse = squares.mean(-1)
        span = np.ptp(true, (-2, -1))
        pairs = zip(true, found, span, strict=True)
        measured = {
            "mean_squared_error": (mse, "s-2", "mean squared error over the points of the grid"),
            "area_weighted_mean_squared_error": (
                squares @ area_weights(estimate["latitude"].values),
                "s-2",
                "mean squared error over the sphere",
            ),
            "total_variation_difference": (
                total_variation(found) - total_variation(true),
                "s-1",
                "total variation of the estimate less that of the truth",
            ),
            "psnr": (10 * np.log10(span**2 / mse), "dB", "peak signal-to-noise ratio"),
            "ssim": ([structural_similarity(*pair) for pair in pairs], "1", "structural similarity"),
        }
        return xr.Dataset(
            {
                name: ("variable", values, {"units": units, "long_name": meaning})
                for name, (values, units, meaning) in measured.items()
            },
            {"variable": estimate["variable"].values, "time": estimate["time"]},
        )


@dataclass
class Moments(Total):
    """Sums over time of the estimate, its square and its squared error at every point.

    They are sums of integers, in units of ``std / 2**18``, so that no rounding depends on how time is
    divided; `mean_fields` turns them into means. Six years of 3-hourly values fit as long as the root mean
    square of a point stays below 80 ``std``.
    """

    std: np.ndarray
    QUANTA: ClassVar[int] = 2**18

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """The frame, its square and its squared error in quanta."""
        quantum = np.asarray(self.std, float) / self.QUANTA
        true, found = (np.rint(x.values / quantum[:, None, None]).astype(np.int64) for x in (truth, estimate))
        sums = {"sum": found, "sum_of_squares": found**2, "sum_of_squared_errors": (found - true) ** 2}
        coordinates = {name: estimate[name] for name in estimate.dims}
        return xr.Dataset(
            {name: (estimate.dims, values) for name, values in sums.items()},
            {**coordinates, "quantum": ("variable", quantum, {"units": "s-1"})},
        )


@dataclass
class Cities(Series):
    """The values of the estimate around places, from which `cities.compare` makes distributions.

    Attributes:
        places: Dataset along ``city`` with ``latitude`` and ``longitude`` in degrees, see `cities.read`.
    """

    places: xr.Dataset

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """Values (variable, city, pixel): the first n² pixels are the n x n window, n = 1, 2, 3."""
        rows, columns = pixels_around(self.places, estimate.sizes["latitude"])
        return xr.Dataset(
            {
                "city_value": (
                    ("variable", "city", "pixel"),
                    estimate.values[:, rows, columns].astype(np.float32),
                    {"units": "s-1", "long_name": "values around the city, nearest pixels first"},
                )
            },
            {
                "variable": estimate["variable"].values,
                "city": self.places["city"].values,
                "time": estimate["time"],
            },
        )


def mean_fields(evaluation: xr.Dataset) -> xr.Dataset:
    """Mean, standard deviation and root mean squared error over time at every point, from `Moments`' sums."""
    frames, quantum = int(evaluation["frames"].sum()), evaluation["quantum"]
    mean = evaluation["sum"] / frames
    return xr.Dataset(
        {
            "mean": mean * quantum,
            "std": np.sqrt(evaluation["sum_of_squares"] / frames - mean**2) * quantum,
            "rmse": np.sqrt(evaluation["sum_of_squared_errors"] / frames) * quantum,
        }
    )


def log_error(estimate: xr.DataArray, truth: xr.DataArray, dimension: str) -> xr.DataArray:
    """Mean of |log10| of a ratio along a dimension: 0 is perfect, 1 is a factor of ten."""
    return abs(np.log10(estimate / truth)).mean(dimension)


def of_estimate(std: np.ndarray, seed: int, places: xr.Dataset, winds: str = "exact") -> list[Metric]:
    """Fresh metrics that look at a system's fields alone, the truth's too."""
    return [Spectra(winds), Semivariogram(std, seed), Moments(std), Cities(places)]


def of_comparison() -> list[Metric]:
    """Fresh metrics that hold a system's fields against the truth."""
    return [Errors()]


def area_weights(latitude: np.ndarray) -> np.ndarray:
    """Share of the sphere's area of each row, (H,): rows meet half way, the outermost reach the poles.

    ``latitude`` in degrees from north to south.
    """
    edges = np.concatenate([[90], (latitude[1:] + latitude[:-1]) / 2, [-90]])
    return -np.diff(np.sin(np.radians(edges))) / 2


def total_variation(fields: np.ndarray) -> np.ndarray:
    """Mean over points of the absolute differences to the next row and column, (..., H, W) to (...)."""
    down = np.diff(fields, axis=-2)
    along = np.diff(fields, axis=-1, append=fields[..., :1])
    sums = (np.abs(each, out=each).sum(-1).sum(-1, dtype=float) for each in (down, along))
    return sum(sums) / (fields.shape[-2] * fields.shape[-1])


def structural_similarity(first: np.ndarray, second: np.ndarray, span: float = 1) -> float:
    """Mean structural similarity of fields (H, W) of range ``span``, in Gaussian windows of σ = 1.5 points.

    Wang et al. (2004), doi:10.1109/TIP.2003.819861, equation 13, with their constants. The windows are
    applied along rows and columns in turn as products with banded matrices, block by block, ten times faster
    than the libraries that convolve.
    """
    height, width = first.shape
    c1, c2 = 0.01**2, 0.03**2
    total = 0.0
    for rows, near_rows in _blocks(height):
        a, b = first[near_rows] / span, second[near_rows] / span
        values = np.stack([a, b, a * b, a * a + b * b])
        means = np.empty((4, rows.stop - rows.start, width), values.dtype)
        for columns, near_columns in _blocks(width):
            near = _window(height).T[rows, near_rows] @ values[..., near_columns]
            means[..., columns] = near @ _window(width)[near_columns, columns]
        mean_a, mean_b, mean_product, mean_squares = means
        product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
        covariance, variances = mean_product - product, mean_squares - squares
        similarity = (2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))
        total += similarity.sum(dtype=float)
    return float(total / (height * width))


def _blocks(size: int, step: int = 48, reach: int = 5) -> Iterator[tuple[slice, slice]]:
    """Slices that cover ``size`` points, each beside the slice of the points within its reach.

    Products of such blocks are small enough for BLAS to use one thread, whatever the number it may use: their
    rounding does not depend on the cores.
    """
    for start in range(0, size, step):
        stop = min(start + step, size)
        yield slice(start, stop), slice(max(start - reach, 0), min(stop + reach, size))


@lru_cache
def _window(size: int) -> np.ndarray:
    """Matrix (size, size) whose product with a row applies the Gaussian window, mirrored at the ends."""
    return gaussian_filter1d(np.eye(size, dtype=np.float32), 1.5, radius=5, mode="mirror")


def travel(
    latitude: np.ndarray, longitude: np.ndarray, bearing: np.ndarray, distance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude reached after ``distance`` km along the great circle that starts at ``bearing``.

    Angles in degrees; bearing 0 is north, 90 east.
    """
    phi, theta = np.radians(latitude), np.radians(bearing)
    arc = 1000 * distance / spectral.EARTH_RADIUS
    sine = np.sin(phi) * np.cos(arc) + np.cos(phi) * np.sin(arc) * np.cos(theta)
    turn = np.arctan2(np.sin(theta) * np.sin(arc) * np.cos(phi), np.cos(arc) - np.sin(phi) * sine)
    return np.degrees(np.arcsin(np.clip(sine, -1, 1))), longitude + np.degrees(turn)


def interpolate(values: np.ndarray, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Values of a global field (H, W) at any points, by cubic Lagrange polynomials in row and in column."""
    height, width = values.shape
    row, column = (90 - latitude) * height / 180, longitude * width / 360
    first_row = np.clip(np.floor(row).astype(int) - 1, 0, height - 4)
    first_column = np.floor(column).astype(int) - 1
    stencil = np.arange(4)
    rows = (first_row[..., None] + stencil)[..., :, None]
    columns = (first_column[..., None] + stencil)[..., None, :] % width
    return np.einsum(
        "...i,...ij,...j->...",
        _lagrange(row - first_row),
        values[rows, columns].astype(float),
        _lagrange(column - first_column),
    )


def _lagrange(x: np.ndarray) -> np.ndarray:
    """Weights (..., 4) of the nodes 0, 1, 2, 3 in the cubic through them, at ``x``."""
    nodes = np.arange(4)
    return np.stack(
        [np.prod([(x - other) / (node - other) for other in nodes if other != node], 0) for node in nodes], -1
    )
