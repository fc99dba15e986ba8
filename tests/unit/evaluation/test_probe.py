"""The linear probe on data whose answer is known."""

from unittest import mock

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st

from atmodist.configuration.jet import fewest_training_days
from atmodist.core.errors import InputError
from atmodist.evaluation import probe
from atmodist.evaluation.bootstrap import Bootstrap

DAYS = np.datetime64("2001-01-01") + np.arange(300)


def test_a_linear_answer_is_found():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((300, 8)) * 10.0 ** np.arange(-4, 4) + 7
    weights = rng.standard_normal((8, 2)) / 10.0 ** np.arange(-4, 4)[:, None]
    targets = 5 + features @ weights
    found = probe.predict(features, targets, DAYS, gap=0)
    np.testing.assert_allclose(found, targets, atol=0.01 * targets.std())


def test_noise_tells_nothing():
    rng = np.random.default_rng(0)
    features, targets = rng.standard_normal((300, 40)), rng.standard_normal((300, 1))
    found = probe.predict(features, targets, DAYS, gap=0)
    assert np.square(found - targets).mean() > 0.95 * targets.var()


def test_noise_in_the_answer_is_not_learned():
    """The skill of the true linear map is its limit, and the probe comes near it."""
    rng = np.random.default_rng(1)
    features = rng.standard_normal((300, 30))
    signal = features[:, :1] - features[:, 1:2]
    targets = signal + rng.standard_normal((300, 1))
    error = np.square(probe.predict(features, targets, DAYS, gap=5) - targets).mean()
    assert np.square(signal - targets).mean() < error < 1.3 * np.square(signal - targets).mean()


def by_normal_equations(x, y, train, test, penalty):
    """Ridge regression as it is usually written out; the penalty is a share of the mean eigenvalue."""
    mean, deviation = x[train].mean(0), x[train].std(0)
    z, new = (x[train] - mean) / deviation, (x[test] - mean) / deviation
    gram = z.T @ z
    scaled = penalty * np.trace(gram) / len(gram) * np.eye(len(gram))
    weights = np.linalg.solve(gram + scaled, z.T @ (y[train] - y[train].mean()))
    return y[train].mean() + new @ weights


def test_prediction_is_that_of_the_normal_equations():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((300, 6)) * [1, 2, 3, 4, 5, 6], rng.standard_normal((300, 1))
    found = probe.predict(x, y, DAYS, count=3, gap=10, penalties=[0.5])
    test = np.arange(100, 200)
    train = np.r_[0:90, 210:300]
    np.testing.assert_allclose(found[test], by_normal_equations(x, y, train, test, 0.5), rtol=1e-9)


def test_the_penalty_is_that_of_a_cross_validation_with_the_same_gap():
    """Of values with a memory of weeks: beside the days that are predicted, smaller penalties would do."""
    rng = np.random.default_rng(6)
    values = rng.standard_normal((300, 21))
    for day in range(1, 300):
        values[day] += 0.95 * values[day - 1]
    x, y = values[:, :20], values[:, 20:]
    penalties = [1e-3, 1e-2, 1e-1, 1, 1e1, 1e2]
    day = np.arange(300)
    expected = np.empty((300, 1))
    for test in np.split(day, 4):
        train = np.array([each for each in day if abs(test - each).min() > 10])
        errors = np.zeros(len(penalties))
        for fold in np.split(day, 4):
            held_out = np.intersect1d(fold, train)
            if held_out.size:
                rest = np.array([each for each in train if abs(held_out - each).min() > 10])
                errors += [
                    np.square(by_normal_equations(x, y, rest, held_out, each) - y[held_out]).sum()
                    for each in penalties
                ]
        expected[test] = by_normal_equations(x, y, train, test, penalties[errors.argmin()])
    found = probe.predict(x, y, DAYS, count=4, gap=10, penalties=penalties)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_components_are_the_leading_ones():
    """Two features that agree outweigh one that stands alone: the first component does not see it."""
    rng = np.random.default_rng(3)
    shared, alone = rng.standard_normal((2, 300, 1))
    features = np.hstack([shared, shared, alone])
    targets = np.hstack([shared, alone])
    found = probe.predict(features, targets, DAYS, gap=0, components=1)
    errors = np.square(found - targets).mean(0)
    assert errors[0] < 0.01
    assert errors[1] > 0.9
    assert (np.square(probe.predict(features, targets, DAYS, gap=0) - targets).mean(0) < 0.01).all()


