"""The Laplace fill and the scores of filled squares against closed forms."""

import numpy as np
import pytest

from atmodist.evaluation import fills
from atmodist.evaluation.bootstrap import Bootstrap
from atmodist.evaluation.fills import laplace_fill, scores
from atmodist.learning.inpainting import square_of

ROW, COLUMN = np.mgrid[:32, :32].astype(float)
SQUARE = square_of(32)


def hole(field):
    """The field with nonsense in its square."""
    holed = field.copy()
    holed[..., SQUARE, SQUARE] = np.nan
    return holed


@pytest.mark.parametrize(
    "field",
    [3 + 2 * ROW - 5 * COLUMN, ROW**2 - COLUMN**2, ROW * COLUMN, ROW**3 - 3 * ROW * COLUMN**2],
    ids=["linear", "saddle", "product", "cubic"],
)
def test_harmonic_fields_are_filled_exactly(field):
    """These are harmonic for the five-point stencil, too."""
    np.testing.assert_allclose(laplace_fill(hole(field)), field, rtol=1e-9, atol=1e-7)


def test_fill_is_the_limit_of_averaging_neighbours():
    field = np.random.default_rng(0).standard_normal((2, 3, 32, 32))
    slow = field.copy()
    slow[..., SQUARE, SQUARE] = 0
    for _ in range(2000):
        around = sum(np.roll(slow, shift, axis) for shift in (-1, 1) for axis in (-2, -1)) / 4
        slow[..., SQUARE, SQUARE] = around[..., SQUARE, SQUARE]
    found = laplace_fill(hole(field))
    np.testing.assert_allclose(found, slow, atol=1e-10)
    assert found[..., SQUARE, SQUARE].std() < field.std(), "a membrane is smooth"


def test_scores_of_the_truth():
    field = 3 + 2 * ROW - 5 * COLUMN
    found = scores(field, field)
    assert found["squared_error"] == found["gradient_error"] == 0
    assert found["gradient"] == pytest.approx(2**2 + 5**2)
    assert found["edge_jump"] == pytest.approx(0)


def test_scores_of_a_square_that_is_too_high():
    field = 3 + 2 * ROW - 5 * COLUMN
    step = field.copy()
    step[SQUARE, SQUARE] += 0.5
    found = scores(field, step)
    assert found["squared_error"] == pytest.approx(0.25)
    assert found["gradient_error"] == pytest.approx(0, abs=1e-12)
    assert found["edge_jump"] == pytest.approx(0.25), "a step of height h jumps by h²"


def test_scores_of_a_square_that_slopes_the_other_way():
    """Gradients that are as long as the truth's, and wrong by twice their length."""
    field = 3 + 2 * ROW - 5 * COLUMN
    found = scores(field, -field)
    assert found["gradient"] == pytest.approx(2**2 + 5**2)
    assert found["gradient_error"] == pytest.approx(4**2 + 10**2)


def test_scores_of_a_square_that_slopes():
    field = np.zeros((4, 32, 32))
    slope = field.copy()
    slope[..., SQUARE, SQUARE] = (ROW - (SQUARE.start - 1))[SQUARE, SQUARE]
    found = scores(field, slope)
    assert found["gradient_error"] == pytest.approx(1)
    upper = [1, 0]  # continuous at the upper side, where the gradient alone jumps: by 1 outside, not inside
    lower = [8**2, 9**2]
    n = np.arange(1, 9)
    sides = 2 * [n**2, n**2]
    expected = np.mean([np.mean(upper), np.mean(lower), *[np.mean(side) for side in sides[:2]]])
    assert found["edge_jump"] == pytest.approx(expected)


DAYS = np.datetime64("2001-01-01T00", "h") + np.timedelta64(12, "h") * np.array([0, 5, 1, 3, 3, 0] * 2)


def summed(truth, found, days=DAYS, size=12):
    sums = fills.DailySums(["divergence", "vorticity"], "l2", days, examples=3)
    for start in range(0, len(truth), size):
        sums.update(truth[start : start + size], found[start : start + size])
    return sums.result()


def test_sums_of_days_do_not_depend_on_batches():
    rng = np.random.default_rng(0)
    truth, found = rng.standard_normal((2, 12, 2, 32, 32))
    found = fills.inserted(truth, found)
    results = [summed(truth, found, size=size) for size in (12, 5, 1)]
    assert results[0]["patches"].values.tolist() == [6, 4, 2]
    for other in results[1:]:
        for name in ("scores", "spectra"):
            np.testing.assert_allclose(results[0][name], other[name])
        np.testing.assert_array_equal(other["field"].sel(system="truth"), truth[:3])
        np.testing.assert_array_equal(other["field"].sel(system="l2"), found[:3])
    second = (DAYS.astype("datetime64[D]") == np.datetime64("2001-01-02")).nonzero()[0]
    at = {"system": "l2", "variable": "vorticity", "day": "2001-01-02"}
    expected = np.square(truth - found)[second, 1, SQUARE, SQUARE].mean((1, 2)).sum()
    assert results[0]["scores"].sel(score="squared_error", **at).item() == pytest.approx(expected)
    assert not results[0]["scores"].sel(system="truth", score="squared_error").any()


def test_another_square_leaves_the_rest():
    truth, found = np.random.default_rng(0).standard_normal((2, 3, 32, 32))
    result = fills.inserted(truth, found)
    assert (result == truth).sum() == 3 * (32**2 - 8**2)
    np.testing.assert_array_equal(result[:, SQUARE, SQUARE], found[:, SQUARE, SQUARE])


def test_relative_scores_of_a_weaker_square():
    """Half the truth: a quarter of the gradients' squares and of the power, half a decade and more off."""
    rng = np.random.default_rng(1)
    truth = rng.standard_normal((12, 2, 32, 32))
    result = summed(truth, fills.inserted(truth, truth / 2))
    found = fills.relative_scores(result, "l2", Bootstrap(1, 50, 0))
    assert {each.sizes["sample"] for each in found.values()} == {51}
    np.testing.assert_allclose(found["gradient_over_truth"], 0.25)
    np.testing.assert_allclose(found["spectrum_error"], np.log10(4))
    square = truth[..., SQUARE, SQUARE]
    np.testing.assert_allclose(found["squared_error"][0], np.square(square / 2).mean((0, 2, 3)))
    exact = fills.relative_scores(summed(truth, truth), "l2", Bootstrap(1, 50, 0))
    np.testing.assert_allclose(exact["edge_jump_over_truth"], 1)
    np.testing.assert_allclose(exact["spectrum_error"], 0, atol=1e-12)
