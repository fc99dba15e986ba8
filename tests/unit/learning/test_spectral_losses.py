"""The spectral losses against waves whose error is known in closed form, and against Parseval."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from atmodist.learning.spectral_losses import SpectralLoss, rings

PATCH = 32


def wave(rows, columns, amplitude=1.0, phase=0.0):
    """A×cos(2π (rows·y + columns·x) / P − φ) as 1×1×P×P; its mean square is A²/2."""
    y, x = torch.meshgrid(*2 * [torch.arange(PATCH, dtype=torch.float64)], indexing="ij")
    return (amplitude * torch.cos(2 * np.pi * (rows * y + columns * x) / PATCH - phase))[None, None].float()


def noise(seed, *shape):
    return torch.randn(*shape, PATCH, PATCH, generator=torch.Generator().manual_seed(seed))


def total(parts):
    return [part.sum().item() for part in parts]


@pytest.mark.parametrize("patch", [31, 32])
def test_rings_count_every_wave_once(patch):
    number, count = rings(patch)
    whole = torch.fft.fftfreq(patch, 1 / patch)
    expected = torch.sqrt(whole[:, None] ** 2 + whole**2).round().long()
    assert torch.equal(
        torch.bincount(number.flatten(), count.flatten()), torch.bincount(expected.flatten()).double()
    )


@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (3, 4), (-3, 4), (5, 0), (0, 16), (16, 0)])
def test_a_shift_costs_decorrelation_alone(rows, columns):
    """A wave of mean square A²/2 turned by φ is off by 2 · A²/2 · (1 − cos φ)."""
    alone = rows == 16 or columns == 16  # the shortest wave of the grid has but one phase
    phase = np.pi if alone else 1.1
    square = 4.0 if alone else 2.0
    amplitude, decorrelation = SpectralLoss(PATCH).parts(
        wave(rows, columns, 2), wave(rows, columns, 2, phase)
    )
    assert amplitude.abs().max() < 1e-6
    expected = torch.zeros_like(decorrelation)
    expected[..., round(np.hypot(rows, columns))] = 2 * square * (1 - np.cos(phase))
    torch.testing.assert_close(decorrelation, expected, atol=1e-5, rtol=1e-5)


def test_a_factor_costs_amplitude_alone():
    """Half a field is off by (1 − 1/2)² of its mean square."""
    truth = noise(0, 3, 2)
    loss = SpectralLoss(PATCH)
    amplitude, decorrelation = loss.parts(truth, truth / 2)
    assert decorrelation.abs().max() < 1e-5
    torch.testing.assert_close(amplitude.sum(-1), truth.square().mean((-2, -1)) / 4, rtol=1e-5, atol=1e-6)


def test_it_is_the_mean_squared_error_where_the_powers_are_equal():
    """Two fields of equal power at every scale: then the maximum is the geometric mean."""
    truth, other = noise(1, 2, 2), noise(2, 2, 2)
    spectrum, number = torch.fft.rfft2(other), rings(PATCH)[0]
    loss = SpectralLoss(PATCH)
    powers = [(torch.fft.rfft2(each).abs() ** 2).flatten(-2) @ loss.ring for each in (truth, other)]
    same = torch.fft.irfft2(spectrum * torch.sqrt(powers[0] / powers[1])[..., number], s=(PATCH, PATCH))
    expected = F.mse_loss(truth, same, reduction="none").mean((1, 2, 3))
    torch.testing.assert_close(loss(truth, same), expected, rtol=1e-4, atol=1e-5)


def test_weakness_is_not_rewarded():
    """Against a wave of unknown phase the squared error is least at nothing, this error at full strength."""
    loss, strengths = SpectralLoss(PATCH), np.linspace(0.1, 1.5, 15)
    phases = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    truth = torch.cat([wave(3, 4, 1, phase) for phase in phases])
    estimates = [wave(3, 4, strength).expand_as(truth) for strength in strengths]
    adjusted = [loss(truth, estimate).mean().item() for estimate in estimates]
    squared = [F.mse_loss(truth, estimate).item() for estimate in estimates]
    assert np.argmin(squared) == 0
    assert strengths[np.argmin(adjusted)] == pytest.approx(1)
    # Subich et al. 2025: (1 − s)² A²/2 + 2 max(1, s²) A²/2, as the mean coherence is 0
    expected = ((1 - strengths) ** 2 + 2 * np.maximum(1, strengths**2)) / 2
    np.testing.assert_allclose(adjusted, expected, rtol=1e-4)


@pytest.mark.parametrize("estimate", ["nothing", "truth", "noise"])
def test_gradients_are_finite(estimate):
    truth = noise(3, 2, 2)
    truth = truth - truth.mean((-2, -1), keepdim=True)  # a ring without power
    found = {"nothing": 0 * truth, "truth": truth.clone(), "noise": noise(4, 2, 2)}[estimate].requires_grad_()
    SpectralLoss(PATCH)(truth, found).sum().backward()
    assert torch.isfinite(found.grad).all()


def test_mixed_precision_does_not_touch_it():
    truth, found = noise(5, 2, 2), noise(6, 2, 2)
    loss = SpectralLoss(PATCH)
    expected = loss(truth, found)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss(truth, found), expected)
