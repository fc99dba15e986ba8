"""Windows around cities against the geometry, distributions against SciPy."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from atmodist.data import units
from atmodist.evaluation import cities
from atmodist.evaluation.bootstrap import Bootstrap

LIST = Path(__file__).parents[3] / "resources/cities/cities.csv"
PLACES = xr.Dataset(
    {"latitude": ("city", [51.5, -33.45]), "longitude": ("city", [-0.12, -70.67])},
    {"city": ["London", "Santiago"]},
)


DRAWS = Bootstrap(block_days=2, resamples=50, seed=6)
TIMES = np.datetime64("2001-07-01", "ns") + np.arange(100) * np.timedelta64(3, "h")  # seven blocks


def shards(seed, scale=1.0, sizes=(40, 60)):
    rng = np.random.default_rng(seed)
    dims = "time", "variable", "city", "pixel"
    coordinates = {
        "variable": ["divergence", "temperature"],
        "field_units": ("variable", ["s-1", "K"]),
        "city": PLACES["city"].values,
    }
    values = [scale * rng.standard_normal((size, 2, 2, 9)).astype(np.float32) for size in sizes]
    times = np.split(TIMES, np.cumsum(sizes)[:-1])
    return [
        xr.Dataset({"city_value": (dims, each)}, {"time": time, **coordinates})
        for each, time in zip(values, times, strict=True)
    ]


def test_the_list_is_that_of_the_paper():
    """Its first and last city and some in between, as the original's list has them."""
    places = cities.read(LIST)
    assert places.sizes["city"] == len(set(places["city"].values)) == 150
    assert places["city"].values[[0, -1]].tolist() == ["Algiers", "Zhaotong"]
    for name, country, latitude, longitude in (
        ("Algiers", "DZ", 36.7764, 3.0586),
        ("Huambo", "AO", -12.7667, 15.7333),
        ("Santiago", "CL", -33.45, -70.6667),
        ("Ulaanbaatar", "MN", 47.9203, 106.9172),
    ):
        place = places.sel(city=name)
        assert place["country"] == country
        assert (place["latitude"], place["longitude"]) == (latitude, longitude)


