"""A config file, read more strictly than YAML asks: a mapping, in which no key is given twice."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from atmodist.core.errors import InputError

MERGE = "tag:yaml.org,2002:merge"


class _Strictly:
    """What both of PyYAML's loaders do here beside what they do anyway."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            name, line = (key.tag, str(key.value)), key.start_mark.line + 1
            if key.tag != MERGE and name in lines:
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value} is given twice, first in line {lines[name]}",
                    problem_mark=key.start_mark,
                )
            lines[name] = line
        return super().construct_mapping(node, deep)

    def construct_day(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:
            raise yaml.MarkedYAMLError(
                problem=f"{node.value} is not a day of the calendar ({error})", problem_mark=node.start_mark
            ) from None


class _Loader(_Strictly, yaml.SafeLoader):
    """In Python, whose messages are the clearer ones."""


class _FastLoader(_Strictly, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """In C, ten times as fast."""


for loader in (_Loader, _FastLoader):
    loader.add_constructor("tag:yaml.org,2002:timestamp", loader.construct_day)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise yaml.MarkedYAMLError(problem=f"{twice} is given twice")
    return found


def read(path: str | Path) -> Mapping[str, Any]:
    """The mapping in a YAML or JSON file.

    Raises ``InputError`` with file and line at what is neither, at a key that is given twice and at a day
    that is not in the calendar, and with the file alone where it is missing, not text, or not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        try:
            content = json.loads(text, object_pairs_hook=_once)
        except ValueError:
            try:
                content = yaml.load(text, _FastLoader)
            except yaml.YAMLError:
                content = yaml.load(text, _Loader)  # fails, too, and says why
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); expected a config file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8 ({error.reason} at byte {error.start})") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        context = f"{error.context}: " if error.context else ""
        raise InputError(f"{path}{line}: {context}{error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path} is not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, Mapping):
        found = {type(None): "nothing", list: "a list", str: "text"}.get(type(content), "one value")
        raise InputError(f"{path} holds {found}; expected keys such as name, data and figures at its top")
    return content
