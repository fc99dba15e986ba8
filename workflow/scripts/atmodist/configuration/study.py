"""What seeds of the study must share to be compared; of models some may have fewer or more than others."""

from collections.abc import Mapping
from typing import Any

from atmodist.configuration.derived import ENCODER_SECTIONS, models

SECTIONS = ("grid", "normalisation", "windows", "pairs", "patches", "calibration", "evaluation", "orderings")
HOW_FIELDS_COME = {"arco", "download", "files", "spot_check", "bounds", "largest_change"}
"""Keys of ``data`` that say where fields are had and what is checked, not what they are."""


def encoder_settings(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Settings of every encoder, by name."""
    return {name: each for section in ENCODER_SECTIONS for name, each in models(config, section).items()}


def shared_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Of the config, all that changes what every seed's models are compared on, with the judge's settings."""
    representation, srgan = config["evaluation"]["representation"], config["srgan"]
    return {
        "data": {key: value for key, value in config["data"].items() if key not in HOW_FIELDS_COME},
        **{section: config[section] for section in SECTIONS},
        "srgan": {
            "generator": srgan["generator"],
            "pretraining": srgan["pretraining"],
            "batch_size": srgan["defaults"]["batch_size"],
        },
        "judge": representation and encoder_settings(config)[representation["encoder"]],
    }
