"""Print config/README.md: what each key of the schema means, its unit, the paper's value, what it re-runs."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SCHEMA = yaml.safe_load((HERE.parent / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
PAPER = yaml.safe_load((HERE / "config.yaml").read_text(encoding="utf-8"))

INTRODUCTION = """\
# The config

`config/config.yaml` is the paper; `snakemake` reads it by default. `--configfile other.yaml` merges another
file over it, which therefore holds only what differs, one key at least: `config/demo.yaml` is one. Where
targets follow `--configfile` or `--quiet`, write `--` before them. To remove a model or a region that the
file underneath names, set it to `null`. Results lie under `results/{name}/`.

`--config name=mine seed=1` sets these two keys. Numbers inside a section need a file: Snakemake reads them
as text in `--config "pairs={patch: 96}"`. So does YAML with a number such as `1e-3`: write `1.0e-3`.

A config is checked before anything runs. Each job depends only on the keys that it needs. The last column
names the first rules that run again when the key changes; everything after them follows.

If a file given with `--configfile` is not valid YAML, Snakemake says only that. To see the line, run
`PYTHONPATH=workflow/scripts .venv/bin/python -m atmodist.configuration config/config.yaml other.yaml`.

*This page is made from `workflow/schemas/config.schema.yaml` by `make docs`.*
"""
WORDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "array": "list",
    "object": "mapping",
    "boolean": "true, false",
    "null": "null",
}
UNBOUNDED = 10**9
"""Limits from here on only keep numbers representable."""


def resolve(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` with what its reference holds, if it has one."""
    if "$ref" not in schema:
        return dict(schema)
    return resolve(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]]) | schema


def entries(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict]]:
    """Every key below ``schema``: values, and groups of them with their description alone."""
    for name, child in schema.get("properties", {}).items():
        child = {"x-reruns": schema.get("x-reruns", "")} | resolve(child)
        if child.get("properties") and "oneOf" not in child:
            yield (*path, name), {"description": child["description"]}
            yield from entries(child, (*path, name))
        else:
            yield (*path, name), child


def keys(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict]]:
    """Every key below ``schema`` that is a value rather than a group of keys."""
    return (entry for entry in entries(schema) if "x-reruns" in entry[1])


def choices(schema: Mapping[str, Any]) -> str:
    """What the key may hold, in a few words."""
    if "x-expected" in schema:
        return schema["x-expected"]
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    if "oneOf" in schema:
        values = [value for each in schema["oneOf"] for value in each.get("enum", [each.get("const")])]
        words = [value for value in values if value] + ["null"] * ({"type": "null"} in schema["oneOf"])
        return ", ".join(f"`{word}`" for word in words) + " or `{encoder, layer}`"
    if "items" in schema:
        return f"list of {entries_of_a_list(schema)}"
    kinds = schema.get("type", [])
    first, *others = [WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)] or [""]
    limits = limits_of(schema)
    return f"{first}{limits}{',' if limits and others else ''}" + "".join(f" or {kind}" for kind in others)


def entries_of_a_list(schema: Mapping[str, Any]) -> str:
    """How many of what a list holds."""
    item = resolve(schema["items"])
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    count = f"{most} " if least == most else f"{least} or more " if least else ""
    if "enum" in item:
        return count + choices(item)
    if "properties" in item:
        return f"{count}`{{{', '.join(item['properties'])}}}`"
    if "items" in item:
        return f"{count}lists of {entries_of_a_list(item)}"
    return f"{count}{'name' if item['type'] == 'string' else WORDS[item['type']]}s{limits_of(item)}"


def limits_of(schema: Mapping[str, Any]) -> str:
    """Between which numbers a number may lie."""
    least, most = schema.get("minimum"), schema.get("maximum", UNBOUNDED)
    words = {
        "{} to {}": (least, most) if least is not None and most < UNBOUNDED else None,
        "at least {}": (least,) if least is not None and most >= UNBOUNDED else None,
        "more than {}": (schema["exclusiveMinimum"],) if "exclusiveMinimum" in schema else None,
        "less than {}": (schema["exclusiveMaximum"],) if "exclusiveMaximum" in schema else None,
        "a multiple of {}": (schema["multipleOf"],) if "multipleOf" in schema else None,
    }
    return "".join(f", {text.format(*map(as_yaml, numbers))}" for text, numbers in words.items() if numbers)


def as_yaml(value: Any) -> str:
    """A value as YAML has it, on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).strip().removesuffix("\n...").strip()


def paper_value(path: tuple[str, ...]) -> str:
    """The paper's value of a key, as YAML."""
    value: Any = PAPER
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return "–"
        value = value[name]
    text = as_yaml(value)
    return f"`{text}`" if len(text) <= 60 else "see the file"


def main() -> None:
    """Print the page."""
    print(INTRODUCTION)
    for section, schema in SCHEMA["properties"].items():
        schema = resolve(schema)
        print(f"## `{section}`\n\n{schema['description']}\n")
        print("| key | meaning | unit | may hold | paper | re-runs |\n|---|---|---|---|---|---|")
        rows = list(entries(schema, (section,))) if schema.get("properties") else [((section,), schema)]
        for path, key in rows:
            cells = (
                f"`{'.'.join(path)}`",
                key.get("description", ""),
                key.get("x-unit", ""),
                choices(key),
                paper_value(path) if "x-reruns" in key else "",
                key.get("x-reruns", ""),
            )
            print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        print()


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
