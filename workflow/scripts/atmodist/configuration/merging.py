"""One config out of several: another file's keys replace those of the one underneath."""

from collections.abc import Mapping
from datetime import date
from typing import Any


def tidy(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as it is meant: dates that YAML parsed are text again, entries set to null are gone.

    Entries are the models, the regions, the jet's sectors and the validation split, which a config merged
    over this one can take away with null.
    """
    result = {key: tidy(value) if isinstance(value, Mapping) else value for key, value in config.items()}
    result = {key: value.isoformat() if isinstance(value, date) else value for key, value in result.items()}
    if result.get("validation", ...) is None:
        del result["validation"]
    for kind in {"models", "regions", "sectors"} & result.keys():
        if isinstance(result[kind], dict):
            result[kind] = {name: entry for name, entry in result[kind].items() if entry is not None}
    return result


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` merged over it, mapping by mapping."""
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result
