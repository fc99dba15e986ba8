"""Each series changes what it says and keeps what it says, checked on random fields of the sphere."""

import numpy as np
import pytest

from atmodist.data import spectral
from atmodist.data.sphere import EARTH_RADIUS
from atmodist.evaluation import degradations, families
from atmodist.evaluation.degradations import Window
from atmodist.evaluation.families import MOVES, VORTEX_MOVES, VORTEX_RADIUS

TRUNCATION = 31
ROWS = 2 * (TRUNCATION + 1)
WINDOW = Window(row=10, column=120, patch=16)  # across the meridian where columns begin


@pytest.fixture
def cilm():
    rng = np.random.default_rng(0)
    degree, order = np.mgrid[: TRUNCATION + 1, : TRUNCATION + 1]
    values = rng.standard_normal((2, 2, TRUNCATION + 1, TRUNCATION + 1)) * (order <= degree)
    values[:, 1, :, 0] = 0
    return values


def test_a_window_goes_round_the_sphere():
    columns = np.tile(np.arange(2 * ROWS), (ROWS, 1))
    assert WINDOW.cut(columns)[0].tolist() == [120, 121, 122, 123, 124, 125, 126, 127, *range(8)]
    assert WINDOW.centre(ROWS) == pytest.approx(np.radians(spectral.latitudes(TRUNCATION)[18]))


def test_truncation_leaves_the_lower_degrees_alone(cilm):
    states = degradations.truncated(cilm)
    for share, state in zip(families.KEPT_DEGREES, states, strict=True):
        last = int(share * TRUNCATION)
        np.testing.assert_array_equal(state[:, :, : last + 1], cilm[:, :, : last + 1])
        assert not state[:, :, last + 1 :].any()


def test_turned_phases_keep_every_amplitude_and_the_cospectrum(cilm):
    states = degradations.turned(cilm, np.random.default_rng(1))
    for turn, state in zip(families.TURNS, states, strict=True):
        np.testing.assert_allclose(np.hypot(*state.swapaxes(0, 1)), np.hypot(*cilm.swapaxes(0, 1)))
        np.testing.assert_array_equal(state[:, 0, :, 0], cilm[:, 0, :, 0])
        np.testing.assert_allclose((state[0] * state[1]).sum((0, 2)), (cilm[0] * cilm[1]).sum((0, 2)))
        before, after = (each[0, 0] + 1j * each[0, 1] for each in (cilm, state))
        angle = np.angle((after * before.conj())[np.tril_indices(TRUNCATION + 1)])
        assert 0.9 * np.pi * turn < angle.max() <= np.pi * turn + 1e-9
        assert 0.9 * np.pi * turn < -angle.min() <= np.pi * turn + 1e-9


def test_changed_amplitudes_keep_every_phase_and_the_spectrum(cilm):
    states = degradations.scaled(cilm, np.random.default_rng(2))
    for state in states:
        np.testing.assert_allclose(spectral.power(state), spectral.power(cilm))
        before, after = (each[0, 0] + 1j * each[0, 1] for each in (cilm, state))
        kept = np.tril_indices(TRUNCATION + 1)
        np.testing.assert_allclose(np.angle((after * before.conj())[kept]), 0, atol=1e-9)
    change = [((state - cilm) ** 2).sum() for state in states]
    assert (np.diff(change) > 0).all()


def test_changed_amplitudes_are_lognormal(cilm):
    """exp(s ξ) with a standard normal ξ, but for what all orders of a degree have in common."""
    states = degradations.scaled(cilm, np.random.default_rng(2))
    for strength, state in zip(families.FACTORS, states, strict=True):
        logarithm = [
            np.log(np.hypot(*state[0, :, n, : n + 1]) / np.hypot(*cilm[0, :, n, : n + 1]))
            for n in range(10, TRUNCATION + 1)
        ]
        variance = np.average([each.var(ddof=1) for each in logarithm], weights=range(10, TRUNCATION + 1))
        assert np.sqrt(variance) == pytest.approx(strength, rel=0.1)


