"""Checking the config against its schema: defaults filled in, errors in one line."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import referencing
from jsonschema.exceptions import ValidationError, best_match

from epochreel.config.yaml_file import load_file
from epochreel.core.errors import UserError, first_line, shown

PARTS = ("data", "networks", "figure", "description")
"""What a file settings.schema.yaml may hold."""


def checked(value: Any, schema: Mapping[str, Any], where: str = "") -> Any:
    """A copy of `value` with the schema's defaults filled in.

    Raises `UserError` with one line that names the key (below `where`), what it holds and what
    it may hold.
    """
    path = [where] if where else []
    value = _plain(value, path)
    try:
        # An empty registry: a schema refers to no other file, and nothing is fetched.
        validator = _FILLING(schema, registry=referencing.Registry())
        error = best_match(validator.iter_errors(value), key=_relevance)
    except referencing.exceptions.Unresolvable as lost:
        raise UserError(f"the schema of {_key(path)} refers to no part of it: {lost.ref}") from None
    if error is not None:
        raise UserError(_in_one_line(error, path))
    return value


def load_parts(path: Path) -> dict[str, Any]:
    """The schemas of an experiment's own settings, by part: data, networks, figure.

    Raises `UserError` for a file of other parts, or of what is no JSON Schema.
    """
    parts = load_file(path)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise UserError(
            f"{path} has the unknown part {shown(unknown[0])}; it may have {', '.join(PARTS[:3])}"
        )
    try:
        parts = json.loads(json.dumps(parts))  # Keys are text then, and nothing is shared.
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: no JSON Schema: {first_line(error)}") from None
    networks = parts.get("networks", {})
    if not isinstance(networks, dict):
        raise UserError(f"{path}: 'networks' holds {shown(networks)}; it may hold their names")
    schemas = {part: parts[part] for part in ("data", "figure") if part in parts}
    for part, rules in (schemas | {f"networks.{key}": networks[key] for key in networks}).items():
        _check_schema(rules, f"{path}: '{part}'")
    return parts


def _check_schema(rules: Any, where: str) -> None:
    if not isinstance(rules, dict):
        raise UserError(f"{where} holds {shown(rules)}; it may hold a JSON Schema")
    try:
        _DRAFT.check_schema(rules)
    except jsonschema.SchemaError as error:
        key = "".join(f".{part}" for part in error.absolute_path)
        raise UserError(f"{where} is no JSON Schema at '{key[1:]}': {error.message}") from None


def by_name(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """One schema of objects whose `name` is a key of `schemas`.

    The object's other keys are those of that name's schema, with its bounds and defaults.
    """
    branches = []
    for name, part in schemas.items():
        own = {"name": {}} | part.get("properties", {})
        branches.append(
            {
                "if": {"required": ["name"], "properties": {"name": {"const": name}}},
                "then": {**part, "properties": own, "additionalProperties": False},
            }
        )
    names = {"name": {"enum": list(schemas)}}
    return {"type": "object", "required": ["name"], "properties": names, "allOf": branches}


def folders(schema: Mapping[str, Any]) -> list[str]:
    """The keys of an object's schema that name a folder to read (`format: folder`)."""
    properties = schema.get("properties", {})
    return [name for name, part in properties.items() if _says(part, "format") == "folder"]


def _says(schema: Any, key: str) -> Any:
    return schema.get(key) if isinstance(schema, dict) else None  # It may be true or false.


def _plain(value: Any, path: list) -> Any:
    """Return a copy of `value` that JSON can hold and in which nothing is shared.

    Defaults are filled in place, and YAML's anchors share objects. Raises `UserError` for keys
    that are not text, and for dates, sets, bytes, .nan and .inf.
    """
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UserError(f"config: {_key(path)} has the key {shown(key)}; keys are text")
        return {key: _plain(part, [*path, key]) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, [*path, index]) for index, part in enumerate(value)]
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise UserError(
        f"config: {_key(path)} holds {shown(value)}; it may hold text (in quotes), a finite "
        "number, true, false, null, a list, or keys with values"
    )


def _relevance(error: ValidationError) -> tuple:
    """The error nearest to the file's top is the one to tell of."""
    return -len(error.path), [str(part) for part in error.path]


def suffixes(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """Of such a key, the endings of the files that are read there (`suffixes`), if it says so."""
    properties = schema.get("properties", {})
    return {name: part["suffixes"] for name, part in properties.items() if _says(part, "suffixes")}


def _fill(properties_rule):
    def rule(validator, properties, instance, schema):
        if isinstance(instance, dict):
            for name, part in properties.items():
                if isinstance(part, dict) and "default" in part:
                    instance.setdefault(name, copy.deepcopy(part["default"]))
        yield from properties_rule(validator, properties, instance, schema)

    return rule


def _is_integer(_checker, value: Any) -> bool:
    """Refuse 1.0 and true, which jsonschema and Python take for integers."""
    return isinstance(value, int) and not isinstance(value, bool)


_DRAFT = jsonschema.Draft202012Validator
_FILLING = jsonschema.validators.extend(
    _DRAFT,
    {"properties": _fill(_DRAFT.VALIDATORS["properties"])},
    type_checker=_DRAFT.TYPE_CHECKER.redefine("integer", _is_integer),
)


def _in_one_line(error: ValidationError, where: list) -> str:
    path = [*where, *error.absolute_path]
    rule, instance, limit = error.validator, error.instance, error.validator_value
    if rule == "additionalProperties" and isinstance(instance, dict):
        return _unknown_key(error, path)
    if "propertyNames" in error.absolute_schema_path:
        may = _may_hold(error.schema)
        return f"config: {_key(path)} has the key {shown(instance)}; a key there is {may}"
    if rule == "required":
        missing = [name for name in limit if name not in instance]
        return f"config: {_key(path)} lacks the key '{missing[0]}'"
    hint = ""
    if isinstance(instance, str) and _looks_like_number(instance):
        hint = " (YAML reads this as text: write a number as 1.0e-3)"
    may = _may_hold(error.schema) if error.parent is None else str(error.message)
    return f"config: {_key(path)} holds {shown(instance)}; it may hold {may}{hint}"


def _unknown_key(error: ValidationError, path: list) -> str:
    known = error.schema.get("properties", {})
    unknown = [name for name in error.instance if name not in known]
    return (
        f"config: {_key(path)} has the unknown key {shown(unknown[0])}; "
        f"it may have {', '.join(known) or 'none'}"
    )


def _key(path: list) -> str:
    return shown(".".join(str(part) for part in path)) if path else "the file"


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
    "minProperties": "at least {} {entries}",
    "minItems": "at least {} {entries}",
    "maxItems": "at most {} {entries}",
    "uniqueItems": "all different",
    "pattern": "matching {}",
}


def _may_hold(schema: Mapping[str, Any]) -> str:
    """What a schema allows, in words."""
    if not isinstance(schema, Mapping):
        return "nothing"
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return shown(schema["const"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = " or ".join(_TYPES[kind] for kind in kinds) or "something else"
    if _says(schema.get("not"), "enum"):
        words = "anything but " + ", ".join(str(value) for value in schema["not"]["enum"])
    bounds = (_bound(text, schema.get(name, False)) for name, text in _BOUNDS.items())
    return ", ".join([words, *filter(None, bounds)])


def _bound(text: str, limit: Any) -> str:
    """A bound in words; nothing where there is none."""
    return (
        "" if limit is False else text.format(limit, entries="entry" if limit == 1 else "entries")
    )
