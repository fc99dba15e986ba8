"""Fréchet distance of two normal distributions, as which sets of representations are taken.

Dowson & Landau (1982), doi:10.1016/0047-259X(82)90077-X; for networks Heusel et al. (2017), arXiv:1706.08500.
"""

import numpy as np
import xarray as xr


def frechet_distance(
    mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray
) -> np.ndarray:
    """Squared distance of two normal distributions: |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½).

    Means (..., D) and covariances (..., D, D), which may be singular; the distances are (...).
    """
    root = _root(covariance)
    product = np.linalg.eigvalsh(root @ other_covariance @ root)
    traces = np.trace(covariance + other_covariance, axis1=-2, axis2=-1)
    return np.square(mean - other_mean).sum(-1) + traces - 2 * np.sqrt(product.clip(0)).sum(-1)


def distances(found: xr.Dataset, truth: xr.Dataset) -> xr.DataArray:
    """Fréchet distance along ``sample`` of a system from the truth, by the means of their moments."""
    values = frechet_distance(*_normals(found), *_normals(truth))
    return found["representation_mean"].isel(channel=0, drop=True).copy(data=values)


def _normals(moments):
    """Means (sample, D) and covariances (sample, D, D)."""
    mean = moments["representation_mean"].transpose("sample", "channel").values
    square = moments["representation_square"].transpose("sample", "channel", "other_channel").values
    return mean, square - mean[:, :, None] * mean[:, None, :]


def _root(covariance):
    """Square roots of symmetric matrices without negative eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(0))[..., None, :]) @ np.swapaxes(vectors, -2, -1)