@given(st.floats(-85, 85), st.floats(-180, 360), st.sampled_from([64, 128, 1280]))
def test_windows_surround_the_place(latitude, longitude, rows):
    """One pixel is the nearest, two by two enclose the place, three by three are centred on the nearest."""
    place = xr.Dataset({"latitude": ("city", [latitude]), "longitude": ("city", [longitude])})
    row, column = (each[0] for each in cities.pixels_around(place, rows))
    step = 180 / rows
    north = 90 - row * step
    east = (column * step - longitude + 180) % 360 - 180
    assert abs(north[0] - latitude) <= step / 2 + 1e-9
    assert abs(east[0]) <= step / 2 + 1e-9
    assert north[:4].min() - 1e-9 <= latitude <= north[:4].max() + 1e-9
    assert east[:4].min() - 1e-9 <= 0 <= east[:4].max() + 1e-9
    assert len(set(zip(row[:4], column[:4], strict=True))) == 4
    around = {(row[0] + i, (column[0] + j) % (2 * rows)) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    assert set(zip(row, column, strict=True)) == around


def test_distributions_agree_with_scipy_and_numpy():
    truth, estimate = shards(1), shards(2, scale=1.4)
    result = cities.compare(truth, estimate, PLACES, DRAWS)
    for window in cities.WINDOWS:
        for variable in ("divergence", "temperature"):
            for city in ("London", "Santiago"):
                true, found = (
                    np.concatenate(
                        [s["city_value"].sel(variable=variable, city=city)[:, : window**2] for s in parts]
                    ).ravel()
                    for parts in (truth, estimate)
                )
                at = result.sel(window=window, variable=variable, city=city)
                assert at["wasserstein"] == pytest.approx(wasserstein_distance(true, found), rel=1e-6)
                np.testing.assert_allclose(
                    at["quantiles"], np.quantile(found, [0.02, 0.09, 0.25, 0.5, 0.75, 0.91, 0.98]), rtol=1e-6
                )
                assert (at["density"] * np.diff(at["bin_edge"])).sum() == pytest.approx(1)
    assert result["latitude"].dims == ("city",)
    for name, expected in (("quantiles", "K"), ("density", "K-1"), ("bin_edge", "K"), ("wasserstein", "K")):
        assert units.of(result[name], "temperature") == expected
    assert units.of(result["density"], "divergence") == "s"


def test_shards_do_not_matter():
    whole, halves = ([xr.concat(shards(i), "time")] for i in (1, 2)), (shards(i) for i in (1, 2))
    xr.testing.assert_identical(*(cities.compare(*each, PLACES, DRAWS) for each in (whole, halves)))


def test_edges_come_from_the_truth_alone():
    truth = shards(1)
    one, other = (cities.compare(truth, shards(seed, scale=3), PLACES, DRAWS) for seed in (2, 3))
    xr.testing.assert_identical(one["bin_edge"], other["bin_edge"])
    outermost = one["density"].isel(bin=[0, -1])
    assert (outermost > one["density"].isel(bin=[1, -2]).values).all(), "what lies beyond counts there"


def test_the_truth_is_at_no_distance_from_itself():
    result = cities.compare(shards(1), shards(1), PLACES, DRAWS)
    assert result.sizes["draw"] == 50
    assert not result["wasserstein"].any()
    assert not result["wasserstein_draws"].any()


def heavy_tailed(seed, scale):
    """Values (time, pixel) with long tails that go together in blocks of ten days, and the blocks."""
    rng = np.random.default_rng(seed)
    block = np.arange(2000) // 80
    weather = np.random.default_rng(3).standard_normal((25, 1))[block]
    return scale * (weather + rng.laplace(size=(2000, 9))), block


@pytest.mark.parametrize(
    ("scale", "shift"), [(0.5, 0), (0.97, 0), (1.4, 0), (1, 50)], ids=["0.5", "0.97", "1.4", "beyond"]
)
def test_distances_of_draws_agree_with_scipys_of_weighted_values(scale, shift):
    (true, block), (found, _) = heavy_tailed(4, 1), heavy_tailed(5, scale)
    found += shift
    draws = Bootstrap(1, 10, 6).counts(25).values
    distances = cities.redrawn_distances(true, found, block, draws)
    for counts, distance in zip(draws, distances, strict=True):
        weights = np.repeat(counts[block], 9)
        exact = wasserstein_distance(true.ravel(), found.ravel(), weights, weights)
        assert distance == pytest.approx(exact, rel=0.01)
    all_once = wasserstein_distance(true.ravel(), found.ravel())
    assert distances[0] == pytest.approx(all_once, rel=0.005), "every block once is the sample itself"


def test_one_block_has_no_draws(tmp_path):
    result = cities.compare(shards(1), shards(2), PLACES, Bootstrap(20, 50, 6))
    result.to_netcdf(tmp_path / "cities.nc", engine="h5netcdf")
    read = xr.load_dataset(tmp_path / "cities.nc", engine="h5netcdf")
    assert read["wasserstein_draws"].sizes == {"draw": 0, "window": 3, "variable": 2, "city": 2}


def test_verdict_is_by_a_ratio_of_eleven_tenths_either_way():
    """1 / 1.1 is 0.909…"""
    distance, reference = xr.DataArray([0.5, 0.905, 0.912, 1.0, 1.095, 1.105, 2.0]), xr.DataArray(np.ones(7))
    assert cities.verdict(distance, reference).values.tolist() == [1, 1, 0, 0, 0, -1, -1]
    assert cities.verdict(reference, distance).values.tolist() == [-1, -1, 0, 0, 0, 1, 1]
