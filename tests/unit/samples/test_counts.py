"""Samples, shards and the pairs of short lags."""

import numpy as np
import pytest
from scipy import stats

from atmodist.samples.counts import certain_pairs, sample_count, shard_count


def test_the_original_set_has_more_than_a_million_pairs():
    assert sample_count(58_440, 42, 31) == 2_453_178  # "2.45 million" in the original's training script
    assert shard_count(58_440, 42, 31, 8192) == 300


def test_a_split_shorter_than_the_longest_lag_has_no_pairs():
    assert sample_count(31, 20, 31) == sample_count(5, 20, 31) == shard_count(5, 20, 31, 64) == 0


@pytest.mark.parametrize(("pairs", "classes"), [(1_168_180, 15), (1_168_180, 23), (776, 15)])
def test_fewer_short_lags_than_certain_are_drawn_once_in_700_sets(pairs, classes):
    lags = stats.binom(pairs, classes / 31)
    few = lags.cdf(certain_pairs(pairs, classes, 31) - 1)
    assert few == pytest.approx(1 / 741, rel=0.3)  # of a normal distribution, below three deviations


def test_all_pairs_have_a_lag_up_to_the_longest():
    assert certain_pairs(1_168_180, 31, 31) == 1_168_180


def test_drawn_lags_are_as_many_as_is_certain():
    lags = np.random.default_rng(0).integers(1, 31, size=100_000, endpoint=True)
    for classes in range(2, 32):
        assert (lags <= classes).sum() >= certain_pairs(lags.size, classes, 31)
