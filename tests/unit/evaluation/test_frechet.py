"""Fréchet distance against its closed forms and scipy's matrix root."""

import numpy as np
import pytest
import xarray as xr
from scipy.linalg import sqrtm

from atmodist.evaluation.frechet import distances, frechet_distance


def test_equal_distributions_have_none():
    covariance = np.cov(np.random.default_rng(0).standard_normal((4, 50)))
    assert frechet_distance(np.ones(4), covariance, np.ones(4), covariance) == pytest.approx(0, abs=1e-12)


def test_independent_components_add_up():
    """For diagonal covariances it is the sum over components of (μ − μ′)² + (σ − σ′)²."""
    found = frechet_distance(np.array([1.0, 2]), np.diag([4.0, 9]), np.array([4.0, 2]), np.diag([1.0, 25]))
    assert found == pytest.approx(3**2 + (2 - 1) ** 2 + (3 - 5) ** 2)


def test_general_covariances_agree_with_scipy():
    rng = np.random.default_rng(1)
    first, second = (np.cov(rng.standard_normal((6, 6)) @ rng.standard_normal((6, 80))) for _ in range(2))
    means = rng.standard_normal((2, 6))
    expected = np.square(means[0] - means[1]).sum()
    expected += np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet_distance(means[0], first, means[1], second) == pytest.approx(expected)
    assert frechet_distance(means[1], second, means[0], first) == pytest.approx(expected)


def test_singular_covariances_are_allowed():
    """Fewer samples than channels: the same distribution, moved, is as far as it was moved."""
    covariance = np.outer([1.0, 2, 3], [1, 2, 3])
    found = frechet_distance(np.zeros(3), covariance, np.array([0, 0, 2.0]), covariance)
    assert found == pytest.approx(4)


def test_distances_of_samples_follow_from_their_moments():
    """The mean of x xᵀ is the covariance plus the product of the means."""

    def moments(means, covariances):
        means = np.array(means, float)
        squares = [each + np.outer(mean, mean) for each, mean in zip(covariances, means, strict=True)]
        return xr.Dataset(
            {
                "representation_mean": (("sample", "channel"), means),
                "representation_square": (("sample", "channel", "other_channel"), np.stack(squares)),
            }
        )

    found = moments([[1, 2], [5, 0]], [np.diag([4.0, 9]), np.eye(2)])
    truth = moments([[4, 2], [5, 0]], [np.diag([1.0, 25]), 9 * np.eye(2)])
    result = distances(found, truth)
    assert result.dims == ("sample",)
    assert result.values.tolist() == pytest.approx([3**2 + (2 - 1) ** 2 + (3 - 5) ** 2, 2 * (3 - 1) ** 2])
