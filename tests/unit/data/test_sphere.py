"""Distances, areas and nearest points against the geometry in three dimensions and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmodist.data import spectral, sphere
from atmodist.data.sphere import EARTH_RADIUS


def test_the_earth_is_that_of_ecmwf():
    """GRIB code table 3.2: shape 6, a sphere of 6 371 229 m."""
    assert EARTH_RADIUS == 6_371_229


def test_travel_covers_the_distance():
    """Checked with the chord between start and end, in three dimensions."""
    rng = np.random.default_rng(2)
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, 500)))
    longitude, bearing = rng.uniform(0, 360, (2, 500))
    distance = rng.uniform(1, 15000, 500)

    def point(latitude, longitude):
        phi, lam = np.radians(latitude), np.radians(longitude)
        return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])

    there = point(*sphere.travel(latitude, longitude, bearing, distance))
    chord = np.linalg.norm(there - point(latitude, longitude), axis=0)
    arc = 2 * np.arcsin(chord / 2) * EARTH_RADIUS / 1000
    np.testing.assert_allclose(arc, distance, rtol=1e-6)
    east = sphere.travel(np.zeros(1), np.zeros(1), np.array([90.0]), np.array([1000.0]))
    assert east[0][0] == pytest.approx(0, abs=1e-12)
    assert east[1][0] == pytest.approx(np.degrees(1e6 / EARTH_RADIUS))


def test_area_weights_are_a_partition_of_the_sphere():
    weights = sphere.area_weights(spectral.latitudes(31))
    assert weights.sum() == pytest.approx(1)
    assert weights[32] == pytest.approx(np.sin(np.pi / 64 / 2))
    assert weights[0] == pytest.approx((1 - np.cos(np.pi / 128)) / 2)


@given(st.floats(-90, 90), st.floats(-500, 500), st.sampled_from([16, 64]))
def test_nearest_point_is_the_one_of_least_distance_in_latitude_and_longitude(latitude, longitude, rows):
    row, column = sphere.nearest_point(np.array([latitude]), np.array([longitude]), rows)
    step = 180 / rows
    south = abs(90 - np.arange(rows) * step - latitude)
    east = abs((np.arange(2 * rows) * step - longitude + 180) % 360 - 180)
    assert south[row[0]] == pytest.approx(south.min(), abs=1e-9)
    assert east[column[0]] == pytest.approx(east.min(), abs=1e-9)


def test_nearest_points_by_hand():
    """On 64 rows of 2.8125°: the south pole is no row, and 359° E is next to column 0."""
    latitude, longitude = np.array([90, 88.5, 0, -90, -1.5]), np.array([0, 2, -1.5, 359, 181.5])
    row, column = sphere.nearest_point(latitude, longitude, 64)
    assert row.tolist() == [0, 1, 32, 63, 33]
    assert column.tolist() == [0, 1, 127, 0, 65]
