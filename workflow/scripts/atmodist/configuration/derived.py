"""What follows from a config: settings of every model, periods, counts of files, the size of the grid."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from atmodist.configuration.merging import merged
from atmodist.core.periods import Period, blocks, months
from atmodist.data import points
from atmodist.data.variables import WIND
from atmodist.samples.counts import shard_count

ENCODER_SECTIONS = ("atmodist", "autoencoder", "untrained")
"""Sections of the config whose models have an encoder."""


def splits(config: Mapping[str, Any]) -> list[str]:
    """The splits of the data; one for validation is optional."""
    return [split for split in ("train", "validation", "eval") if split in config["data"]]


def models(config: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Settings of every model in a section, ``atmodist`` or another, with the defaults filled in.

    A model whose ``weights`` come from elsewhere has no epochs of pre-training.
    """
    section = config[kind]
    found = {name: merged(section["defaults"], changes) for name, changes in section["models"].items()}
    untrained = {"pretraining": {"epochs": 0}}
    return {name: merged(each, untrained) if "weights" in each else each for name, each in found.items()}


def periods(config: Mapping[str, Any], split: str) -> list[Period]:
    """Periods of a split: calendar months, or blocks of days of the synthetic atmosphere."""
    data = config["data"]
    start, end = data[split]["start"], data[split]["end"]
    if data["source"] == "synthetic":
        return blocks(start, end, data["synthetic"]["period_days"])
    return months(start, end)


def evaluation_shards(config: Mapping[str, Any]) -> list[Period]:
    """Days of the evaluation split that one job evaluates."""
    days = config["data"]["eval"]
    return blocks(days["start"], days["end"], config["evaluation"]["shard_days"])


def time_count(config: Mapping[str, Any], split: str) -> int:
    """Number of analyses in a split."""
    start, end = first_and_last(config["data"][split])
    return ((end - start).days + 1) * 24 // config["data"]["step_hours"]


def pair_shards(config: Mapping[str, Any], split: str) -> int:
    """Number of files of pairs."""
    pairs = config["pairs"]
    return shard_count(time_count(config, split), pairs["per_time"], pairs["max_lag"], pairs["shard_size"])


def patch_shards(config: Mapping[str, Any], split: str) -> int:
    """Number of files of patches."""
    patches = config["patches"]
    return shard_count(time_count(config, split), patches["per_time"], 0, patches["shard_size"])


def grid_rows(config: Mapping[str, Any]) -> int:
    """Rows of the grid: 2(T + 1) for an odd truncation T; an even one is gridded like T + 1."""
    return 2 * (points.grid_truncation(config["data"]["truncation"]) + 1)


def archive_truncation(config: Mapping[str, Any]) -> int:
    """Truncation of the coefficients in the archive: as wanted, unless the config says otherwise."""
    return config["data"].get("archive_truncation", config["data"]["truncation"])


def wind(config: Mapping[str, Any]) -> list[str]:
    """Variables that make up the wind, of those that there are."""
    return [variable for variable in config["data"]["variables"] if variable in WIND]


def encoders(config: Mapping[str, Any]) -> dict[str, str]:
    """Name of every encoder, whoever makes it, and the section of the config that it comes from."""
    return {name: section for section in ENCODER_SECTIONS for name in config[section]["models"]}


def content_losses(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each (encoder, layer) that a model is trained with."""
    contents = (
        model["content"] for kind in ("srgan", "inpainting") for model in models(config, kind).values()
    )
    return sorted(
        {(content["encoder"], content["layer"]) for content in contents if not isinstance(content, str)}
    )


def compared_content_losses(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each encoder at each layer that any model is trained with, so that like is compared with like."""
    layers = sorted({layer for _, layer in content_losses(config)})
    return [(encoder, layer) for layer in layers for encoder in encoders(config)]


def uncertainty_models(config: Mapping[str, Any]) -> list[str]:
    """AtmoDist models that know the lag of the uncertainty maps."""
    steps = config["uncertainty"]["lag_hours"] // config["data"]["step_hours"]
    return [name for name, model in models(config, "atmodist").items() if model["classes"] >= steps]


def processors(training: Mapping[str, Any]) -> dict[str, Any]:
    """Snakemake's resources of a training run: GPUs of one node, those of each of several, or nodes alone."""
    devices, nodes, gpu = training["devices"], training["nodes"], training["device"] != "cpu"
    if nodes == 1:
        return {"gpu": devices, "nodes": 1} if gpu else {"gpu": 0}  # Slurm may spread GPUs over nodes
    return {"nodes": nodes, **({"gres": f"gpu:{devices}"} if gpu else {"tasks": nodes})}


def zooms(config: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Latitudes and longitudes of each region that its maps show enlarged: by default its middle third."""
    regions = config["figures"]["regions"]
    middle = {
        name: {
            axis: [(2 * low + high) / 3, (low + 2 * high) / 3]
            for axis, (low, high) in region.items()
            if axis != "zoom"
        }
        for name, region in regions.items()
    }
    return {name: region.get("zoom", middle[name]) for name, region in regions.items()}


def file_name(region: str) -> str:
    """What a region is called in names of files."""
    return region.lower().replace(" ", "_")


def first_and_last(split: Mapping[str, str]) -> tuple[date, date]:
    """First and last day of a split."""
    return date.fromisoformat(split["start"]), date.fromisoformat(split["end"])
