"""Networks as files: built from their settings, saved, and loaded again.

Imports neither Lightning nor HDF5, so that a trained network can be used where none is trained.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from atmodist.core.errors import InputError
from atmodist.core.files import replacing
from atmodist.learning.networks import Encoder, SiameseNetwork


def build(settings: dict[str, Any], patch: int, variables: list[str]) -> SiameseNetwork:
    """The network of an AtmoDist model's settings, with random weights."""
    encoder = encoder_of(settings, variables)
    return SiameseNetwork(encoder, patch, settings["classes"])


def save_network(path: str | Path, network: nn.Module, **about: Any) -> None:
    """Write weights with all that is needed to build the network again: settings, patch, variables."""
    with replacing(path) as partial:
        torch.save({**about, "network": network.state_dict()}, partial)


def load_network(path: str | Path) -> tuple[SiameseNetwork, dict[str, Any]]:
    """The network that ``save_network`` wrote, in evaluation mode, and what was saved about it.

    A file that holds anything else raises ``InputError``.
    """
    try:
        about = torch.load(path, map_location="cpu", weights_only=True)
        weights = about.pop("network")
        network = build(about["settings"], about["patch"], about["variables"])
        network.load_state_dict(weights)
    except (KeyError, RuntimeError, OSError) as error:
        raise InputError(
            f"{path} holds no AtmoDist network ({error}); expected best.pt of a model."
        ) from error
    return network.eval(), about


def encoder_of(settings: dict[str, Any], variables: list[str]) -> Encoder:
    """The encoder of a model's settings, whatever else the model has; its weights are PyTorch's."""
    return Encoder(len(variables), tuple(settings["stages"]), settings["blocks"])


def load_encoder(path: str | Path) -> tuple[Encoder, dict[str, Any]]:
    """The encoder of any network that ``save_network`` wrote, in evaluation mode, and what was saved of it.

    AtmoDist's, an autoencoder's or an untrained one: its weights are those whose names begin with "encoder.".
    A file without them raises ``InputError``.
    """
    prefix = "encoder."
    try:
        about = torch.load(path, map_location="cpu", weights_only=True)
        weights = about.pop("network")
        encoder = encoder_of(about["settings"], about["variables"])
        encoder.load_state_dict(
            {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}
        )
    except (KeyError, RuntimeError, OSError) as error:
        raise InputError(f"{path} holds no encoder ({error}); expected best.pt of a model.") from error
    return encoder.eval(), about


def load_weights(path: str | Path) -> dict[str, dict[str, Tensor]]:
    """State dictionaries of the networks of one epoch, by name."""
    return torch.load(path, map_location="cpu", weights_only=True)
