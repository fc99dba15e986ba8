"""Where the points of the Driscoll-Healy grid lie, for the config's check, too: imports nothing heavy."""

from collections.abc import Sequence


def grid_truncation(truncation: int) -> int:
    """Truncation of the grid that coefficients are put on: odd, so that rows and columns coarsen by 4."""
    return truncation | 1


def latitudes(rows: int) -> list[float]:
    """Latitudes in degrees of the rows: north pole first, no south pole."""
    return [90 - row * (180 / rows) for row in range(rows)]


def longitudes(columns: int) -> list[float]:
    """Longitudes in degrees of the columns, eastwards from Greenwich."""
    return [column * (360 / columns) for column in range(columns)]


def middles(axis: Sequence[float], stride: int) -> list[float]:
    """The middle of every ``stride`` neighbours on an axis of evenly spaced points."""
    return [
        (first + last) / 2 for first, last in zip(axis[::stride], axis[stride - 1 :: stride], strict=True)
    ]
