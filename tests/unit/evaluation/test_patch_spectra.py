"""Spectra of patches against waves and white noise."""

import numpy as np
import pytest

from atmodist.evaluation.patch_spectra import patch_spectra


def test_a_wave_has_its_power_at_its_wavenumber():
    row = np.arange(32)[:, None] + np.zeros(32)
    power = patch_spectra(7 + np.cos(2 * np.pi * 5 * row / 32))
    assert power.shape == (16,)
    assert power.argmax() == 5 - 1
    assert power[3:6].sum() == pytest.approx(0.5, rel=0.02), "the mean square of a cosine"
    assert power[8:].max() < 1e-4


def test_a_slope_has_no_small_scales():
    """Where its upper edge meets the lower one is a jump, were it not for the window."""
    power = patch_spectra(np.arange(32.0)[:, None] + np.zeros(32))
    assert power[6:].sum() < 1e-3 * power.sum()


def test_white_noise_has_the_power_of_its_variance():
    noise = 3 * np.random.default_rng(0).standard_normal((500, 16, 16))
    frequency = 16 * np.fft.fftfreq(16)
    ring = np.rint(np.hypot(frequency[:, None], frequency))
    share = np.array([(ring == k).sum() / 256 for k in range(1, 9)])
    # The first ring loses what the mean took away.
    np.testing.assert_allclose(patch_spectra(noise).mean(0)[1:], 9 * share[1:], rtol=0.05)
