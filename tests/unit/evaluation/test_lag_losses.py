"""Distances by lag against closed forms and pandas."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from trainings import CPU

from atmodist.core.errors import InputError
from atmodist.evaluation.lag_losses import MEANINGS, distances, lag_losses
from atmodist.learning.devices import one_device
from atmodist.learning.losses import ContentLoss
from atmodist.learning.networks import Encoder
from atmodist.samples.normalise import Moments

MOMENTS = Moments(("divergence", "vorticity"), (0, 0), (1, 1), (0.1, -0.1), (0.2, 0.3), 0.2)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return Encoder(stages=(2, 4), blocks=1).eval()


def test_closed_forms(encoder):
    """Two constant standardised fields a and b: the distances follow with pencil and paper."""
    a, b = 1.0, -2.0
    first, second = (MOMENTS.forward(torch.full((3, 2, 32, 32), z), axis=1) for z in (a, b))
    found = distances(first, second, encoder, MOMENTS)
    c1 = (0.01 * (a - b)) ** 2  # SSIM's range is from min to max
    ssim = (2 * a * b + c1) / (a**2 + b**2 + c1)  # without variance, luminance is all that remains
    logarithms = np.log1p(0.2 * a) + np.log1p(0.2 * -b)
    expected = {
        "mse": np.mean([(logarithms / 0.2) ** 2, (logarithms / 0.3) ** 2]),
        "l1": abs(a - b),
        "l2": (a - b) ** 2,
        "psnr": 50 - 10 * np.log10(max(abs(a), abs(b)) ** 2 / (a - b) ** 2),
        "ssim": 1 - (1 + ssim) / 2,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], [value] * 3, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("partner", [0, 1])
def test_ranges_come_from_the_whole_batch(encoder, partner):
    """One extreme pixel in one patch changes the PSNR of all: 20·log10 of its ratio to the former extreme."""
    torch.manual_seed(2)
    z = torch.randn(2, 4, 2, 32, 32).clamp(-3, 3)
    z[partner, 0, 0, 0, 0] = 3
    before = distances(*(MOMENTS.forward(field, axis=1) for field in z), encoder, MOMENTS)
    z[partner, 0, 0, 0, 0] = -30
    after = distances(*(MOMENTS.forward(field, axis=1) for field in z), encoder, MOMENTS)
    np.testing.assert_allclose((before["psnr"] - after["psnr"])[1:], [20 * np.log10(10)] * 3, rtol=1e-3)
    assert (after["ssim"][1:] < before["ssim"][1:]).all()


def test_equal_fields_have_no_distance(encoder):
    x = torch.randn(2, 2, 32, 32)
    found = distances(x, x, encoder, MOMENTS)
    assert found["psnr"].tolist() == [-np.inf] * 2
    for name in ("stage1", "stage2", "mse", "l1", "l2", "ssim"):
        np.testing.assert_allclose(found[name], 0, atol=1e-6)


def batches(labels):
    torch.manual_seed(1)
    for label in labels:
        first, second = torch.randn(2, len(label), 2, 32, 32)
        yield first.half(), second.half(), torch.tensor(label)


def test_mean_and_deviation_by_lag(encoder):
    labels = [[0, 1, 2, 0], [2, 2, 1]]
    hours = np.datetime64("2001-07-01T00", "h") + np.array([20, 30, 100, 23, 47, 0, 24])
    training = copy.deepcopy(encoder).train()
    both = lag_losses(one_device(CPU), training, MOMENTS, batches(labels), hours, lags=3, step_hours=6)
    assert both.keys() == {"stage1", "stage2"}
    for layer, found in both.items():
        rows = []
        for first, second, label in batches(labels):
            first, second = first.float(), second.float()
            values = distances(first, second, encoder, MOMENTS)
            values["content"] = ContentLoss(encoder, layer)(first, second)
            rows.append(pd.DataFrame({"lag": 6 * (label + 1), **values}))
        rows = pd.concat(rows).assign(day=hours.astype("datetime64[D]").astype("datetime64[ns]"))
        groups = rows.groupby("lag")
        days = rows.groupby(["day", "lag"])
        for name in MEANINGS:
            np.testing.assert_allclose(found["mean"].sel(measure=name), groups[name].mean(), rtol=1e-5)
            np.testing.assert_allclose(found["std"].sel(measure=name), groups[name].std(ddof=0), rtol=1e-3)
            of_days = days[name].sum().unstack(fill_value=0)
            np.testing.assert_allclose(found["sum"].sel(measure=name), of_days, rtol=1e-5)
        assert found["day"].values.tolist() == of_days.index.values.tolist()
        assert found["pairs"].values.tolist() == days.size().unstack(fill_value=0).values.tolist()
        assert found["count"].values.tolist() == [2, 2, 3]
        assert found["lag"].values.tolist() == [6, 12, 18]
        assert found.attrs["layer"] == layer
        c, m = (found["mean"].sel(measure=name).values[1:] for name in ("content", "mse"))  # k ≥ 3/2
        assert found["scale"].sel(measure="mse") == pytest.approx((c * m).sum() / (c * c).sum())
        assert found["scale"].sel(measure="content") == pytest.approx(1)


def test_a_lag_without_pairs_is_named(encoder):
    with pytest.raises(InputError, match="no pair has lag 2"):
        lag_losses(
            one_device(CPU), encoder, MOMENTS, batches([[0, 2]]), np.zeros(2, "M8[h]"), lags=3, step_hours=3
        )


def test_distances_that_are_not_finite_are_refused(encoder):
    broken = ((first, second * np.nan, label) for first, second, label in batches([[0, 1, 2]]))
    days = np.zeros(3, "M8[h]")
    with pytest.raises(InputError, match="the network gives distances that are not finite"):
        lag_losses(one_device(CPU), encoder, MOMENTS, broken, days, lags=3, step_hours=3)


def test_a_layer_that_sees_no_difference_is_refused(encoder):
    """A loss that is 0 at every lag has no scale."""
    dead = copy.deepcopy(encoder)
    with torch.no_grad():
        for parameter in dead.stages[1].parameters():
            parameter.zero_()
    days = np.zeros(3, "M8[h]")
    with pytest.raises(InputError, match="stage2 of the network is the same for all patches; train it again"):
        lag_losses(one_device(CPU), dead, MOMENTS, batches([[0, 1, 2]]), days, lags=3, step_hours=3)


def test_a_repeated_field_is_told_from_a_broken_network(encoder):
    """Its pairs have an infinite peak signal-to-noise ratio."""
    (first, second, label), *_ = batches([[0, 1, 2]])
    second[1] = first[1]
    days = np.zeros(3, "M8[h]")
    pairs = [(first[i : i + 1], second[i : i + 1], label[i : i + 1]) for i in range(3)]
    with pytest.raises(InputError, match=r"psnr of pairs of lag 2 is not finite.* is a field repeated"):
        lag_losses(one_device(CPU), encoder, MOMENTS, pairs, days, lags=3, step_hours=3)
