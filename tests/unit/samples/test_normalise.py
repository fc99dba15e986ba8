from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atmodist.core.errors import InputError
from atmodist.samples.normalise import Moments, compute_moments

ALPHA = 0.2
ERA5 = Moments(  # the constants of Hoffmann & Lessig (2023)
    variables=("divergence", "vorticity"),
    mean=(1.9464334e-8, 2.0547947e-7),
    std=(2.8568757e-5, 5.081943e-5),
    log_mean=(8.821452e-4, 3.2483143e-4),
    log_std=(0.15794525, 0.16044095),
    alpha=ALPHA,
)
physical = arrays(np.float64, (3, 2, 4), elements=st.floats(-1e-2, 1e-2))


@given(physical)
def test_the_inverse_undoes_the_transform(x):
    y = ERA5.forward(x, axis=1)
    np.testing.assert_allclose(ERA5.inverse(y, axis=1), x, rtol=1e-9, atol=1e-17)
    np.testing.assert_allclose(
        ERA5.log_inverse(y, axis=1), ERA5.standardise(x, axis=1), rtol=1e-9, atol=1e-13
    )


class Named(torch.Tensor):
    """A tensor with more to it, of another module than PyTorch's."""


def test_subclasses_of_tensors_are_tensors():
    x = torch.full((1, 2, 4), 1e-5)
    found = ERA5.forward(x.as_subclass(Named), axis=1)
    assert isinstance(found, Named)
    assert torch.equal(found.as_subclass(torch.Tensor), ERA5.forward(x, axis=1))


@given(physical)
def test_torch_and_numpy_agree(x):
    for name in ("standardise", "forward", "inverse", "log_inverse"):
        transform = getattr(ERA5, name)
        with np.errstate(over="ignore"):
            expected = transform(x, axis=-2)
        np.testing.assert_allclose(transform(torch.from_numpy(x), axis=-2), expected, rtol=1e-12, atol=1e-30)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    x = np.full((2, 3), 1e-5, dtype)
    assert ERA5.forward(x, axis=0).dtype == dtype
    assert ERA5.inverse(torch.from_numpy(x), axis=0).dtype == torch.from_numpy(x).dtype


def test_the_transform_by_hand():
    x = np.array([[1.9464334e-8 - 5 * 2.8568757e-5], [2.0547947e-7 + 5 * 5.081943e-5]])  # z = -5 and 5
    expected = [[(-np.log(2) - 8.821452e-4) / 0.15794525], [(np.log(2) - 3.2483143e-4) / 0.16044095]]
    np.testing.assert_allclose(ERA5.forward(x, axis=0), expected, rtol=1e-12)
    np.testing.assert_allclose(ERA5.standardise(x, axis=0), [[-5], [5]], rtol=1e-12)


@pytest.fixture
def skewed():
    """Fields (2, 7, 6, 12) of s-1 with a large mean and heavy tails."""
    x = np.random.default_rng(1).standard_t(3, (2, 7, 6, 12)) * [[[[3e-5]]], [[[6e-5]]]] + 1e-4
    return x.astype(np.float32)


def fields_of(x):
    """What `store.Fields` gives, of an array in memory."""
    return SimpleNamespace(
        variables=("divergence", "vorticity"),
        shape=x.shape,
        time=np.datetime64("2001-01-01T00", "h") + 3 * np.arange(x.shape[1]),
        read=lambda time: x[:, time],
    )


def test_moments_equal_those_in_memory(skewed):
    moments = compute_moments(fields_of(skewed), ALPHA)
    x = skewed.astype(np.float64).reshape(2, -1)
    np.testing.assert_allclose(moments.mean, x.mean(1), rtol=1e-12)
    np.testing.assert_allclose(moments.std, x.std(1), rtol=1e-12)
    z = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    logarithm = np.copysign(np.log(1 + ALPHA * np.abs(z)), z)
    np.testing.assert_allclose(moments.log_mean, logarithm.mean(1), atol=1e-7)
    np.testing.assert_allclose(moments.log_std, logarithm.std(1), rtol=1e-6)
    assert (moments.variables, moments.samples) == (("divergence", "vorticity"), 7 * 6 * 12)
    assert (moments.start, moments.end) == ("2001-01-01T00", "2001-01-01T18")


def test_normalised_data_have_zero_mean_and_unit_variance(skewed):
    y = compute_moments(fields_of(skewed), ALPHA).forward(skewed.astype(np.float64), axis=0)
    np.testing.assert_allclose(y.mean((1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(y.std((1, 2, 3)), 1, atol=1e-6)


def test_moments_do_not_depend_on_threads(skewed):
    one, four = (compute_moments(fields_of(skewed), ALPHA, threads) for threads in (1, 4))
    assert one == four


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(skewed, value):
    skewed[1, 3, 2, 2] = value
    with pytest.raises(InputError, match=r"vorticity has mean .* expected finite"):
        compute_moments(fields_of(skewed), ALPHA)


def test_a_constant_variable_is_refused(skewed):
    skewed[0] = 0
    with pytest.raises(InputError, match=r"divergence has .* deviation 0;"):
        compute_moments(fields_of(skewed), ALPHA)


def test_moments_survive_the_disk(tmp_path):
    ERA5.save(tmp_path / "moments.json")
    assert Moments.load(tmp_path / "moments.json") == ERA5


@pytest.mark.parametrize("content", ["{", '{"mean": 1}', "[]"])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "moments.json").write_text(content)
    with pytest.raises(InputError, match=r"moments\.json is no JSON file of this workflow"):
        Moments.load(tmp_path / "moments.json")
