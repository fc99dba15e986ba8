"""Geometry of the sphere and of the Driscoll-Healy grid on it."""

import numpy as np

EARTH_RADIUS = 6_371_229.0
"""Radius of the Earth in m, as in ECMWF's IFS and so in ERA5 (GRIB2 code table 3.2, shape 6)."""


def area_weights(latitude: np.ndarray) -> np.ndarray:
    """Share of the sphere's area of each row, (H,): rows meet half way, the outermost reach the poles.

    ``latitude`` in degrees from north to south.
    """
    edges = np.concatenate([[90], (latitude[1:] + latitude[:-1]) / 2, [-90]])
    return -np.diff(np.sin(np.radians(edges))) / 2


def travel(
    latitude: np.ndarray, longitude: np.ndarray, bearing: np.ndarray, distance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude reached after ``distance`` km along the great circle that starts at ``bearing``.

    Angles in degrees; bearing 0 is north, 90 east.
    """
    phi, theta = np.radians(latitude), np.radians(bearing)
    arc = 1000 * distance / EARTH_RADIUS
    sine = np.sin(phi) * np.cos(arc) + np.cos(phi) * np.sin(arc) * np.cos(theta)
    turn = np.arctan2(np.sin(theta) * np.sin(arc) * np.cos(phi), np.cos(arc) - np.sin(phi) * sine)
    return np.degrees(np.arcsin(np.clip(sine, -1, 1))), longitude + np.degrees(turn)


def grid_position(latitude: np.ndarray, longitude: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column, with their fractions, of places in degrees on a grid of ``rows`` x 2 ``rows`` points.

    Rows and columns are 180/``rows`` degrees apart; row 0 is the north pole, the south pole is no row.
    """
    return (90 - latitude) * rows / 180, longitude * rows / 180


def nearest_point(latitude: np.ndarray, longitude: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the grid point nearest to each place, in latitude and in longitude."""
    row, column = (np.rint(each).astype(int) for each in grid_position(latitude, longitude, rows))
    return np.clip(row, 0, rows - 1), column % (2 * rows)
