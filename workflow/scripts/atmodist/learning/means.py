"""Means over the samples of an epoch, of all devices together."""

import math

import torch
from lightning_fabric import Fabric
from torch import Tensor


class Means:
    """Sums over samples of the values of batches, on this device: means once they are asked for.

    ``sums`` holds each value's sum by name and, as "samples", their number, as float64 scalars on the device.
    """

    def __init__(self, fabric: Fabric, sums: dict[str, Tensor] | None = None):
        self.fabric = fabric
        self.sums = {name: value.to(fabric.device) for name, value in (sums or {}).items()}

    @property
    def samples(self) -> float:
        """Number of samples."""
        return self.sums["samples"].item()

    def add(self, count: int, **values: Tensor | float) -> None:
        """Add a batch of ``count`` samples with these mean values."""
        for name, value in {**values, "samples": 1.0}.items():
            if not isinstance(value, Tensor):  # filled there: a copy would wait for what the device computes
                value = torch.full((), value, dtype=torch.float64, device=self.fabric.device)
            value = value.detach().double() * count
            self.sums[name] = self.sums[name] + value if name in self.sums else value

    def result(self) -> dict[str, float]:
        """Mean of each value over the samples added; NaN where there are none."""
        return {name: self.mean(name) for name in self.sums if name != "samples"}

    def mean(self, name: str) -> float:
        """Mean of one value."""
        return (self.sums[name] / self.sums["samples"]).item() if name in self.sums else math.nan

    def since(self, earlier: dict[str, Tensor]) -> "Means":
        """The samples added since ``sums`` was ``earlier``."""
        return Means(self.fabric, {name: value - earlier.get(name, 0) for name, value in self.sums.items()})

    def gather(self) -> None:
        """Sum over the devices: each then has the sums of all."""
        if self.fabric.world_size > 1:
            self.sums = self.fabric.all_reduce(self.sums, reduce_op="sum")

    def leave_to_first(self) -> None:
        """Leave gathered sums to the first process, so that they are counted once when gathered again."""
        if not self.fabric.is_global_zero:
            self.sums = {name: torch.zeros_like(value) for name, value in self.sums.items()}
