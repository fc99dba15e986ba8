"""A model folder: a trained network with all that is needed to use it elsewhere, and nothing that runs code.

``model.safetensors`` holds the weights, ``config.json`` what they are of and what input they take, and
``README.md`` is the model card. Nothing is pickled.
"""

import math
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

import atmodist
from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint, read_json, replacing, sha256, write_json
from atmodist.learning import saved
from atmodist.learning.networks import Generator
from atmodist.learning.sizes import LAYERS
from atmodist.samples.normalise import Moments

FORMAT = 1
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
KINDS = ("atmodist", "encoder", "generator")
SPACING_TOLERANCE = 0.2
"""Share by which a field's grid spacing may differ from that of the training data."""
MAGNITUDES = (0.01, 100.0)
"""Root mean square, in standard deviations of the training data, outside of which units are wrong."""


@dataclass(frozen=True)
class ModelConfig:
    """What ``config.json`` says.

    ``kind`` is "atmodist" (encoder and classifier), "encoder" or "generator"; ``network`` holds the sizes
    that `build` takes. ``grid_spacing`` is that of the high-resolution training data in degrees of latitude,
    ``latitude`` the band that the centres of training windows lay in, ``scales`` the factor of each
    calibrated layer's content loss. The training period is that of ``moments``.
    """

    kind: str
    name: str
    network: Mapping[str, Any]
    moments: Moments
    units: tuple[str, ...]
    level: str
    grid_spacing: float
    step_hours: float
    latitude: tuple[float, float] = (-90.0, 90.0)
    scales: Mapping[str, float] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "units", tuple(self.units))
        object.__setattr__(self, "latitude", tuple(self.latitude))
        if self.kind not in KINDS:
            raise InputError(f"kind is {self.kind!r}; expected one of {', '.join(KINDS)}")
        if len(self.units) != len(self.variables):
            raise InputError(f"units are {list(self.units)}; expected one for each of {list(self.variables)}")
        if not set(self.scales) <= set(LAYERS):
            raise InputError(f"scales are of {', '.join(self.scales)}; expected layers: {', '.join(LAYERS)}")
        numbers = {name: getattr(self, name) for name in ("grid_spacing", "step_hours")}
        for name, value in (
            numbers | {f"scale of {name}": each for name, each in self.scales.items()}
        ).items():
            if not (isinstance(value, int | float) and 0 < value < math.inf):
                raise InputError(f"{name} is {value!r}; expected a positive number")

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the channels, in their order."""
        return self.moments.variables

    def check_variables(self, names: Sequence[str]) -> None:
        """Refuse channels of other variables, or in another order."""
        if tuple(names) != self.variables:
            raise InputError(
                f"the input holds {', '.join(names)}; model {self.name} takes {', '.join(self.variables)}, "
                "in this order."
            )

    def check_channels(self, count: int) -> None:
        """Refuse another number of channels."""
        if count != len(self.variables):
            raise InputError(
                f"the input has {count} channels; model {self.name} takes {len(self.variables)}: "
                f"{', '.join(self.variables)}."
            )

    def check_spacing(self, spacing: float, factor: int = 1, axis: str = "") -> None:
        """Refuse a grid spacing, in degrees, more than 20 % off ``factor`` times that of the training data.

        A network's filters are of so many pixels: on another grid they see other scales.
        """
        expected = factor * self.grid_spacing
        if abs(spacing / expected - 1) > SPACING_TOLERANCE + 1e-9:
            where = f" in {axis}" if axis else ""
            raise InputError(
                f"the grid spacing{where} is {spacing:.6g}°; model {self.name} expects {expected:.6g}° "
                f"within {100 * SPACING_TOLERANCE:.0f} %: interpolate the fields, or train a model for their "
                "grid."
            )

    def check_magnitude(self, deviations: Sequence[float], normalised: bool) -> None:
        """Refuse root mean squares, one for each variable, in the training data's standard deviations.

        Zero is accepted: a field may be at rest. What is meant to be ``normalised`` is told apart from
        physical values.
        """
        low, high = MAGNITUDES
        for name, unit, value in zip(self.variables, self.units, deviations, strict=True):
            if not math.isfinite(value):
                raise InputError(f"{name} has values that are missing or not finite; expected finite ones.")
            if not (value == 0 or low <= value <= high):
                expected = "normalised values, of root mean square about 1" if normalised else f"{unit}"
                raise InputError(
                    f"{name} has a root mean square of {value:.3g} standard deviations of the training data "
                    f"of model {self.name}; expected {expected}: are its units others, or is it "
                    f"{'not ' if normalised else ''}normalised?"
                )

    def check_fields(self, fields: np.ndarray) -> None:
        """Refuse physical fields (variable, row, column) that `check_magnitude` refuses."""
        deviations = np.sqrt(np.square(fields, dtype=float).mean((1, 2))) / self.moments.std
        self.check_magnitude(deviations.tolist(), normalised=False)

    def to_json(self) -> dict[str, Any]:
        """The content of ``config.json`` but for the weights' checksum."""
        content = {"format": FORMAT, "kind": self.kind, "name": self.name, "variables": self.variables}
        content |= {"units": self.units, "level": self.level, "grid_spacing_degrees": self.grid_spacing}
        content |= {"step_hours": self.step_hours, "training_latitude": self.latitude}
        content |= {"network": dict(self.network), "moments": asdict(self.moments)}
        content |= {"training_period": {"start": self.moments.start, "end": self.moments.end}}
        return content | {"scales": dict(self.scales), "about": dict(self.about)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ModelConfig":
        """Undo ``to_json``; ``InputError``, ``KeyError`` or ``TypeError`` if it is something else."""
        if content["format"] != FORMAT:
            raise InputError(f"its format is {content['format']!r}; this version reads format {FORMAT}")
        return cls(
            kind=content["kind"],
            name=content["name"],
            network=dict(content["network"]),
            moments=Moments(**content["moments"]),
            units=content["units"],
            level=content["level"],
            grid_spacing=content["grid_spacing_degrees"],
            step_hours=content["step_hours"],
            latitude=content["training_latitude"],
            scales=dict(content["scales"]),
            about=dict(content["about"]),
        )


def versions() -> dict[str, str]:
    """Versions of what a network is trained and saved with."""
    return {
        "atmodist_version": atmodist.__version__,
        "torch_version": str(torch.__version__),
        "python_version": platform.python_version(),
    }


def provenance(config: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Where a model folder that the workflow makes comes from: data, ``more``, config and versions."""
    return {
        "data": config["data"]["source"],
        **more,
        "config_name": config["name"],
        "config_sha256": fingerprint(config),
        **versions(),
    }


def build(config: ModelConfig) -> nn.Module:
    """The network of a config, with random weights."""
    variables, sizes = len(config.variables), config.network
    if config.kind == "generator":
        return Generator(variables, channels=sizes["channels"], blocks=sizes["blocks"])
    if config.kind == "encoder":
        return saved.encoder_of(sizes, config.variables)
    return saved.build(sizes, sizes["patch"], config.variables)


def load_tensors(network: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Put ``tensors`` into ``network`` by name.

    ``InputError`` lists every tensor that is missing, unknown, of another shape or not finite.
    """
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    check_tensors(tensors, shapes, f"{source} does not fit the network")
    network.load_state_dict(dict(tensors))


def check_tensors(
    tensors: Mapping[str, Tensor | np.ndarray], shapes: Mapping[str, tuple[int, ...]], refusal: str
) -> None:
    """Refuse ``tensors`` that are not those of ``shapes``, by name.

    The ``InputError`` begins with ``refusal`` and lists every tensor that is missing, unknown, of another
    shape or not finite.
    """
    problems = [f"{name} is missing" for name in shapes if name not in tensors]
    problems += [f"{name} is unknown" for name in tensors if name not in shapes]
    for name in shapes.keys() & tensors.keys():
        values, shape = tensors[name], tuple(tensors[name].shape)
        is_finite = torch.isfinite if isinstance(values, Tensor) else np.isfinite
        if shape != shapes[name]:
            problems.append(f"{name} has shape {shape} instead of {shapes[name]}")
        elif not is_finite(values).all():
            problems.append(f"{name} is not finite")
        elif name.endswith("running_var") and (values < 0).any():
            problems.append(f"{name} is negative, which no variance is")
    if problems:
        raise InputError(f"{refusal}: {'; '.join(sorted(problems))}.")


def save(
    folder: str | Path,
    network: nn.Module,
    config: ModelConfig,
    card: str,
    pictures: Mapping[str, str | Path] | None = None,
) -> None:
    """Write a model folder, whole or not at all; ``pictures`` are copied into it under their names."""
    with replacing(folder) as partial:
        partial.mkdir()
        tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
        (partial / WEIGHTS).write_bytes(to_bytes(tensors, metadata={"format": "pt"}))
        content = config.to_json() | {"weights_sha256": sha256(partial / WEIGHTS)}
        write_json(partial / CONFIG, content)
        (partial / CARD).write_text(card, encoding="utf-8")
        for name, path in (pictures or {}).items():
            shutil.copyfile(path, partial / name)


def read_config(folder: str | Path) -> ModelConfig:
    """What a model folder says about its model; ``InputError`` if it is none."""
    return _read(folder)[0]


def load(folder: str | Path) -> tuple[nn.Module, ModelConfig]:
    """The network of a model folder in evaluation mode, on the CPU, and its config.

    ``InputError`` in one sentence if a file is missing, damaged or of another kind. Files are read as JSON
    and as safetensors alone: a folder from a stranger runs no code.
    """
    config, checksum = _read(folder)
    path = Path(folder) / WEIGHTS
    try:
        if sha256(path) != checksum:
            raise InputError(f"{path} is not the file that {CONFIG} was written with: its checksum differs.")
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read ({error}); expected weights as safetensors.") from error
    try:
        network = build(config)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{Path(folder) / CONFIG} does not describe a network ({type(error).__name__}: {error}); "
            "expected sizes as a model folder has them."
        ) from error
    load_tensors(network, tensors, path)
    return network.eval(), config


def _read(folder: str | Path) -> tuple[ModelConfig, str]:
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise InputError(
            f"{folder} is no model folder; expected one with {CONFIG} and {WEIGHTS}, e.g. "
            "results/{name}/models/atmodist/{model}."
        )
    content = read_json(path)
    try:
        return ModelConfig.from_json(content), content["weights_sha256"]
    except InputError as error:
        raise InputError(f"{path}: {str(error).rstrip('.')}.") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{path} does not describe a model ({type(error).__name__}: {error}); expected the {CONFIG} of a "
            "model folder."
        ) from error
