"""What the JSON schema says about a config, in one sentence of everyday words."""

import difflib
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from jsonschema import Draft202012Validator, TypeChecker, validators
from jsonschema.exceptions import ValidationError

LARGEST = sys.float_info.max


def _is_whole(checker: TypeChecker, value: Any) -> bool:
    """JSON Schema takes 23.0 for a whole number; Python's ``range`` does not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: TypeChecker, value: Any) -> bool:
    return (_is_whole(checker, value) or isinstance(value, float)) and -LARGEST <= value <= LARGEST


Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole).redefine(
        "number", _is_number
    ),
)


def ordered(config: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Any:
    """The config with its keys in the schema's order; models and all else that have free names keep theirs.

    Snakemake puts keys that a second file gives again first, and takes another order for another parameter.
    """
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    schema = _resolved(schema, definitions)
    if isinstance(config, list):
        return [ordered(each, schema.get("items", {}), definitions) for each in config]
    if not isinstance(config, Mapping):
        return config
    if "oneOf" in schema:
        return ordered(config, schema["oneOf"][-1], definitions)  # the one that is a mapping
    known = schema.get("properties", {})
    others = schema.get("additionalProperties") or {}
    names = [*(name for name in known if name in config), *(name for name in config if name not in known)]
    return {name: ordered(config[name], known.get(name, others), definitions) for name in names}


def mistakes(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Each mistake, nearest the top of the config first: the key, what it holds and what it may hold."""
    if problem := _named_by_another(config):
        yield problem
        return
    errors = sorted(Validator(schema).iter_errors(config), key=lambda error: len(error.path))
    # Of several keys that one mapping lacks, each is an error that names none.
    yield from dict.fromkeys(sentence for error in errors for sentence in _explain(error, schema))


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a schema's reference holds, if it has one."""
    return definitions[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema


def _named_by_another(section: Any, path: str = "") -> str | None:
    """The first key that is no text, such as 2001 or ``on``, which YAML reads as a number and as true."""
    inner = section.items() if isinstance(section, Mapping) else ()
    if isinstance(section, list):
        inner = ((str(number), entry) for number, entry in enumerate(section))
    for key, value in inner:
        if not isinstance(key, str):
            return f"{_join(path, str(key))} has {key!r} as its name; expected text, so put it in quotes"
        if problem := _named_by_another(value, _join(path, key)):
            return problem
    return None


def _explain(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[str]:
    key = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for unknown in (name for name in error.instance if name not in known):
            near = difflib.get_close_matches(unknown, known, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            yield f"{_join(key, unknown)} is unknown; {hint}expected one of {', '.join(known)}"
    elif error.validator == "required":
        for missing in (name for name in error.validator_value if name not in error.instance):
            yield f"{_join(key, missing)} is missing; expected {_meaning(error.schema, missing, schema)}"
    else:
        yield f"{key or '(top)'} holds {_shown(error.instance)}; expected {_expected(error)}"


def _shown(value: Any) -> str:
    """A value on one line, its middle left out where it is long."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)  # as YAML has it, too
    text = " ".join(repr(value).split())
    return text if len(text) <= 200 else f"{text[:120]} … {text[-60:]}"


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _meaning(section: Mapping[str, Any], key: str, schema: Mapping[str, Any]) -> str:
    """What a key of ``section`` means, in its description's first sentence."""
    section = _resolved(section, schema["$defs"])
    text = section.get("properties", {}).get(key, {}).get("description", "a value")
    return text[0].lower() + text[1:].split(". ")[0].rstrip(".")


def _expected(error: ValidationError) -> str:
    value = error.validator_value
    if error.validator in ("type", "pattern", "not") and "x-expected" in error.schema:
        return error.schema["x-expected"]
    names = {"integer": "a whole number", "number": "a finite number", "string": "text"}
    names |= {"object": "a mapping", "array": "a list", "boolean": "true or false", "null": "null"}
    match error.validator:
        case "type":
            kinds = [value] if isinstance(value, str) else value
            return " or ".join(names[kind] for kind in kinds) + _number_in(error.instance, kinds)
        case "enum":
            return "one of " + ", ".join(str(choice) for choice in value)
        case "minimum":
            return f"at least {value}"
        case "maximum":
            return f"at most {value}"
        case "exclusiveMinimum":
            return f"more than {value}"
        case "exclusiveMaximum":
            return f"less than {value}"
        case "multipleOf":
            return f"a multiple of {value}"
        case "minLength":
            return "text that is not empty"
        case "minItems":
            return f"at least {value} entries"
        case "maxItems":
            return f"at most {value} entries"
        case "uniqueItems":
            return "each entry once"
        case "minProperties":
            return f"at least {value} entry"
        case "pattern":
            return f"text of the form {value}"
        case "oneOf":
            words = [name for choice in value for name in _words(choice)]
            encoding = "a mapping of encoder (the name of a model that has one) and layer (stage1 … stage4)"
            return f"{', '.join(words)}, or {encoding}"
        case _:
            return error.message


def _number_in(value: Any, kinds: Sequence[str]) -> str:
    """How to write a number that YAML has read as text, such as 1e-3, where one is expected."""
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return ""
    if not math.isfinite(number) or not {"integer", "number"} & set(kinds):
        return ""
    if number.is_integer() and "integer" in kinds:
        number = int(number)
    return f" (YAML reads it as text: write {yaml.safe_dump(number).split()[0]})"


def _words(choice: Mapping[str, Any]) -> list[str]:
    """The single values among what a key may hold."""
    if choice.get("type") == "null":
        return ["null"]
    return [str(value) for value in choice.get("enum", [choice["const"]] if "const" in choice else [])]
