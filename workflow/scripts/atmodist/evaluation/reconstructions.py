"""What an autoencoder keeps of a patch: some examples, and the spectra of many."""

import numpy as np
import xarray as xr

from atmodist.evaluation.patch_spectra import patch_spectra

KINDS = ("patch", "reconstruction", "difference")


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
