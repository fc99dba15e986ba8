"""What a super-resolved atmosphere is judged by.

A metric is a small dataclass that sees one frame after another, ``add(measure(truth, estimate))``, and then
gives its ``result()``. To measure changes nothing, so that many frames can be measured at once and are then
added in order.
Frames are DataArrays (variable, latitude, longitude) on the Driscoll-Healy grid of `spectral`, with their
time as a scalar coordinate and the unit of each variable as `atmodist.data.units` has it. To add a metric,
derive from `Mean` (an average over the frames of a block of time), `Series` (a value of each frame) or
`Total` (an exact sum over all frames), say in ``measure`` what one frame yields, and list it in
`of_estimate` or `of_comparison`.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.core.seeds import random_stream
from atmodist.data import spectral, units
from atmodist.data.sphere import EARTH_RADIUS, area_weights, nearest_point, travel
from atmodist.data.variables import WIND
from atmodist.evaluation.cities import pixels_around
from atmodist.evaluation.images import structural_similarity, total_variation
from atmodist.evaluation.moments import sample_points


@dataclass
class Metric:
    """What is kept of the frames seen so far: here, the sum of what ``measure`` makes of each."""

    frames: int = field(default=0, init=False)
    total: xr.Dataset | None = field(default=None, init=False)

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """What one frame yields."""
        raise NotImplementedError

    def add(self, measured: xr.Dataset) -> None:
        """Take what was measured of one more frame into account; it belongs to the metric from then on."""
        self.frames += 1
        if self.total is None:
            self.total = measured
        else:
            for name, values in measured.items():
                self.total[name].values += values.values

    def result(self) -> xr.Dataset:
        """The metric over all frames so far."""
        return self.total


class Mean(Metric):
    """A mean over frames, kept for each block of time."""

    def result(self) -> xr.Dataset:
        """Mean over the frames so far."""
        return self.total / self.frames


@dataclass
class Series(Metric):
    """A value of each frame, kept along ``time``."""

    parts: list[xr.Dataset] = field(default_factory=list, init=False)

    def add(self, measured: xr.Dataset) -> None:
        """Append what was measured of one more frame."""
        self.frames += 1
        self.parts.append(measured)

    def result(self) -> xr.Dataset:
        """The values of all frames so far."""
        return xr.concat(self.parts, "time")


class Total(Metric):
    """A sum of integers over all frames, exact whatever their order."""


@dataclass
class Spectra(Mean):
    """Power spectra of all variables, and the spectrum of the wind's kinetic energy, by degree.

    Where the data hold one of divergence and vorticity, the energy is that of its part of the wind; where
    they hold neither, there is none.

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
        with np.errstate(divide="ignore"):
            wavelength = 2e-3 * np.pi * EARTH_RADIUS / degree
        about = units.attributes(estimate, 2, "power at each degree")
        result = xr.Dataset(
            {"power": (("variable", "degree"), power, about)},
            {
                **units.coordinates(estimate),
                "degree": degree,
                "wavelength": ("degree", wavelength, {"units": "km"}),
            },
        )
        by_name = dict(zip(estimate["variable"].values, zip(cilm, power, strict=True), strict=True))
        if not by_name.keys() & WIND:
            return result
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
        about = {"units": "m2 s-2", "long_name": "kinetic energy at each degree"}
        return result.assign(
            kinetic_energy=(("flow", "degree"), np.stack(list(energy.values())), about)
        ).assign_coords(flow=list(energy))


@dataclass
class ZonalSpectra(Mean):
    """Power by zonal wavenumber, averaged over the rows of the sphere by their area.

    The grid of truncation T has zonal wavenumbers up to 2(T + 1), but spherical harmonics only up to T: what
    lies above, such as a generator's checkerboard, is on no truth, and spectra by degree cannot show it.
    """

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """Power (variable, wavenumber) of the estimate; its sum is the mean square over the sphere."""
        columns = estimate.sizes["longitude"]
        squares = np.abs(np.fft.rfft(estimate.values.astype(float), axis=-1) / columns) ** 2
        wavenumber = np.arange(squares.shape[-1])
        squares *= np.where((wavenumber > 0) & (2 * wavenumber < columns), 2, 1)
        power = np.einsum("vrm,r->vm", squares, area_weights(estimate["latitude"].values))
        about = units.attributes(estimate, 2, "power at each zonal wavenumber")
        return xr.Dataset(
            {"zonal_power": (("variable", "wavenumber"), power, about)},
            {**units.coordinates(estimate), "wavenumber": wavenumber},
        )


