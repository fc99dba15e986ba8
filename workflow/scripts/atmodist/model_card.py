"""The model card of a model folder: what the network is, what it takes, how well it does, how to use it."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from atmodist.learning.sizes import UPSCALING
from atmodist.model_folder import ModelConfig

WHAT = {
    "atmodist": "A Siamese network that predicts how many hours lie between two patches of the same place "
    "(AtmoDist, Hoffmann & Lessig 2023), whose encoder serves as a distance between atmospheric fields.",
    "encoder": "An encoder of atmospheric fields, whose layers serve as a distance between them.",
    "generator": "The generator of a fourfold super-resolution GAN (Hoffmann & Lessig 2023, after Stengel et "
    "al. 2020).",
}
USE = {
    "atmodist": "model = atmodist.AtmoDist.from_pretrained({folder!r})\n"
    "distance = model(x, y)  # fields B×C×H×W in {unit} → B",
    "generator": "high = atmodist.super_resolve({folder!r}, low)  # xarray.DataArray in {unit}",
}
SOURCES = """\
S. Hoffmann and C. Lessig: AtmoDist: Self-supervised representation learning for atmospheric dynamics,
Environmental Data Science 2 (2023), arXiv:2202.01897. K. Stengel et al.: Adversarial super-resolution of
climatological wind and solar data, PNAS 117(29) (2020)."""


def card(
    network: nn.Module,
    config: ModelConfig,
    numbers: Iterable[tuple[str, str]] = (),
    pictures: Mapping[str, str] | None = None,
) -> str:
    """A model card in Markdown.

    ``numbers`` are rows of quantity and value, ``pictures`` captions by the name of a file in the folder.
    """
    moments, parameters = config.moments, sum(weight.numel() for weight in network.parameters())
    sizes = ", ".join(f"{name} {value}" for name, value in config.network.items())
    spacing = f"{config.grid_spacing:.6g}°"
    if config.kind == "generator":
        spacing = f"{UPSCALING * config.grid_spacing:.6g}° in, {spacing} out"
    about = {
        "variables, in this order": ", ".join(
            f"{name} ({unit})" for name, unit in zip(config.variables, config.units, strict=True)
        ),
        "level": config.level,
        "grid spacing": f"{spacing}; fields more than 20 % off are refused",
        "training latitudes": f"{config.latitude[0]:g}° to {config.latitude[1]:g}°, centres of patches",
        "time step": f"{config.step_hours:g} h",
        "training period": f"{moments.start or 'unknown'} to {moments.end or 'unknown'}",
        "normalisation": f"α = {moments.alpha:g}; μ, σ, μ′, σ′ in config.json",
        "network": f"{sizes}; {parameters:,} parameters",
    }
    if config.scales:
        scales = ", ".join(f"{layer} {scale:.4g}" for layer, scale in config.scales.items())
        about["scale of each layer"] = scales
    about |= {name.replace("_", " "): str(value) for name, value in config.about.items()}
    use = USE["generator" if config.kind == "generator" else "atmodist"]
    parts = [
        f"# {config.name}\n\n{WHAT[config.kind]}",
        _table(("", ""), about.items()),
        f"```python\nimport atmodist\n\n{use.format(folder=config.name, unit=config.units[0])}\n```",
    ]
    if rows := list(numbers):
        parts += ["## How well it does", _table(("quantity", "value"), rows)]
    parts += [f"![{caption}]({name})\n\n*{caption}*" for name, caption in (pictures or {}).items()]
    return "\n\n".join([*parts, "## Sources", SOURCES]) + "\n"


def rows_of_scores(best: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows of a card from an AtmoDist model's ``best.json``."""
    return [
        ("accuracy", f"{best['accuracy']:.1%} of the evaluation pairs (chance {best['chance']:.1%})"),
        ("top-3 accuracy", f"{best['top3_accuracy']:.1%}"),
        ("cross-entropy", f"{best['loss']:.4g}"),
    ]


def rows_of_summary(path: str | Path, group: str, system: str) -> list[tuple[str, str]]:
    """Rows of a card from those of a system in ``summary.csv``, with their 95 % intervals."""
    with open(path) as stream:
        rows = [row for row in csv.DictReader(stream) if (row["group"], row["system"]) == (group, system)]
    found = []
    for row in rows:
        name = f"{row['quantity']} {row['variable']}".replace("_", " ").strip()
        unit = "" if row["unit"] == "1" else f" {row['unit']}"
        interval = f" ({row['low']} to {row['high']})" if row["low"] else ""
        found.append((name, f"{row['value']}{unit}{interval}"))
    return found


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [head, ("---", "---"), *rows]
    return "\n".join(f"| {name} | {str(value).replace('|', '/')} |" for name, value in lines)
