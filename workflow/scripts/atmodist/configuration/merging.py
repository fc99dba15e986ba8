"""One config out of several: another file's keys replace those of the one underneath."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from atmodist.core.errors import InputError

ENTRIES = ("models", "regions", "sectors")
"""Keys whose entries a config merged over another can take away with null."""


def tidy(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as it is meant: dates that YAML parsed are text again, entries set to null are gone.

    Entries are the models, the regions, the jet's sectors and the validation split, which a config merged
    over this one can take away with null.
    """
    result = {key: tidy(value) if isinstance(value, Mapping) else value for key, value in config.items()}
    result = {key: value.isoformat() if isinstance(value, date) else value for key, value in result.items()}
    if result.get("validation", ...) is None:
        del result["validation"]
    for kind in set(ENTRIES) & result.keys():
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


def stacked(*configs: Mapping[str, Any]) -> dict[str, Any]:
    """The configs, each merged over those before it.

    A null that takes away an entry that none before it has raises ``InputError``.
    """
    result: dict[str, Any] = {}
    for config in configs:
        beneath = _entries(result)
        for place, entry in _entries(config).items():
            if entry is None and place not in beneath:
                hint = "; write {} for the defaults" if place[1] == "models" else ""
                key = ".".join(map(str, place))
                raise InputError(f"config key {key} is null, and there is none to remove{hint}")
        result = merged(result, config)
    return result


def _entries(config: Mapping[str, Any]) -> dict[tuple[str, str, str], Any]:
    """Models, regions and sectors by section, key and name, of a config that may be wrong."""
    return {
        (section, kind, name): entry
        for section, settings in config.items()
        if isinstance(settings, Mapping)
        for kind in ENTRIES
        if isinstance(settings.get(kind), Mapping)
        for name, entry in settings[kind].items()
    }