@dataclass
class Semivariogram(Mean):
    """Half the mean squared difference between points a great-circle distance apart, and the truth's moments.

    Points are uniform on the sphere, directions uniform; they depend on the seed and the time alone, so every
    system is measured at the same ones. Both ends take the value of the nearest grid point, because to
    interpolate is to smooth: it would hide the noise at the smallest scales that a GAN may make. So at
    distances below the grid's spacing, which the paper's grid does not have, many pairs are of one point and
    the others of neighbours: systems compare there, the distance itself means nothing. What makes
    the semivariogram of the semivariance is the variance of the evaluated truth, known once all frames are
    (Hoffmann & Lessig 2023, evaluation of super-resolution).

    Attributes:
        seed: seed of the random points.
        distances: km.
        points: pairs of points for each distance and frame.
    """

    seed: int
    distances: tuple[float, ...] = (25, 50, 100, 200, 300, 500, 1000)
    points: int = 300

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """Semivariance (variable, distance) of the estimate; mean and mean square of the truth's sphere."""
        rng = random_stream(self.seed, "semivariogram", str(estimate["time"].values.astype("datetime64[h]")))
        shape = len(self.distances), self.points
        latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, shape)))
        longitude, bearing = rng.uniform(0, 360, (2, *shape))
        ends = (latitude, longitude), travel(latitude, longitude, bearing, np.array(self.distances)[:, None])
        here, there = (
            estimate.values[:, *nearest_point(*end, estimate.sizes["latitude"])].astype(float) for end in ends
        )
        about = units.attributes(estimate, 2, "half the mean squared difference of points at a distance")
        area = area_weights(truth["latitude"].values)
        mean = truth.values.mean(-1, dtype=float) @ area
        mean_square = np.square(truth.values, dtype=float).mean(-1) @ area
        return xr.Dataset(
            {
                "semivariance": (("variable", "distance"), ((there - here) ** 2 / 2).mean(-1), about),
                "truth_mean": ("variable", mean, units.attributes(truth, 1, "mean of the truth")),
                "truth_mean_square": (
                    "variable",
                    mean_square,
                    units.attributes(truth, 2, "mean square of the truth"),
                ),
            },
            {
                **units.coordinates(estimate),
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
            "mean_squared_error": (
                mse,
                units.attributes(truth, 2, "mean squared error over the points of the grid"),
            ),
            "area_weighted_mean_squared_error": (
                squares @ area_weights(estimate["latitude"].values),
                units.attributes(truth, 2, "mean squared error over the sphere"),
            ),
            "total_variation_difference": (
                total_variation(found) - total_variation(true),
                units.attributes(truth, 1, "total variation of the estimate less that of the truth"),
            ),
            "psnr": (
                10 * np.log10(span**2 / mse),
                {"units": "dB", "long_name": "peak signal-to-noise ratio"},
            ),
            "ssim": (
                [structural_similarity(*pair) for pair in pairs],
                {"units": "1", "long_name": "structural similarity"},
            ),
        }
        return xr.Dataset(
            {name: ("variable", values, about) for name, (values, about) in measured.items()},
            {**units.coordinates(estimate), "time": estimate["time"]},
        )


@dataclass
class PointMoments(Total):
    """Sums over time of the estimate, its square and its squared error at every point.

    They are sums of integers, in units of ``std / 2**18``, so that no rounding depends on how time is
    divided; `moments.mean_fields` turns them into means. Six years of 3-hourly values fit as long as the root
    mean square of a point stays below 80 ``std``; where it does not, `merging.combine` sees the sum wrap. A
    value beyond `LIMIT` raises ``InputError``, because sums of a block could wrap twice.
    """

    std: np.ndarray
    QUANTA: ClassVar[int] = 2**18
    LIMIT: ClassVar[int] = 512  # std
    ROWS: ClassVar[int] = 16  # at a time, so that they stay in the cache

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """The frame, its square and its squared error in quanta."""
        quantum = np.asarray(self.std, float) / self.QUANTA
        names = "sum", "sum_of_squares", "sum_of_squared_errors"
        sums = {name: np.empty(estimate.shape, np.int64) for name in names}
        for row in range(0, estimate.shape[1], self.ROWS):
            rows = np.s_[:, row : row + self.ROWS]
            frames = [np.rint(x.values[rows] / quantum[:, None, None]) for x in (truth, estimate)]
            if max(frames[1].max(), -frames[1].min()) > self.LIMIT * self.QUANTA:
                when = str(estimate["time"].values)[:16]
                raise InputError(
                    f"fields of {when} are beyond {self.LIMIT} standard deviations: did the training diverge?"
                )
            true, found = (frame.astype(np.int64) for frame in frames)
            sums["sum"][rows] = found
            np.square(found, out=sums["sum_of_squares"][rows])
            np.square(found - true, out=sums["sum_of_squared_errors"][rows])
        about = units.attributes(estimate, 1, "unit of the sums; its square is that of the sums of squares")
        return xr.Dataset(
            {name: (estimate.dims, values) for name, values in sums.items()},
            {
                **units.coordinates(estimate),
                "latitude": estimate["latitude"].reset_coords(drop=True),
                "longitude": estimate["longitude"].reset_coords(drop=True),
                "quantum": ("variable", quantum, about),
            },
        )


@dataclass
class MomentSamples(Mean):
    """Mean and mean square over time at random points, for the intervals of `moments.squared_errors`.

    Attributes:
        seed: seed of the points, see `moments.sample_points`.
    """

    seed: int

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """The estimate and its square (variable, point) at the points, in the data's unit."""
        points = sample_points(estimate.sizes["latitude"], self.seed)
        row, column = points["grid_row"].values, points["grid_column"].values
        values = estimate.values[:, row, column].astype(float)
        return xr.Dataset(
            {
                "sampled_mean": (("variable", "point"), values, units.attributes(estimate, 1, "mean")),
                "sampled_mean_square": (
                    ("variable", "point"),
                    values**2,
                    units.attributes(estimate, 2, "mean square"),
                ),
            },
            {**units.coordinates(estimate), **points},
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
                    units.attributes(estimate, 1, "values around the city, nearest pixels first"),
                )
            },
            {
                **units.coordinates(estimate),
                "city": self.places["city"].values,
                "time": estimate["time"],
            },
        )


def of_estimate(std: np.ndarray, seed: int, places: xr.Dataset, winds: str = "exact") -> list[Metric]:
    """Fresh metrics that look at a system's fields alone, the truth's too."""
    return [
        Spectra(winds),
        ZonalSpectra(),
        Semivariogram(seed),
        PointMoments(std),
        MomentSamples(seed),
        Cities(places),
    ]


def of_comparison() -> list[Metric]:
    """Fresh metrics that hold a system's fields against the truth."""
    return [Errors()]
