"""YAML and JSON files as plain values: no tag makes an object, no key is there twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from epochreel.core.errors import UserError, first_line, shown


def load_yaml(text: str) -> Any:
    """YAML as plain values; no tag makes an object, and no key may be there twice."""
    return yaml.load(text, _OneOfEachKey)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; one with equal keys is left to the reading of YAML, which tells where."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


class _OneOfEachKey(yaml.SafeLoader):
    """YAML without its silence about a key that takes the place of an equal one before it."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node, seen = super().compose_mapping_node(anchor), set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                told = f"the key {shown(key.value)} is there twice"
                raise yaml.constructor.ConstructorError(None, None, told, key.start_mark)
            seen.add((key.tag, str(key.value)))
        return node


def load_file(path: str | Path) -> dict[str, Any]:
    """The keys and values of a YAML or JSON file.

    Raises `UserError` where it cannot be read as such, with the line, or holds something else.
    """
    try:
        text = Path(path).read_text("utf-8")
        try:
            value = json.loads(text, object_pairs_hook=_each_once)
        except ValueError:
            value = load_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = " (indent with spaces)" if "'\\t'" in str(error.problem) else ""
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: no YAML: {error.problem or error.context}{hint}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {first_line(error)}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: no YAML: {first_line(error)}") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} holds {shown(value)}; it may hold keys with values")
    return value
