"""Global regular grids of latitude and longitude other than ours, and the spectral transforms on them."""

from dataclasses import dataclass

import ducc0
import numpy as np

from atmodist.core.errors import InputError
from atmodist.data.packed import degrees_and_orders
from atmodist.data.sphere import EARTH_RADIUS

OFFSETS = {"CC": (0, 0), "DH": (0, 1), "F1": (0.5, 0.5), "F2": (1, 1), "MW": (0.5, 0), "MWflip": (0, 0.5)}
"""Rows from the north pole to the first row and from the last one to the south pole, by ducc0's geometry."""


@dataclass(frozen=True)
class RegularGrid:
    """Rows from north to south and columns eastwards around the globe, each equally spaced.

    ``spacing`` is that of the rows in degrees, ``north`` and ``south`` are the rows between the outermost
    rows and the poles, ``west`` is the first column's longitude.
    """

    rows: int
    columns: int
    spacing: float
    north: float
    south: float
    west: float

    @classmethod
    def of(cls, latitude: np.ndarray, longitude: np.ndarray, name: str = "the input") -> "RegularGrid":
        """The grid of these coordinates in degrees.

        ``InputError`` names what is not global, regular or in this order.
        """
        latitude, longitude = np.asarray(latitude, float), np.asarray(longitude, float)
        rows, columns = len(latitude), len(longitude)
        if min(rows, columns) < 4:
            raise InputError(f"{name} has {rows} rows and {columns} columns; expected a global grid.")
        down, east = -np.diff(latitude), np.diff(longitude)
        spacing, step = down.mean(), east.mean()
        if spacing <= 0 or abs(down - spacing).max() > 1e-3 * spacing:
            raise InputError(f"{name} has latitudes that are not equally spaced from north to south.")
        if step <= 0 or abs(east - step).max() > 1e-3 * step or abs(columns * step - 360) > 0.5 * step:
            raise InputError(
                f"{name} has longitudes from {longitude[0]:g}° to {longitude[-1]:g}°; expected equal steps "
                "once around the globe, the first meridian not repeated."
            )
        north, south = (90 - latitude[0]) / spacing, (latitude[-1] + 90) / spacing
        if not all(-0.01 <= each <= 1.01 for each in (north, south)):
            raise InputError(
                f"{name} has latitudes from {latitude[0]:g}° to {latitude[-1]:g}°; expected the whole globe."
            )
        return cls(rows, columns, float(spacing), float(north), float(south), float(longitude[0]))

    @property
    def spacings(self) -> dict[str, float]:
        """Degrees between rows, ``latitude``, and between columns, ``longitude``."""
        return {"latitude": self.spacing, "longitude": 360 / self.columns}

    @property
    def latitude(self) -> np.ndarray:
        """Latitudes in degrees."""
        return 90 - self.spacing * (self.north + np.arange(self.rows))

    @property
    def longitude(self) -> np.ndarray:
        """Longitudes in degrees."""
        return self.west + 360 / self.columns * np.arange(self.columns)

    @property
    def geometry(self) -> str | None:
        """What ducc0 calls the grid; None where it has no transform on it."""
        return next((name for name, offsets in OFFSETS.items() if self._starts_at(offsets)), None)

    @property
    def centred(self) -> bool:
        """Whether each point is the centre of a cell and the cells fill the globe, to 1/8 of a row."""
        return self._starts_at((0.5, 0.5), within=0.13)

    def _starts_at(self, offsets, within=0.01) -> bool:
        return abs(self.north - offsets[0]) < within and abs(self.south - offsets[1]) < within

    @property
    def truncation(self) -> int:
        """Last degree that the grid resolves at its spacing, as the Driscoll-Healy grid: 90°/spacing − 1."""
        return min(round(90 / self.spacing) - 1, self._exact())

    def _exact(self) -> int:
        """Last degree of exact transforms (ducc0's manual, ``analysis_2d``)."""
        if self.geometry is None:
            raise InputError(
                f"a grid with latitudes from {self.latitude[0]:g}° to {self.latitude[-1]:g}° has no spectral "
                "transform; expected rows on the poles, or half a row or one row from them."
            )
        rows = {"CC": self.rows - 2, "DH": self.rows // 2 - 1, "F2": (self.rows - 1) // 2}
        return min(rows.get(self.geometry, self.rows - 1), (self.columns - 1) // 2)


def vorticity_and_divergence(
    eastward: np.ndarray,
    northward: np.ndarray,
    grid: RegularGrid,
) -> tuple[np.ndarray, np.ndarray]:
    """Vorticity and divergence in s⁻¹ of a wind (rows, columns) in m s⁻¹, on its grid.

    Through the gradient and curl coefficients of the wind, up to the grid's truncation: the inverse of
    `spectral.winds`.
    """
    place = {"geometry": grid.geometry, "phi0": np.radians(grid.west), "nthreads": 1}
    truncation = grid.truncation
    wind = np.stack([-np.asarray(northward, float), np.asarray(eastward, float)])
    potentials = ducc0.sht.analysis_2d(map=wind, spin=1, lmax=truncation, **place)
    n, _ = degrees_and_orders(truncation)
    gradient, curl = -np.sqrt(n * (n + 1)) / EARTH_RADIUS * potentials
    size = {"ntheta": grid.rows, "nphi": grid.columns}
    divergence, vorticity = (
        ducc0.sht.synthesis_2d(alm=each[None], spin=0, lmax=truncation, **size, **place)[0]
        for each in (gradient, curl)
    )
    return vorticity, divergence


def to_cell_centres(field: np.ndarray, grid: RegularGrid) -> tuple[np.ndarray, RegularGrid]:
    """A field (rows, columns) moved to the centres of cells of the same spacing, and their grid.

    Band-limited interpolation, for grids with a row on the north pole. A south pole without a row gets the
    value of the parabola through the zonal means of the last two rows, symmetric about it.
    """
    if grid.geometry == "DH":
        pole = (4 * field[-1].mean() - field[-2].mean()) / 3
        field = np.vstack([field, np.full((1, grid.columns), pole)])
        grid = RegularGrid(grid.rows + 1, grid.columns, grid.spacing, 0, 0, grid.west)
    if grid.geometry != "CC":
        raise InputError(
            f"the input has latitudes from {grid.latitude[0]:g}° to {grid.latitude[-1]:g}°; expected rows on "
            "the poles or half a row from them."
        )
    centres = RegularGrid(grid.rows - 1, grid.columns, grid.spacing, 0.5, 0.5, grid.west)
    last = min(grid.rows - 2, (grid.columns - 1) // 2)
    coefficients = ducc0.sht.analysis_2d(
        map=np.asarray(field, float)[None],
        spin=0,
        lmax=grid.rows - 2,
        mmax=last,
        geometry="CC",
        nthreads=1,
    )
    values = ducc0.sht.synthesis_2d(
        alm=coefficients,
        spin=0,
        lmax=grid.rows - 2,
        mmax=last,
        geometry="F1",
        ntheta=centres.rows,
        nphi=centres.columns,
        nthreads=1,
    )
    return values[0], centres
