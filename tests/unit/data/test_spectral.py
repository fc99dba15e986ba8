"""Spectral coefficients against closed forms, scipy's Legendre functions and ducc0 itself."""

import numpy as np
import pytest
import shtools
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import sph_legendre_p

from atmodist.core.errors import InputError
from atmodist.data import spectral

TRUNCATION = 31
LATITUDE = np.radians(spectral.latitudes(TRUNCATION))[:, None]
LONGITUDE = np.radians(spectral.longitudes(TRUNCATION))[None, :]
RATE = 1e-5


def random_packed(truncation, seed=0, shape=()):
    rng = np.random.default_rng(seed)
    n, m = spectral.degrees_and_orders(truncation)
    packed = rng.normal(size=(*shape, n.size)) + 1j * rng.normal(size=(*shape, n.size))
    packed[..., m == 0] = packed[..., m == 0].real
    return packed


def legendre(n, m, latitude):
    """ECMWF's Legendre function: half the integral of its square is 1, no Condon-Shortley phase."""
    return (-1) ** m * np.sqrt(4 * np.pi) * sph_legendre_p(n, m, np.pi / 2 - latitude)[0]


def vortex(latitude, longitude, r=0.6):
    """Packed coefficients of (1−r²)/(1−2r cos γ+r²)^1.5, γ the distance from a place (addition theorem)."""
    n, m = spectral.degrees_and_orders(TRUNCATION)
    return r**n * legendre(n, m, latitude) * np.exp(-1j * m * longitude)


def test_order_is_that_of_grib():
    n, m = spectral.degrees_and_orders(2)
    assert list(zip(n, m, strict=True)) == [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (2, 2)]


@given(st.integers(0, 2000))
def test_truncation_of_size(truncation):
    size = (truncation + 1) * (truncation + 2) // 2
    assert spectral.truncation_of(size) == truncation
    with pytest.raises(InputError, match=f"{size + 1} coefficients"):
        spectral.truncation_of(size + 1)


def test_grid_of_the_paper():
    latitudes, longitudes = spectral.latitudes(639), spectral.longitudes(639)
    assert (latitudes.size, longitudes.size) == (1280, 2560)
    assert latitudes[[0, 640]].tolist() == [90, 0]
    assert latitudes[-1] == pytest.approx(-90 + 0.140625)
    assert longitudes[1] == pytest.approx(0.140625)


@given(st.integers(0, 40), st.integers(0, 2**32))
def test_cilm_round_trip(truncation, seed):
    packed = random_packed(truncation, seed, shape=(2,))
    np.testing.assert_allclose(spectral.from_cilm(spectral.to_cilm(packed)), packed, rtol=1e-14)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (1, 0), (1, 1), (5, 2), (8, 7), (31, 31), (31, 4)])
@pytest.mark.parametrize("coefficient", [1, 1j])
def test_single_harmonic(n, m, coefficient):
    if m == 0:
        coefficient = 1
    degree, order = spectral.degrees_and_orders(TRUNCATION)
    packed = np.where((degree == n) & (order == m), coefficient, 0)
    expected = (1 + (m > 0)) * legendre(n, m, LATITUDE) * np.real(coefficient * np.exp(1j * m * LONGITUDE))
    np.testing.assert_allclose(spectral.synthesise(spectral.to_cilm(packed)), expected, atol=1e-12)


WAYS = {
    "ducc": lambda packed: spectral.synthesise(spectral.to_cilm(packed)),
    "shtools": lambda packed: shtools.synthesise(spectral.to_cilm(packed)),
    "packed": spectral.synthesise_packed,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("latitude", "longitude"), [(50, 10), (-35, 250), (90, 0)])
def test_vortex_appears_where_it_is(way, latitude, longitude):
    r, latitude, longitude = 0.6, np.radians(latitude), np.radians(longitude)
    field = WAYS[way](vortex(latitude, longitude, r))
    cosine = np.sin(LATITUDE) * np.sin(latitude)
    cosine = cosine + np.cos(LATITUDE) * np.cos(latitude) * np.cos(LONGITUDE - longitude)
    np.testing.assert_allclose(field, (1 - r**2) / (1 - 2 * r * cosine + r**2) ** 1.5, atol=3e-5)


@pytest.mark.parametrize("grid", [TRUNCATION, TRUNCATION + 4])
def test_the_fast_way_gives_the_same_field_in_single_precision(grid):
    packed = random_packed(TRUNCATION)
    field = shtools.synthesise(spectral.to_cilm(packed), grid)
    fast = spectral.synthesise_packed(packed, grid)
    assert fast.dtype == np.float32
    np.testing.assert_allclose(fast, field, rtol=0, atol=5e-7 * np.abs(field).max())


@pytest.mark.parametrize("there", [spectral, shtools])
@pytest.mark.parametrize("back", [spectral, shtools])
def test_analysis_undoes_synthesis(there, back):
    cilm = spectral.to_cilm(random_packed(TRUNCATION))
    field = there.synthesise(cilm)
    np.testing.assert_allclose(back.analyse(field), cilm, atol=1e-12)
    np.testing.assert_allclose(back.analyse(field.astype(np.float32)), cilm, atol=1e-5)


