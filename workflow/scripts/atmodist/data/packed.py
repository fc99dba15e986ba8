"""The packed form of spherical-harmonic coefficients, as GRIB stores them: how many, and in which order.

Complex a[n, m] for m >= 0 and n <= T, m-major: m = 0: n = 0…T; m = 1: n = 1…T; … Imports nothing but numpy,
because a job that only checks GRIB has no spherical transform.
"""

from functools import lru_cache

import numpy as np

from atmodist.core.errors import InputError


@lru_cache
def degrees_and_orders(truncation: int) -> tuple[np.ndarray, np.ndarray]:
    """Degree n and order m of each packed coefficient, two integer arrays of (T+1)(T+2)/2."""
    order, degree = np.triu_indices(truncation + 1)
    return degree, order


def truncation_of(size: int) -> int:
    """Triangular truncation T whose packed form has ``size`` = (T+1)(T+2)/2 complex numbers."""
    truncation = (int(np.sqrt(8 * size + 1)) - 3) // 2
    if truncation < 0 or (truncation + 1) * (truncation + 2) // 2 != size:
        raise InputError(f"{size} coefficients found, but a triangular truncation T has (T+1)(T+2)/2 of them")
    return truncation


def truncated(packed: np.ndarray, truncation: int) -> np.ndarray:
    """Coefficients (…, (T+1)(T+2)/2) without those of degrees above ``truncation``, which is at most T."""
    full = truncation_of(packed.shape[-1])
    if truncation > full:
        raise InputError(f"coefficients end at T{full}; they cannot be truncated to T{truncation}")
    return packed if truncation == full else packed[..., _kept(full, truncation)]


@lru_cache
def _kept(full: int, truncation: int) -> np.ndarray:
    degree, _ = degrees_and_orders(full)
    return np.flatnonzero(degree <= truncation)
