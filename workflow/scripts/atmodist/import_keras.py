"""The original's weights, which Keras wrote, as networks and model folders of ours.

    python -m atmodist.import_keras model_weights.hdf5 folder

The file holds a group for each layer (``in_conv``, ``block{1-4}_{1-6}_conv1`` …, ``combined1_conv`` …,
``pred``) with datasets ``kernel:0``, ``bias:0``, ``gamma:0`` …; kernels are height × width × inputs ×
outputs, and the input of ``pred`` is flattened by row, column and channel. ``encoder_weights.hdf5`` holds
neither ``combined…`` nor ``pred``.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from atmodist import model_folder
from atmodist.core.errors import InputError
from atmodist.core.files import sha256
from atmodist.learning import saved
from atmodist.learning.networks import SiameseNetwork
from atmodist.model_card import card
from atmodist.model_folder import ModelConfig
from atmodist.samples.normalise import Moments

PATCH = 160
SUFFIXES = (".h5", ".hdf5")
MOMENTS = Moments(
    variables=("divergence", "vorticity"),
    mean=(1.9464334e-8, 2.0547947e-7),
    std=(2.8568757e-5, 5.081943e-5),
    log_mean=(8.821452e-4, 3.2483143e-4),
    log_std=(0.15794525, 0.16044095),
    alpha=0.2,
    start="1979-01-01T00",
    end="1988-12-31T21",
)
"""With which the original normalised its data."""

NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
DENSE = {"weight": "kernel", "bias": "bias"}
BLOCK = {
    "convolution1": "conv1",
    "norm1": "bn1",
    "convolution2": "conv2",
    "norm2": "bn2",
    "shortcut": "projection",
}
PLACES = {
    "stem.0": "in_conv",
    "stem.1": "in_bn",
    "tail.0": "combined1_conv",
    "tail.1": "combined1_bn",
    "tail.3": "combined2_conv",
    "tail.4": "combined2_bn",
    "tail.7": "pred",
}


class Place(NamedTuple):
    """A tensor of ours in Keras: its name there, its shape there, and how it becomes ours."""

    name: str
    shape: tuple[int, ...]
    convert: Callable[[Tensor], Tensor]


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """Tensors of a Keras file of weights or of a whole model, by ``layer/weight``; nothing is unpickled.

    ``InputError`` if the file cannot be read, or two layers of one name hold the same weight.
    """
    tensors: dict[str, np.ndarray] = {}

    def collect(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            short = "/".join(name.split("/")[-2:]).split(":")[0]
            if short in tensors:
                raise InputError(f"{path} holds {short} twice, the second time as {name}.")
            tensors[short] = item[()]

    try:
        with h5py.File(path) as file:
            file.get("model_weights", file).visititems(collect)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error}); expected an HDF5 file that Keras wrote."
        ) from error
    return tensors


def sizes_of(tensors: Mapping[str, np.ndarray], path: str | Path) -> dict[str, Any]:
    """``stages``, ``blocks`` and, unless it is an encoder alone, ``classes`` of the network in a file."""
    numbers = [
        match.groups() for name in tensors if (match := re.match(r"block(\d+)_(\d+)_conv1/kernel$", name))
    ]
    stages = sorted(int(stage) for stage, block in numbers if block == "1")
    if stages != [1, 2, 3, 4] or "in_conv/kernel" not in tensors:
        some = ", ".join(sorted(tensors)[:5]) or "nothing"
        raise InputError(
            f"{path} holds no encoder of the original ({some} …); expected in_conv/kernel, "
            "block1_1_conv1/kernel … block4_6_conv1/kernel."
        )
    channels = [int(tensors[f"block{stage}_1_conv1/kernel"].shape[-1]) for stage in stages]
    sizes = {"stages": channels, "blocks": max(int(block) for _, block in numbers)}
    return sizes | ({"classes": int(tensors["pred/kernel"].shape[-1])} if "pred/kernel" in tensors else {})


def places(network: nn.Module) -> dict[str, Place | None]:
    """Where each tensor of a network's state lies in Keras' file; None for what Keras does not have."""
    found: dict[str, Place | None] = {}
    for name, value in network.state_dict().items():
        module, weight = name.removeprefix("encoder.").rsplit(".", 1)
        if weight == "num_batches_tracked":
            found[name] = None
            continue
        if module.startswith("stages."):
            _, stage, block, part = module.split(".")
            layer = f"block{int(stage) + 1}_{int(block) + 1}_{BLOCK[part]}"
        else:
            layer = PLACES[module]
        is_norm = layer.rsplit("_", 1)[-1].startswith("bn")
        shape, convert = tuple(value.shape), _same
        if value.ndim == 4:
            shape, convert = (*shape[2:], shape[1], shape[0]), _convolution
        elif value.ndim == 2:
            inputs = network.tail[3].out_channels
            shape, convert = shape[::-1], _dense_after(inputs)
        found[name] = Place(f"{layer}/{(NORM if is_norm else DENSE)[weight]}", shape, convert)
    return found


def _same(values: Tensor) -> Tensor:
    return values


def _convolution(values: Tensor) -> Tensor:
    """Height × width × inputs × outputs → outputs × inputs × height × width."""
    return values.permute(3, 2, 0, 1)


def _dense_after(channels: int) -> Callable[[Tensor], Tensor]:
    """(row, column, channel) × outputs → outputs × (channel, row, column)."""

    def convert(values: Tensor) -> Tensor:
        outputs = values.shape[1]
        return values.reshape(-1, channels, outputs).permute(2, 1, 0).reshape(outputs, -1)

    return convert


def load(path: str | Path, patch: int = PATCH, variables: Sequence[str] = MOMENTS.variables) -> nn.Module:
    """The original's network in a Keras file: Siamese, or the encoder alone; in evaluation mode.

    ``InputError`` lists by Keras' name every tensor that is missing, unknown, of another shape or not finite.
    """
    tensors = read_tensors(path)
    sizes = sizes_of(tensors, path)
    if "classes" in sizes:
        network = saved.build(sizes, patch, variables)
    else:
        network = saved.encoder_of(sizes, variables)
    expected = places(network)
    shapes = {place.name: place.shape for place in expected.values() if place}
    model_folder.check_tensors(tensors, shapes, f"{path} does not fit the original's network")
    state = network.state_dict()
    for name, place in expected.items():
        if place:
            values = torch.from_numpy(np.asarray(tensors[place.name], np.float32))
            state[name] = place.convert(values).contiguous()
    network.load_state_dict(state)
    return network.eval()


def write_folder(
    source: str | Path,
    folder: str | Path,
    patch: int = PATCH,
    name: str | None = None,
    moments: Moments = MOMENTS,
    grid_spacing: float = 180 / 1280,
    step_hours: float = 3,
    level: str = "model level 120 of L137",
    latitude: tuple[float, float] = (-60.0, 60.0),
) -> ModelConfig:
    """Write a model folder from a Keras file; what is not in it is as in the original unless given.

    Raises ``InputError`` if the file does not fit, or if the folder, which is replaced, holds the file or
    anything but a model.
    """
    within = Path(folder).resolve() in Path(source).resolve().parents
    if within or (os.path.lexists(folder) and not (Path(folder) / model_folder.CONFIG).is_file()):
        raise InputError(f"{folder} exists and would be replaced; expected a new folder, or a model's.")
    network = load(source, patch, moments.variables)
    encoder = network.encoder if isinstance(network, SiameseNetwork) else network
    sizes: dict[str, Any] = {"stages": list(encoder.channels), "blocks": len(encoder.stages[0])}
    kind = "encoder"
    if isinstance(network, SiameseNetwork):
        kind, sizes = "atmodist", sizes | {"patch": patch, "classes": network.tail[-1].out_features}
    config = ModelConfig(
        kind=kind,
        name=name or Path(folder).name,
        network=sizes,
        moments=moments,
        units=("s-1",) * len(moments.variables),
        level=level,
        grid_spacing=grid_spacing,
        step_hours=step_hours,
        latitude=latitude,
        about={
            "imported_from": Path(source).name,
            "imported_sha256": sha256(source),
            **model_folder.versions(),
        },
    )
    model_folder.save(folder, network, config, card(network, config))
    return config


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; what is wrong is one sentence and exit code 1."""
    parser = argparse.ArgumentParser(
        prog="python -m atmodist.import_keras",
        description="Make a model folder from the original's Keras weights. What the file does not say is "
        "as in the original unless given.",
    )
    parser.add_argument("weights", type=Path, help="model_weights.hdf5 or encoder_weights.hdf5")
    parser.add_argument("folder", type=Path, help="the model folder to write")
    parser.add_argument("--name", help="name of the model; by default that of the folder")
    parser.add_argument("--moments", type=Path, help="moments.json of the training data")
    parser.add_argument("--patch", type=int, default=PATCH, help="edge of the training patches in pixels")
    parser.add_argument(
        "--grid-spacing", type=float, default=180 / 1280, help="of the training data in degrees"
    )
    parser.add_argument("--step-hours", type=float, default=3, help="hours of a time step")
    parser.add_argument("--level", default="model level 120 of L137", help="level of the training data")
    given = parser.parse_args(arguments)
    try:
        config = write_folder(
            given.weights,
            given.folder,
            given.patch,
            given.name,
            Moments.load(given.moments) if given.moments else MOMENTS,
            given.grid_spacing,
            given.step_hours,
            given.level,
        )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{given.folder}: {config.kind} with {', '.join(f'{k} {v}' for k, v in config.network.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
