"""A trained network from elsewhere that takes the place of a training run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from atmodist import import_keras, model_folder
from atmodist.core.errors import InputError
from atmodist.learning.networks import SiameseNetwork
from atmodist.samples.normalise import Moments


def import_network(
    path: str | Path,
    key: str,
    settings: Mapping[str, Any],
    patch: int,
    variables: Sequence[str],
    grid_spacing: float,
    step_hours: float,
    alpha: float,
) -> tuple[SiameseNetwork, Moments]:
    """The AtmoDist network of a model folder, or of a Keras file of the original's weights, and its moments.

    It must be of the same variables, normalised with the same ``alpha``; a folder also of a grid spacing
    (degrees) within 20 % and of the same time step, which Keras' files do not say. ``InputError`` in one
    sentence if that does not hold, or if the network is not that of the ``settings`` (classes, stages,
    blocks) and of ``patch`` pixels; ``key`` names the config's entry in it.
    """
    if Path(path).suffix in import_keras.SUFFIXES:
        network, moments = import_keras.load(path, patch, variables), import_keras.MOMENTS
        found = import_keras.sizes_of(import_keras.read_tensors(path), path)
    else:
        network, config = model_folder.load(path)
        moments = config.moments
        config.check_spacing(grid_spacing)
        if config.step_hours != step_hours:
            raise InputError(
                f"{path} is of a time step of {config.step_hours:g} h; "
                f"expected that of data.step_hours, {step_hours:g} h."
            )
        found = dict(config.network)
    for name, expected, there in (
        ("data.variables", list(variables), list(moments.variables)),
        ("normalisation.alpha", alpha, moments.alpha),
    ):
        if there != expected:
            raise InputError(f"{path} is of {there}; expected that of {name}, {expected}.")
    if not isinstance(network, SiameseNetwork):
        raise InputError(
            f"config key {key}.weights is {path}, which holds no classifier of lags; "
            "expected a whole AtmoDist network."
        )
    for name, expected in {"classes": settings["classes"], "stages": list(settings["stages"])}.items():
        _compare(path, key, name, found[name], expected)
    _compare(path, key, "blocks", found["blocks"], settings["blocks"])
    if found.get("patch", patch) != patch:
        raise InputError(f"{path} is of patches of {found['patch']} pixels; expected pairs.patch, {patch}.")
    return network, moments


def _compare(path: str | Path, key: str, name: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise InputError(
            f"config key {key}.{name} is {expected}, but the network of {path} has {found}; "
            f"set {key}.{name} to {found}."
        )
