"""The transforms of SHTOOLS in Fortran, through pyshtools: what those of ducc0 are compared with."""

import numpy as np
from pyshtools.backends import backend_module

BACKEND = backend_module("shtools", 1)


def synthesise(cilm, grid=None):
    """Coefficients (2, T+1, T+1) → values on the Driscoll-Healy grid of T, or of the truncation ``grid``."""
    return BACKEND.MakeGridDH(cilm, sampling=2, lmax=grid)


def analyse(values):
    """Values on the Driscoll-Healy grid → coefficients (2, T+1, T+1)."""
    return BACKEND.SHExpandDH(np.asarray(values, np.float64), sampling=2)
