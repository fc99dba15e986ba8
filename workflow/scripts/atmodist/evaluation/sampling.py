"""Which times stand for a whole period where not all can be looked at."""

import numpy as np

from atmodist.core.seeds import random_stream


def spread(times: int, count: int, seed: int, *names: str) -> np.ndarray:
    """Indices of ``count`` of so many times, all where there are fewer; ``names`` are those of the job.

    One at random in each of ``count`` equal parts: steps of equal length might be whole days, and all times
    of one hour.
    """
    count = min(count, times)
    edges = np.arange(count + 1) * times // count
    return random_stream(seed, *names, "times").integers(edges[:-1], edges[1:])
