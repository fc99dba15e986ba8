"""What an autoencoder keeps of a patch: its errors, some examples, and the spectra of many."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import xarray as xr
from torch import nn

from atmodist.evaluation.patch_spectra import patch_spectra
from atmodist.learning.devices import Device, to_device

KINDS = ("patch", "reconstruction", "difference")


@torch.inference_mode()
def squared_errors(device: Device, networks: Sequence[nn.Module], batches: Iterable) -> np.ndarray:
    """Mean squared errors (network, pair, variable) of reconstructions of the first patch of every pair.

    Of normalised values; the batches are read once for all networks.
    """
    networks = [network.to(device.device, memory_format=torch.channels_last).eval() for network in networks]
    errors = []
    for first, _, _ in batches:
        patches = to_device(device, first)
        with device.autocast():
            found = [network(patches).float() for network in networks]
        errors.append(torch.stack([(each - patches).square().mean((2, 3)) for each in found]).cpu())
    return torch.cat(errors, dim=1).numpy()


class Reconstructions:
    """Mean spectra of patches, of their reconstructions and of the difference, and the first ``examples``."""

    def __init__(self, variables: list[str], examples: int = 4):
        self.variables, self.examples = variables, examples
        self.fields, self.power, self.count = [], 0.0, 0

    def update(self, truth: np.ndarray, found: np.ndarray) -> None:
        """Add standardised patches (sample, variable, P, P) and their reconstructions."""
        three = np.stack([truth, found, found - truth])
        self.power = self.power + patch_spectra(three).sum(axis=1)
        self.count += len(truth)
        missing = self.examples - sum(part.shape[1] for part in self.fields)
        if missing > 0:
            self.fields.append(three[:, :missing])

    def result(self) -> xr.Dataset:
        """``field`` (kind, example, variable, row, column) and ``power`` (kind, variable, wavenumber)."""
        power = self.power / self.count
        return xr.Dataset(
            {
                "field": (
                    ("kind", "example", "variable", "row", "column"),
                    np.concatenate(self.fields, axis=1),
                    {"units": "1", "long_name": "standardised value"},
                ),
                "power": (
                    ("kind", "variable", "wavenumber"),
                    power,
                    {"units": "1", "long_name": "mean power of standardised patches"},
                ),
            },
            {
                "kind": list(KINDS),
                "variable": self.variables,
                "wavenumber": (
                    "wavenumber",
                    np.arange(1, power.shape[-1] + 1),
                    {"units": "1", "long_name": "cycles a patch"},
                ),
            },
            {"patches": self.count},
        )
