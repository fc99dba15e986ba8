"""The scale of a content loss against curves whose factor is known."""

import numpy as np
import pytest

from atmodist.learning.calibration import content_scale


def test_scale_recovers_a_proportional_curve():
    c = np.linspace(1, 2, 31)
    assert content_scale(c, 3.5 * c) == pytest.approx(3.5)
    m = np.where(np.arange(1, 32) >= 15.5, 3.5 * c, -100)  # lags below N/2 do not count
    assert content_scale(c, m) == pytest.approx(3.5)
    assert content_scale(np.array([9, 1, 2, 3.0]), np.array([9, 1, 1, 1.0])) == pytest.approx(6 / 14)
    several = np.array([[9, 1, 2, 3.0], [9, 1, np.nan, 3.0], [9, 1, 2, np.nan]])
    found = content_scale(several, np.where(np.isnan(several), np.nan, 1))
    np.testing.assert_allclose(found, [6 / 14, 4 / 10, 3 / 5], err_msg="lags without a mean are left out")
