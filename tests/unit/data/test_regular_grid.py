"""Winds to vorticity and divergence on any regular grid, against waves written out by hand."""

import numpy as np
import pytest

from atmodist.core.errors import InputError
from atmodist.data import spectral
from atmodist.data.regular_grid import RegularGrid, to_cell_centres, vorticity_and_divergence
from atmodist.data.sphere import EARTH_RADIUS

GRIDS = {
    "DH": RegularGrid(64, 128, 180 / 64, 0, 1, 0.0),
    "CC": RegularGrid(65, 128, 180 / 64, 0, 0, -180.0),
    "F1": RegularGrid(64, 128, 180 / 64, 0.5, 0.5, 1.4),
    "MW": RegularGrid(64, 128, 180 / 63.5, 0.5, 0, 0.0),
}


def haurwitz(grid, omega=7e-6, wave=4e-6, source=3e-6, number=4):
    """A Rossby-Haurwitz wave with a wave of divergence: u, v, vorticity and divergence (Phillips 1959).

    Streamfunction −a²ω sin φ + a²K cos^R φ sin φ cos Rλ, velocity potential a²D cos φ cos λ.
    """
    phi, theta = np.radians(grid.latitude)[:, None], np.radians(grid.longitude)
    cosine, sine, along = np.cos(phi), np.sin(phi), np.cos(number * theta)
    rotation = omega * cosine + wave * cosine ** (number - 1) * (number * sine**2 - cosine**2) * along
    u = EARTH_RADIUS * (rotation - source * np.sin(theta))
    across = -wave * number * cosine ** (number - 1) * sine * np.sin(number * theta)
    v = EARTH_RADIUS * (across - source * sine * np.cos(theta))
    vorticity = 2 * omega * sine - wave * (number**2 + 3 * number + 2) * sine * cosine**number * along
    return u, v, vorticity + 0 * theta, -2 * source * cosine * np.cos(theta)


@pytest.mark.parametrize("name", GRIDS)
def test_vorticity_and_divergence_of_a_known_wind(name):
    grid = GRIDS[name]
    assert grid.geometry == name
    u, v, *expected = haurwitz(grid)
    for found, known in zip(vorticity_and_divergence(u, v, grid), expected, strict=True):
        np.testing.assert_allclose(found, known, atol=1e-12 * abs(known).max())


def test_it_undoes_the_winds_of_the_evaluation():
    rng = np.random.default_rng(0)
    coefficients = 1e-5 * rng.standard_normal((2, 2, 32, 32))
    coefficients[:, 1, :, 0] = 0
    coefficients[:, :, 0] = 0
    coefficients *= np.tri(32)
    fields = [spectral.synthesise(each) for each in coefficients]
    found = vorticity_and_divergence(*spectral.winds(*coefficients), GRIDS["DH"])
    np.testing.assert_allclose(found, fields, atol=1e-12 * abs(np.array(fields)).max())


@pytest.mark.parametrize(("name", "tolerance"), [("DH", 1e-4), ("CC", 1e-10)])
def test_a_field_on_the_poles_moves_to_the_centres_of_cells(name, tolerance):
    grid = GRIDS[name]
    found, centres = to_cell_centres(haurwitz(grid)[2], grid)
    assert centres.centred
    assert (centres.rows, centres.west) == (64, grid.west)
    expected = haurwitz(centres)[2]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * abs(expected).max())


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_is_known_by_its_coordinates(name):
    grid = GRIDS[name]
    found = RegularGrid.of(grid.latitude, grid.longitude)
    assert (found.rows, found.columns, found.geometry) == (grid.rows, grid.columns, name)
    assert found.spacing == pytest.approx(grid.spacing)
    assert found.truncation == 31, "that of the Driscoll-Healy grid of 64 rows"


def test_block_means_of_our_grid_are_centred_and_have_no_transform():
    latitude = spectral.latitudes(31).reshape(-1, 4).mean(1)
    grid = RegularGrid.of(latitude, spectral.longitudes(31).reshape(-1, 4).mean(1))
    assert (grid.north, grid.south) == pytest.approx((3 / 8, 5 / 8))
    assert grid.centred
    with pytest.raises(InputError, match="no spectral transform"):
        vorticity_and_divergence(*np.zeros((2, 16, 32)), grid)


@pytest.mark.parametrize(
    ("latitude", "longitude", "said"),
    [
        (np.linspace(-90, 90, 65), np.arange(0, 360, 3), "not equally spaced from north to south"),
        (np.linspace(60, -60, 65), np.arange(0, 360, 3), "expected the whole globe"),
        (np.linspace(90, -90, 65), np.linspace(0, 360, 121), "the first meridian not repeated"),
        (np.linspace(90, -90, 65), np.arange(0, 180, 3), "once around the globe"),
        (np.degrees(np.arcsin(np.linspace(1, -1, 65))), np.arange(0, 360, 3), "not equally spaced"),
        ([90, -90], [0, 180], "2 rows and 2 columns"),
    ],
)
def test_other_grids_are_refused(latitude, longitude, said):
    with pytest.raises(InputError, match=said):
        RegularGrid.of(latitude, longitude)
