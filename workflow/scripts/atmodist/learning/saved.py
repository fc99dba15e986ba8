"""Networks as files: built from their settings, saved, and loaded again.

Imports neither Lightning nor HDF5, so that a trained network can be used where none is trained.
"""

import hashlib
import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from atmodist.core.errors import InputError
from atmodist.core.files import replacing, require_file
from atmodist.core.shortage import unreadable
from atmodist.learning.networks import Encoder, SiameseNetwork

DIGEST = "sha256"


def save(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write tensors and plain values with a SHA-256 over all of them; equal content gives equal bytes.

    PyTorch checks neither the checksums in its files nor anything else, so that a flipped bit is a weight.
    """
    stream = io.BytesIO()  # a path's name would be in the file
    torch.save({**content, DIGEST: _digest(content)}, stream)
    with replacing(path) as partial:
        partial.write_bytes(stream.getbuffer())


def load(path: str | Path) -> dict[str, Any]:
    """What `save` wrote, on the CPU. A missing, foreign or damaged file raises ``InputError``.

    Nothing but tensors and plain values is ever loaded: a pickle that runs code is refused.
    """
    require_file(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        digest = content.pop(DIGEST)
        intact = digest == _digest(content)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path} is damaged or holds more than tensors and plain values, which is not loaded"
        ) from None
    except Exception as error:  # whatever a damaged archive leads PyTorch to
        raise unreadable(path, error, "is damaged or no weights of this workflow") from error
    if not intact:
        raise InputError(f"{path} is damaged: its content is not that of its checksum")
    return content


def is_finite(content: Any) -> bool:
    """Whether all numbers in the tensors of a state are finite."""
    if isinstance(content, Tensor):
        return bool(torch.isfinite(content).all())
    if isinstance(content, Mapping):
        return all(map(is_finite, content.values()))
    return not isinstance(content, list | tuple) or all(map(is_finite, content))


def _digest(content: Any) -> str:
    sha = hashlib.sha256()
    _add(sha, content)
    return sha.hexdigest()


def _add(sha: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        value = value.detach().cpu().contiguous()
        sha.update(f"{value.dtype} {tuple(value.shape)}".encode())
        sha.update(value.reshape(-1).view(torch.uint8).numpy())
    elif isinstance(value, Mapping):
        sha.update(f"mapping {len(value)}".encode())
        for key, entry in value.items():
            sha.update(repr(key).encode())
            _add(sha, entry)
    elif isinstance(value, list | tuple):
        sha.update(f"sequence {len(value)}".encode())
        for entry in value:
            _add(sha, entry)
    else:
        sha.update(repr(value).encode())


def file_of_epoch(folder: str | Path, epoch: int) -> Path:
    """Where the weights after an epoch are, in a folder with those of all epochs."""
    return Path(folder) / f"epoch-{epoch:03d}.pt"


def files_of_epochs(folder: str | Path) -> list[Path]:
    """Weights of all epochs, in their order."""
    return sorted(Path(folder).glob("epoch-*.pt"), key=lambda path: int(path.stem.removeprefix("epoch-")))


def build(settings: Mapping[str, Any], patch: int, variables: Sequence[str]) -> SiameseNetwork:
    """The network of an AtmoDist model's settings, with random weights."""
    encoder = encoder_of(settings, variables)
    return SiameseNetwork(encoder, patch, settings["classes"])


def save_network(path: str | Path, network: nn.Module, **about: Any) -> None:
    """Write weights with all that is needed to build the network again: settings, patch, variables."""
    save(path, {**about, "network": network.state_dict()})


def load_network(
    path: str | Path, variables: Sequence[str] | None = None
) -> tuple[SiameseNetwork, dict[str, Any]]:
    """The network that ``save_network`` wrote, in evaluation mode, and what was saved about it.

    A file that holds anything else, or a network of other ``variables``, raises ``InputError``.
    """
    try:
        about = _load_of(path, variables)
        weights = about.pop("network")
        network = build(about["settings"], about["patch"], about["variables"])
        network.load_state_dict(weights)
    except (KeyError, RuntimeError) as error:
        raise InputError(
            f"{path} holds no AtmoDist network ({error}); expected best.pt of a model."
        ) from error
    return network.eval(), about


def encoder_of(settings: Mapping[str, Any], variables: Sequence[str]) -> Encoder:
    """The encoder of a model's settings, whatever else the model has; its weights are PyTorch's."""
    return Encoder(len(variables), settings["stages"], settings["blocks"])


def load_encoder(path: str | Path, variables: Sequence[str] | None = None) -> tuple[Encoder, dict[str, Any]]:
    """The encoder of any network that ``save_network`` wrote, in evaluation mode, and what was saved of it.

    AtmoDist's, an autoencoder's or an untrained one: its weights are those whose names begin with "encoder.".
    A file without them, or of other ``variables``, raises ``InputError``.
    """
    prefix = "encoder."
    try:
        about = _load_of(path, variables)
        weights = about.pop("network")
        encoder = encoder_of(about["settings"], about["variables"])
        encoder.load_state_dict(
            {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}
        )
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{path} holds no encoder ({error}); expected best.pt of a model.") from error
    return encoder.eval(), about


def _load_of(path: str | Path, variables: Sequence[str] | None) -> dict[str, Any]:
    about = load(path)
    found = list(about["variables"])
    if variables is not None and found != list(variables):
        raise InputError(f"{path} is a network of {', '.join(found)}; expected one of {', '.join(variables)}")
    return about


def restore(network: nn.Module, path: str | Path, name: str = "network") -> None:
    """Put the state ``name`` of an epoch's file into ``network``; ``InputError`` if it is of another one."""
    try:
        network.load_state_dict(load(path)[name])
    except (KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} holds weights of another network than the config's ({reason})") from error


def networks_of_epochs(folder: str | Path, build: Callable[..., nn.Module], **about: Any) -> list[nn.Module]:
    """What ``build(**about)`` makes, once for each epoch in a folder, with the weights after that epoch."""
    networks = []
    for path in files_of_epochs(folder):
        networks.append(build(**about))
        restore(networks[-1], path)
    return networks
