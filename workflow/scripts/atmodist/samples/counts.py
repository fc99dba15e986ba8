"""How many samples a split holds, and in how many shards: arithmetic that the Snakefile does before any job.

Imports nothing, because the Snakefile imports it.
"""

from math import ceil, sqrt

MARGIN = 3
"""Standard deviations by which a random number of samples is taken to fall short of its expectation."""


def sample_count(times: int, per_time: int, max_lag: int) -> int:
    """Samples in a split of ``times`` times; the last ``max_lag`` of them start no pair."""
    return max(times - max_lag, 0) * per_time


def shard_count(times: int, per_time: int, max_lag: int, shard_size: int) -> int:
    """Shards of ``shard_size`` samples in a split of ``times`` times; the last one may be smaller."""
    return ceil(sample_count(times, per_time, max_lag) / shard_size)


def certain_pairs(pairs: int, classes: int, max_lag: int) -> int:
    """Of ``pairs`` with lags uniform in 1 … ``max_lag``, how many surely have one of at most ``classes``.

    Their number is binomial; this is its expectation less three standard deviations, below which one draw in
    700 falls. With ``classes`` = ``max_lag`` it is all of them.
    """
    share = classes / max_lag
    return int(pairs * share - MARGIN * sqrt(pairs * share * (1 - share)))
