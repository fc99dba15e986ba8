"""The scale that brings a content loss to the size of the mean squared error."""

import numpy as np


def content_scale(content: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Factor that brings the content loss to the size of another distance, such as the mean squared error.

    ``content`` and ``other`` hold along their last axis, for the lags 1 … N, the mean content loss c and the
    mean m of the other distance; their other axes are broadcast. The factor is the least-squares fit s·c ≈ m
    over the upper half of the lags, where both curves are flat: s = Σ c m / Σ c² for k ≥ N/2. Lags at which
    the means are NaN are left out; where that leaves none, the factor is NaN.
    """
    lags = np.arange(1, content.shape[-1] + 1)
    c, m = content[..., 2 * lags >= len(lags)], other[..., 2 * lags >= len(lags)]
    c = np.where(np.isnan(m), np.nan, c)
    with np.errstate(invalid="ignore"):
        return np.nansum(c * m, axis=-1) / np.nansum(c**2, axis=-1)
