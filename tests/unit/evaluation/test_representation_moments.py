"""Moments of representations against those of the pixels, and the distance of systems that they give."""

import numpy as np
import pytest
import torch
import xarray as xr

from atmodist.evaluation.frechet import distances
from atmodist.evaluation.representation_moments import RepresentationMoments
from atmodist.learning.representations import represent
from atmodist.samples.normalise import Moments

LATITUDE, LONGITUDE = 90 - np.arange(64) * 180 / 64, np.arange(128) * 180 / 64
MOMENTS = Moments(("divergence", "vorticity"), (0, 0), (1e-5, 1e-5), (0, 0), (0.2, 0.2), 0.2)


def frame(seed, size=1e-5):
    values = size * np.random.default_rng(seed).standard_normal((2, 64, 128), np.float32)
    coordinates = {"variable": list(MOMENTS.variables), "latitude": LATITUDE, "longitude": LONGITUDE}
    return xr.DataArray(values, coordinates, list(coordinates))


def seen(encoder, frames):
    metric = RepresentationMoments(encoder, "stage2", 32, MOMENTS)
    for each in frames:
        metric.add(metric.measure(each, each))
    return metric.result()


def test_moments_are_those_of_the_pixels_weighted_by_area(encoder):
    frames = [frame(seed) for seed in range(3)]
    found = seen(encoder, frames)
    vectors, weights = [], []
    for each in frames:
        field = MOMENTS.forward(torch.from_numpy(each.values), axis=0)
        vectors.append(represent(encoder, field, "stage2", 32).numpy().reshape(4, -1))
        row = np.cos(np.radians(LATITUDE.reshape(-1, 8).mean(1)))
        weights.append(np.repeat(row, 16))
    vectors, weights = np.concatenate(vectors, axis=1), np.concatenate(weights)
    mean = np.average(vectors, axis=1, weights=weights)
    np.testing.assert_allclose(found["representation_mean"], mean, rtol=1e-4)
    covariance = np.cov(vectors, aweights=weights, ddof=0)
    square = found["representation_square"].values
    np.testing.assert_allclose(square - np.outer(mean, mean), covariance, rtol=1e-3, atol=1e-6)


def test_weaker_fields_are_farther_from_the_truth(encoder):
    """Along ``sample``: no distance from itself, and a larger one the weaker the fields are."""
    truth = seen(encoder, [frame(seed) for seed in range(4)]).expand_dims("sample")
    values = [
        distances(seen(encoder, [frame(seed, size) for seed in range(4)]).expand_dims("sample"), truth).item()
        for size in (1e-5, 0.8e-5, 0.4e-5)
    ]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values[0] < values[1] < values[2]
    draws = xr.concat([truth, truth], "sample")
    assert distances(draws, draws).sizes == {"sample": 2}