def test_analysis_is_that_of_shtools_for_any_values():
    """Of noise, too, which has more than the grid's harmonics can hold."""
    values = np.random.default_rng(5).standard_normal((64, 128))
    np.testing.assert_allclose(spectral.analyse(values), shtools.analyse(values), atol=1e-14)


def test_power_sums_to_the_mean_square():
    """The mean is degree 0 of the squared field, exact where the square's degrees fit the grid."""
    n, _ = spectral.degrees_and_orders(TRUNCATION)
    cilm = spectral.to_cilm(random_packed(TRUNCATION, shape=(3,)) * (n < TRUNCATION / 2))
    mean_square = [spectral.analyse(spectral.synthesise(field) ** 2)[0, 0, 0] for field in cilm]
    np.testing.assert_allclose(spectral.power(cilm).sum(-1), mean_square, rtol=1e-12)


def test_the_earth_turns_once_in_a_sidereal_day():
    """Of 23 h 56 min 4.09 s."""
    turn = 2 * np.pi / spectral.EARTH_ROTATION
    assert turn == pytest.approx(23 * 3600 + 56 * 60 + 4.09, rel=1e-6)


def test_solid_body_rotation():
    vorticity = spectral.analyse(2 * RATE * np.sin(LATITUDE) + 0 * LONGITUDE)
    u, v = spectral.winds(vorticity, 0 * vorticity)
    np.testing.assert_allclose(u, RATE * spectral.EARTH_RADIUS * np.cos(LATITUDE) + 0 * LONGITUDE, atol=1e-9)
    np.testing.assert_allclose(v, 0, atol=1e-9)
    rotational, divergent = spectral.kinetic_energy(spectral.power(vorticity), spectral.power(0 * vorticity))
    expected = np.zeros(TRUNCATION + 1)
    expected[1] = (RATE * spectral.EARTH_RADIUS) ** 2 / 3
    np.testing.assert_allclose(rotational, expected, atol=1e-9)
    np.testing.assert_array_equal(divergent, 0)


@pytest.mark.parametrize("way", WAYS)
def test_coefficient_of_solid_body_rotation(way):
    """Its vorticity 2ω sin φ is one coefficient: half the integral of μ² is 1/3, so a[1, 0] = 2ω/√3."""
    packed = np.zeros((TRUNCATION + 1) * (TRUNCATION + 2) // 2, complex)
    packed[1] = 2 * RATE / np.sqrt(3)
    np.testing.assert_allclose(WAYS[way](packed), 2 * RATE * np.sin(LATITUDE) + 0 * LONGITUDE, atol=1e-11)


def test_divergent_wind():
    """The potential χ = a² q cos φ cos λ has divergence −2 q cos φ cos λ and the wind of its gradient."""
    divergence = spectral.analyse(-2 * RATE * np.cos(LATITUDE) * np.cos(LONGITUDE))
    u, v = spectral.winds(0 * divergence, divergence)
    speed = RATE * spectral.EARTH_RADIUS
    np.testing.assert_allclose(u, -speed * np.sin(LONGITUDE) + 0 * LATITUDE, atol=1e-9)
    np.testing.assert_allclose(v, -speed * np.sin(LATITUDE) * np.cos(LONGITUDE), atol=1e-9)


def test_winds_turn_around_a_vortex():
    """Counter-clockwise for positive vorticity: northward wind east of its centre, southward west of it."""
    vorticity = spectral.to_cilm(RATE * vortex(0, np.radians(90)))
    u, v = spectral.winds(vorticity, 0 * vorticity)
    equator, columns = LATITUDE.size // 2, LONGITUDE.size
    assert v[equator, columns // 4 + 6] > 1 > -1 > v[equator, columns // 4 - 6]
    assert u[equator - 6, columns // 4] < -1 < 1 < u[equator + 6, columns // 4]


def test_kinetic_energy_is_that_of_the_winds():
    """Half the mean square of u and v, integrated with the weights of the Driscoll-Healy grid."""
    n, _ = spectral.degrees_and_orders(TRUNCATION)
    damped = [spectral.to_cilm(RATE * random_packed(TRUNCATION, s) * (n > 0) * (n < 15)) for s in (1, 2)]
    u, v = spectral.winds(*damped)
    energy = spectral.kinetic_energy(*(spectral.power(field) for field in damped))
    mean = spectral.analyse((u**2 + v**2) / 2)[0, 0, 0]
    assert np.sum(energy) == pytest.approx(mean, rel=1e-10)


def test_high_pass_keeps_the_degrees_from_its_own_on():
    """Of two harmonics the lower one goes, the higher one stays as it is, and nothing else comes."""
    low, high = np.zeros((2, 2, 16, 16))
    low[0, 5, 3], high[1, 6, 2] = 2e-5, 1e-5
    both, expected = spectral.synthesise(low + high), spectral.synthesise(high)
    np.testing.assert_allclose(spectral.high_pass(both, 6), expected, atol=1e-17)
    np.testing.assert_allclose(spectral.high_pass(both, 7), 0, atol=1e-17)
    np.testing.assert_allclose(spectral.high_pass(both, 5), both, atol=1e-17)
