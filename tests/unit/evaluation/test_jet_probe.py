"""Skill of made-up sources whose answer is known."""

import numpy as np
import pytest
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.evaluation import jet_probe
from atmodist.evaluation.bootstrap import Bootstrap

TIME = np.datetime64("2001-01-01", "ns") + np.timedelta64(1, "D") * np.arange(400)
SETTINGS = {"folds": 4, "gap": 5, "components": {}, "bootstrap": Bootstrap(20, 50, 0)}


@pytest.fixture(scope="module")
def index():
    rng = np.random.default_rng(0)
    latitude, speed = rng.standard_normal((2, 400))
    own = {"latitude_anomaly": latitude, "speed_anomaly": 4 * speed}
    own |= {"latitude_daily": latitude + rng.standard_normal(400), "speed_daily": rng.standard_normal(400)}
    return xr.Dataset({name: ("time", values) for name, values in own.items()}, {"time": TIME})


def source(values, days):
    return xr.DataArray(values, {"time": TIME[days]}, ("time", "channel", "latitude"))


def test_sources_know_what_they_hold(index):
    """One knows the latitude of its day, one that of three days later, and persistence its half."""
    rng = np.random.default_rng(1)
    days, latitude = slice(0, 380), index["latitude_anomaly"].values
    features = rng.standard_normal((2, 380, 3, 2))
    features[0, :, 1, 0] = latitude[:380]
    features[1, :, 2, 1] = 7 - latitude[3:383]
    sources = {"now": source(features[0], days), "later": source(features[1], days)}
    found = jet_probe.skills(index, sources, [0, 3], **SETTINGS)
    assert found["source"].values.tolist() == ["now", "later", "persistence"]
    assert found["days"].values.tolist() == [380, 380]
    value = found["skill"].isel(sample=0)
    latitudes = value.sel(target="latitude")
    assert latitudes.sel(source="now", lag=0) > 0.99
    assert latitudes.sel(source="later", lag=3) > 0.99
    assert latitudes.sel(source="persistence", lag=0) == pytest.approx(0.5, abs=0.1)
    assert (abs(latitudes.sel(source=["now", "persistence"], lag=3)) < 0.1).all()
    assert (value.sel(target="speed") < 0.05).all()


def test_only_days_with_an_index_count(index):
    found = jet_probe.skills(
        index.isel(time=slice(100, 300)),
        {"a": source(np.ones((400, 1, 1)), slice(0, 400))},
        [0, 10],
        **SETTINGS,
    )
    assert found["days"].values.tolist() == [200, 190]


def test_days_of_a_single_block_have_no_draws(index):
    """Two blocks of the days themselves, but one of those that the jet of ten days later is known of."""
    days = slice(0, 65)
    settings = SETTINGS | {"folds": 3, "bootstrap": Bootstrap(60, 50, 0)}
    found = jet_probe.skills(
        index.isel(time=days), {"a": source(np.ones((65, 1, 1)), days)}, [0, 10], **settings
    )
    finite = np.isfinite(found["skill"]).all(["source", "target"])
    assert finite.sum("sample").values.tolist() == [51, 1]
    assert finite.isel(sample=0).all()


def test_components_reduce_the_source_that_they_name(index):
    """The leading component of these features is another one than the latitude's."""
    rng = np.random.default_rng(1)
    loud = rng.standard_normal(400)
    features = np.stack([index["latitude_anomaly"], loud, loud, loud], 1)[..., None]
    sources = {"all": source(features, slice(0, 400)), "fields": source(features, slice(0, 400))}
    settings = SETTINGS | {"components": {"fields": 1}}
    skill = (
        jet_probe.skills(index, sources, [0], **settings)["skill"]
        .isel(sample=0, lag=0)
        .sel(target="latitude")
    )
    assert skill.sel(source="all") > 0.99
    assert skill.sel(source="fields") < 0.1


def test_other_days_are_refused(index):
    with pytest.raises(InputError, match="same period"):
        jet_probe.skills(
            index.isel(time=slice(0, 100)),
            {"a": source(np.ones((50, 1, 1)), slice(200, 250))},
            [0],
            **SETTINGS,
        )
