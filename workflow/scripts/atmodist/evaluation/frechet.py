"""Fréchet distance of two normal distributions, as which sets of representations are taken.

Dowson & Landau (1982), doi:10.1016/0047-259X(82)90077-X; for networks Heusel et al. (2017), arXiv:1706.08500.
"""

import numpy as np
import xarray as xr


def frechet_distance(
    mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray
) -> float:
    """Squared distance of two normal distributions: |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½).

    Means (D,) and covariances (D, D), which may be singular.
    """
    root = _root(covariance)
    product = np.linalg.eigvalsh(root @ other_covariance @ root)
    traces = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sqrt(product.clip(0)).sum()
    return float(np.square(mean - other_mean).sum() + traces)


def distances(found: xr.Dataset, truth: xr.Dataset) -> xr.DataArray:
    """Fréchet distance along ``sample`` of a system from the truth, by the means of their moments."""

    def normal(moments, sample):
        at = moments.isel(sample=sample)
        mean = at["representation_mean"].values
        return mean, at["representation_square"].transpose("channel", "other_channel").values - np.outer(
            mean, mean
        )

    values = [
        frechet_distance(*normal(found, sample), *normal(truth, sample))
        for sample in range(found.sizes["sample"])
    ]
    return xr.DataArray(values, dims="sample")


def _root(covariance):
    """Square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T
