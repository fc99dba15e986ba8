"""What several benchmarks share: their fields and times, and how they measure time and memory."""

import multiprocessing
import resource
from time import perf_counter

import numpy as np

VARIABLES = ("divergence", "vorticity")


def hours(count, start=0):
    """``count`` times every three hours."""
    return np.datetime64("2001-01-01", "h") + np.timedelta64(3, "h") * np.arange(start, start + count)


def seconds(work, repeat=1, clock=perf_counter):
    """Shortest of ``repeat`` times of ``work()``."""
    times = []
    for _ in range(repeat):
        began = clock()
        work()
        times.append(clock() - began)
    return min(times)


def peak_memory():
    """The most memory that this process has had, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def called(function, *arguments):
    """A process of its own, the pipe to it, and what it sends first."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=function, args=(*arguments, theirs))
    process.start()
    theirs.close()
    return process, ours, ours.recv()