def test_what_is_predicted_is_never_seen():
    """Changing the targets of a fold and of the days around it does not change its predictions."""
    rng = np.random.default_rng(4)
    features, targets = rng.standard_normal((300, 5)), rng.standard_normal((300, 2))
    changed = targets.copy()
    changed[110:190] += 100  # fold 1 of 3 and no more, since its 10 days at each end are ten days from others
    before = probe.predict(features, targets, DAYS, count=3, gap=10)
    after = probe.predict(features, changed, DAYS, count=3, gap=10)
    np.testing.assert_array_equal(after[100:200], before[100:200])
    assert not np.allclose(after[:100], before[:100])


def test_days_near_a_fold_are_far_from_it_only_beyond_the_gap():
    day = np.array([0, 1, 2, 3, 10, 11, 12, 20])
    found = probe.far_from(day, np.array([10, 11, 12]), gap=8)
    assert found.tolist() == [True, True, False, False, False, False, False, False]
    assert probe.far_from(day, np.array([0]), gap=0).tolist() == [False] + [True] * 7


@given(
    st.lists(st.integers(0, 60), min_size=9, max_size=30, unique=True).map(sorted),
    st.integers(3, 5),
    st.integers(0, 30),
)
def test_the_config_knows_the_smallest_of_the_regressions(days, count, gap):
    assume(len(days) >= 3 * count)
    sizes = []

    def note(x, y, new, components, penalties):
        sizes.append(len(x))
        return np.zeros((len(penalties), len(new), 1))

    with mock.patch.object(probe, "_ridge", note):
        time = np.datetime64("2001-01-01") + np.array(days)
        probe.predict(np.zeros((len(days), 1)), np.zeros((len(days), 1)), time, count, gap)
    assert fewest_training_days(days, count, gap) == min(sizes)


def test_folds_are_runs_of_days():
    assert probe.folds(DAYS[:10], 3).tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    with pytest.raises(InputError, match="too few"):
        probe.folds(DAYS[:8], 3)


def test_constant_features_change_nothing():
    """Channels that an encoder never uses, with or without the rounding of float32."""
    rng = np.random.default_rng(5)
    features, targets = rng.standard_normal((300, 4)), rng.standard_normal((300, 1))
    targets += features[:, :1]
    dead = np.stack([np.zeros(300), 7 + 1e-7 * rng.standard_normal(300)], axis=1)
    settings = {"gap": 0, "components": 4}
    expected = probe.predict(features, targets, DAYS, **settings, penalties=[1e-9])
    found = probe.predict(
        np.hstack([features, dead]).astype(np.float32), targets, DAYS, **settings, penalties=[1e-9]
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_gap_that_leaves_nothing_is_told():
    x = np.ones((30, 1))
    with pytest.raises(InputError, match="smaller gap"):
        probe.predict(x, x, DAYS[:30], count=2, gap=30)


def test_days_ahead_are_found_by_their_dates():
    days, known = DAYS[[0, 1, 2, 10]], DAYS[[2, 3, 4, 5, 13]]
    here, there = probe.ahead(days, known, 3)
    assert (days[here] + 3 == known[there]).all()
    assert list(zip(here.tolist(), there.tolist(), strict=True)) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_skill_of_known_predictions():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2, 300))
    coordinates = {"target": ["a", "b"], "time": DAYS.astype("datetime64[ns]")}
    truth = xr.DataArray(values, coordinates, list(coordinates))
    samples = probe.skill(truth * [[1.0], [0.5]], truth, Bootstrap(10, 50, 1))
    assert samples.sizes == {"sample": 51, "target": 2}
    assert samples["blocks"] == 30
    np.testing.assert_allclose(samples.sel(target="a"), 1)
    np.testing.assert_allclose(samples.sel(target="b"), 0.75)
    noise = truth + xr.DataArray(rng.standard_normal((2, 300)), dims=("target", "time"))
    samples = probe.skill(noise, truth, Bootstrap(10, 200, 1))
    error = np.square(noise - truth).mean("time") / np.square(truth).mean("time")
    np.testing.assert_allclose(samples[0], 1 - error)
    assert (samples[1:].quantile(0.02, "sample") < samples[0]).all()
    assert (samples[1:].quantile(0.98, "sample") > samples[0]).all()
