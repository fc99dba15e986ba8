"""Measures of images: total variation and structural similarity."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter1d

ROWS = 16  # at a time, so that they stay in the cache


def total_variation(fields: np.ndarray) -> np.ndarray:
    """Mean over points of the length of the difference to the next row and column, (..., H, W) to (...).

    √(Δrow² + Δcolumn²): the isotropic total variation of Rudin, Osher & Fatemi (1992),
    doi:10.1016/0167-2789(92)90242-F. Columns go around the sphere; the last row has no next one.
    """
    means = np.empty(fields.shape[:-1], np.result_type(fields, np.float32))
    for row in range(0, fields.shape[-2], ROWS):
        rows, near = (fields[..., row : row + count, :] for count in (ROWS, ROWS + 1))
        squares = np.diff(rows, axis=-1, append=rows[..., :1]) ** 2
        squares[..., : near.shape[-2] - 1, :] += np.diff(near, axis=-2) ** 2
        means[..., row : row + ROWS] = np.sqrt(squares).mean(-1)
    return means.mean(-1, dtype=float)


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
