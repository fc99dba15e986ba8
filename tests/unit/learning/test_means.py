"""Means over samples, of a part of an epoch and of several devices."""

import math

import torch
from trainings import CPU

from atmodist.learning.launching import fabric_of
from atmodist.learning.means import Means


def test_means_are_over_samples():
    means = Means(fabric_of(CPU))
    means.add(3, loss=torch.tensor(1.0), accuracy=0.5)
    means.add(1, loss=torch.tensor(5.0), accuracy=1.0)
    assert means.result() == {"loss": 2.0, "accuracy": 0.625}
    assert means.samples == 4
    assert math.isnan(means.mean("penalty"))


def test_means_since_an_earlier_time():
    means = Means(fabric_of(CPU))
    means.add(3, loss=1.0)
    earlier = dict(means.sums)
    means.add(2, loss=4.0)
    assert means.since(earlier).result() == {"loss": 4.0}
    assert means.since({}).result() == means.result()


class TwoDevices:
    """A Fabric whose other device has the same sums."""

    world_size, device = 2, torch.device("cpu")

    def __init__(self, is_global_zero):
        self.is_global_zero = is_global_zero

    def all_reduce(self, sums, reduce_op):
        assert reduce_op == "sum"
        return {name: 2 * value for name, value in sums.items()}


def test_gathered_sums_are_counted_once():
    first, second = Means(TwoDevices(True)), Means(TwoDevices(False))
    for means in (first, second):
        means.add(2, loss=3.0)
        means.gather()
        assert (means.samples, means.result()) == (4, {"loss": 3.0})
        means.leave_to_first()
    assert (first.samples, second.samples) == (4, 0)
