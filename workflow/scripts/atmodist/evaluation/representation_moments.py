"""Moments of what an encoder makes of a system's fields."""

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from atmodist.evaluation.metrics import Mean
from atmodist.learning.networks import Encoder
from atmodist.learning.representations import represent
from atmodist.learning.sizes import stride
from atmodist.samples.normalise import Moments


@dataclass
class RepresentationMoments(Mean):
    """First and second moments of what a layer of an encoder makes of a frame, over the sphere.

    The vectors are those of all pixels of the representation, weighted by area; `frechet.distances` takes
    the distance of systems from these moments.

    Attributes:
        encoder: on its device, in evaluation mode.
        layer: "stage1" … "stage4".
        halo: pixels by which a field is continued, see `represent`.
        moments: of the normalisation.
    """

    encoder: Encoder
    layer: str
    halo: int
    moments: Moments

    def measure(self, truth: xr.DataArray, estimate: xr.DataArray) -> xr.Dataset:
        """``representation_mean`` (channel) and ``representation_square`` (channel, other_channel)."""
        device = next(self.encoder.parameters()).device
        field = self.moments.forward(torch.from_numpy(estimate.values).to(device), axis=0)
        found = represent(self.encoder, field.float(), self.layer, self.halo).double().cpu().numpy()
        latitude = estimate["latitude"].values.reshape(-1, stride(self.layer)).mean(1)
        weights = np.cos(np.radians(latitude))
        weights = weights / weights.sum() / found.shape[-1]
        return xr.Dataset(
            {
                "representation_mean": ("channel", np.einsum("chw,h->c", found, weights)),
                "representation_square": (
                    ("channel", "other_channel"),
                    np.einsum("chw,dhw,h->cd", found, found, weights, optimize=True),
                ),
            }
        )
