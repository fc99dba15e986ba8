"""The content loss that the config of a model names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from atmodist.core.errors import InputError
from atmodist.core.files import read_json
from atmodist.learning.losses import ContentLoss
from atmodist.learning.saved import load_encoder
from atmodist.learning.spectral_losses import SpectralLoss


def content_loss(
    content: str | Mapping[str, str],
    patch: int,
    variables: Sequence[str],
    encoder: str | Path | None = None,
    scale: str | Path | None = None,
) -> nn.Module | None:
    """The loss of normalised fields B×C×P×P; None stands for the mean squared error, "mse".

    "amse" is the adjusted squared error of patches of ``patch`` pixels. Any other ``content`` names a
    ``layer`` of the network in the file ``encoder``, whose distances the file ``scale`` calibrates; a network
    of other ``variables``, or the scale of another layer, raises ``InputError``.
    """
    if content == "mse":
        return None
    if content == "amse":
        return SpectralLoss(patch)
    network, _ = load_encoder(encoder, variables)
    calibration, layer = read_json(scale), content["layer"]
    if calibration["layer"] != layer:
        raise InputError(f"{scale} is the scale of {calibration['layer']}; expected that of {layer}.")
    return ContentLoss(network, layer, calibration["scale"])