def test_a_wave_moves_by_its_kilometres():
    """cos(m λ) turned east by x km at latitude φ is cos(m (λ − x / (a cos φ)))."""
    longitude = np.radians(spectral.longitudes(TRUNCATION))
    fields = np.tile(np.cos(5 * longitude), (2, ROWS, 1))
    found = degradations.moved(fields, WINDOW)
    for move, state in zip(MOVES, found, strict=True):
        distance = move * np.pi * EARTH_RADIUS / TRUNCATION
        angle = distance / EARTH_RADIUS / np.cos(WINDOW.centre(ROWS))
        expected = WINDOW.cut(np.tile(np.cos(5 * (longitude - angle)), (2, ROWS, 1)))
        np.testing.assert_allclose(state, expected, atol=1e-12)


@pytest.mark.parametrize(("row", "sign"), [(60, 1), (150, -1)])
def test_a_vortex_is_a_cyclone_that_moves_by_its_kilometres(row, sign):
    window = Window(row, 0, 32)
    states = sign * degradations.vortices(4 * ROWS, window, 3.0)
    length = degradations.half_wavelength(4 * ROWS)
    peaks = [np.unravel_index(state.argmax(), state.shape) for state in states]
    assert {peak[0] for peak in peaks} <= {15, 16, 17}
    point = np.pi * EARTH_RADIUS / (4 * ROWS) * np.cos(window.centre(4 * ROWS))
    travelled = np.array([peak[1] - peaks[0][1] for peak in peaks[1:]]) * point
    np.testing.assert_allclose(travelled, np.array(VORTEX_MOVES) * length, atol=point)
    assert 2.5 < states.max() <= 3
    for move, state in zip((0, *VORTEX_MOVES), states, strict=True):
        place = ((np.arange(32) - 16) * point / length - (move - VORTEX_MOVES[-1] / 2)) / VORTEX_RADIUS
        np.testing.assert_allclose(state[16], 3 * np.exp(-(place**2) / 2), atol=0.02)


def test_a_blur_goes_as_far_as_a_move(cilm):
    blurs = degradations.on_the_grid(degradations.blurred(cilm))
    levels = WINDOW.cut(blurs).astype(float)
    anchor = WINDOW.cut(degradations.on_the_grid(cilm[None])[0]).astype(float)
    errors = ((levels - anchor) ** 2).mean((1, 2, 3))
    assert (np.diff(errors) > 0).all()
    for goal in (0.1 * errors[0], 0.3 * errors[-1], 0.9 * errors[-1]):
        target = anchor + np.sqrt(goal)
        found = degradations.as_far_as(target, anchor, levels)
        assert np.mean((found - anchor) ** 2) == pytest.approx(goal, rel=1e-9)
    assert degradations.as_far_as(anchor + 1.01 * np.sqrt(errors[-1]), anchor, levels) is None


def test_scrambling_grows_and_keeps_the_spectrum(cilm):
    states = degradations.scrambled(cilm, np.random.default_rng(3))
    for state in states:
        np.testing.assert_allclose(spectral.power(state), spectral.power(cilm))
    errors = ((states - cilm) ** 2).sum((1, 2, 3, 4))
    assert (np.diff(errors) > 0).all()
    assert errors[0] < 0.01 * (cilm**2).sum()
    before, after = (each[0, 0] + 1j * each[0, 1] for each in (cilm, states[-1]))
    angle = np.angle((after * before.conj())[np.tril_indices(TRUNCATION + 1)])
    assert -0.95 * np.pi > angle.min()
    assert abs(np.mean(angle)) < 0.05 * np.pi, "either way alike"
    assert errors[-1] > 1.5 * (cilm[..., 1:] ** 2).sum(), "of random phases it is twice the variance"


def test_the_weakest_blur_is_nearly_nothing(cilm):
    states = degradations.blurred(cilm)
    assert ((states[0] - cilm) ** 2).sum() < 1e-3 * (cilm**2).sum()
    assert (states[-1] ** 2).sum() < 0.02 * (cilm**2).sum()
