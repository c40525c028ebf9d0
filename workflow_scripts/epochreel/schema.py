"""Checking the config against its schema: defaults filled in, errors in one line."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import ValidationError, best_match

from epochreel.errors import UserError


def checked(value: Any, schema: Mapping[str, Any], where: str = "") -> Any:
    """A copy of `value` with the schema's defaults filled in.

    Raises `UserError` with one line that names the key (below `where`), what it holds and what
    it may hold.
    """
    value = copy.deepcopy(value)
    validator = _FILLING(schema)
    try:
        error = best_match(validator.iter_errors(value))
    except RecursionError:
        raise UserError("the config refers to itself: remove its YAML anchors") from None
    if error is not None:
        raise UserError(_in_one_line(error, where))
    return value


def load_yaml(text: str) -> Any:
    """YAML as plain values; no tag makes an object."""
    return yaml.safe_load(text)


def folders(schema: Mapping[str, Any]) -> list[str]:
    """The keys of an object's schema that name a folder to read (`format: folder`)."""
    properties = schema.get("properties", {})
    return [name for name, part in properties.items() if part.get("format") == "folder"]


def _fill(properties_rule):
    def rule(validator, properties, instance, schema):
        if isinstance(instance, dict):
            for name, part in properties.items():
                if "default" in part:
                    instance.setdefault(name, copy.deepcopy(part["default"]))
        yield from properties_rule(validator, properties, instance, schema)

    return rule


def _is_number(_checker, value: Any) -> bool:
    """A finite number: YAML's .nan and .inf are refused, and true is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value == value and abs(value) != float("inf")


def _is_integer(_checker, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_DRAFT = jsonschema.Draft202012Validator
_FILLING = jsonschema.validators.extend(
    _DRAFT,
    {"properties": _fill(_DRAFT.VALIDATORS["properties"])},
    type_checker=_DRAFT.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    ),
)


def _in_one_line(error: ValidationError, where: str) -> str:
    path = ".".join([*([where] if where else []), *(str(part) for part in error.absolute_path)])
    rule, instance, limit = error.validator, error.instance, error.validator_value
    if rule == "additionalProperties" or rule == "propertyNames":
        return _unknown_key(error, path)
    if rule == "required":
        missing = [name for name in limit if name not in instance]
        return f"config: {_key(path)} lacks the key '{missing[0]}'"
    hint = ""
    if isinstance(instance, str) and _looks_like_number(instance):
        hint = " (YAML reads this as text: write a number as 1.0e-3)"
    may = _may_hold(error.schema) if error.parent is None else str(error.message)
    return f"config: {_key(path)} holds {_shown(instance)}; it may hold {may}{hint}"


def _unknown_key(error: ValidationError, path: str) -> str:
    if error.validator == "propertyNames" or not isinstance(error.instance, dict):
        return f"config: {_key(path)} is no name: {error.message}"
    known = error.schema.get("properties", {})
    unknown = [name for name in error.instance if name not in known]
    return (
        f"config: {_key(path)} has the unknown key {_shown(unknown[0])}; "
        f"it may have {', '.join(known)}"
    )


def _key(path: str) -> str:
    return f"'{path}'" if path else "the file"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 60 else text[:57] + "..."


def _looks_like_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "keys with values",
    "array": "a list",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} character(s)",
    "maxLength": "at most {} characters",
    "minProperties": "at least {} entry",
    "pattern": "matching {}",
}


def _may_hold(schema: Mapping[str, Any]) -> str:
    """What a schema allows, in words."""
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = " or ".join(_TYPES[kind] for kind in kinds) or "something else"
    bounds = [text.format(schema[name]) for name, text in _BOUNDS.items() if name in schema]
    return ", ".join([words, *bounds])
