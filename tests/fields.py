"""Small files on the grid for the tests of everything that reads them."""

import numpy as np

from atmodist.data import store

VARIABLES = ("divergence", "vorticity")


def random_fields(times, rows=64, seed=0):
    """Random (variables, times, rows, 2 rows) in s-1 with the coordinates of a Driscoll–Healy grid."""
    values = 1e-5 * np.random.default_rng(seed).standard_normal((2, len(times), rows, 2 * rows), np.float32)
    latitude, longitude = 90 - np.arange(rows) * 180 / rows, np.arange(2 * rows) * 180 / rows
    return values, latitude, longitude


def write_period(path, times, rows=64, seed=0, **settings):
    """Write random fields as a period's file and return them."""
    values, latitude, longitude = random_fields(times, rows, seed)
    fields = (
        (variable, time, values[i, j]) for j, time in enumerate(times) for i, variable in enumerate(VARIABLES)
    )
    store.write_fields(path, VARIABLES, times, latitude, longitude, fields, **settings)
    return values


def hours(start, count, step=3):
    """``count`` times from ``start`` on, every ``step`` hours."""
    return np.datetime64(start, "h") + np.timedelta64(step, "h") * np.arange(count)
