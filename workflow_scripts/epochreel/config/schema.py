"""Check settings against a JSON Schema, and fill in the defaults."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import referencing
from jsonschema.exceptions import ValidationError, best_match

from epochreel.config.yaml_file import load_file, load_yaml
from epochreel.core.drawable_text import undrawable
from epochreel.core.errors import UserError, first_line, printable, shown, single_line

PARTS = ("data", "networks", "figure", "description")
"""The top-level keys of a settings.schema.yaml."""


def checked(value: Any, schema: Mapping[str, Any], where: str = "") -> Any:
    """Return a copy of `value` with the schema's defaults filled in.

    `where` is the dotted path of `value` in the config. Raises `UserError` with one line that
    names the key, its value, and the expected value.
    """
    path = [where] if where else []
    value = _plain(value, path)
    try:
        # The empty registry keeps a schema from loading other files or URLs.
        validator = _FILLING(schema, registry=referencing.Registry())
        error = best_match(validator.iter_errors(value), key=_relevance)
    except referencing.exceptions.Unresolvable as lost:
        raise UserError(
            f"the schema of {_key(path)} has an unknown reference: {lost.ref}"
        ) from None
    if error is not None:
        raise UserError(_one_line_message(error, path))
    return value


def load_parts(path: Path) -> dict[str, Any]:
    """Load the schemas of an experiment's settings, by part: data, networks, figure.

    Raises `UserError` if the file has other parts or invalid JSON Schemas.
    """
    parts = load_file(path)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise UserError(
            f"{path}: unknown part {shown(unknown[0])}; expected one of {', '.join(PARTS[:3])}"
        )
    try:
        parts = json.loads(json.dumps(parts))  # Converts keys to strings; copies shared objects.
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: invalid JSON Schema: {first_line(error)}") from None
    networks = parts.get("networks", {})
    if not isinstance(networks, dict):
        raise UserError(f"{path}: networks is {_shown(networks)}; expected an object")
    schemas = {part: parts[part] for part in ("data", "figure") if part in parts}
    for part, rules in (schemas | {f"networks.{key}": networks[key] for key in networks}).items():
        _check_schema(rules, f"{path}: {printable(part)}")
    return parts


def _check_schema(rules: Any, where: str) -> None:
    if not isinstance(rules, dict):
        raise UserError(f"{where} is {_shown(rules)}; expected a JSON Schema")
    try:
        _DRAFT.check_schema(rules)
    except jsonschema.SchemaError as error:
        key = "".join(f".{part}" for part in error.absolute_path)
        raise UserError(f"{where}{key}: invalid JSON Schema: {error.message}") from None


def by_name(schemas: Mapping[str, Any], key: str = "name") -> dict[str, Any]:
    """Return the schema of an object whose `key` selects one of `schemas`.

    The selected schema defines the object's other keys, with their bounds and defaults.
    """
    branches = []
    for name, part in schemas.items():
        properties = {key: {}} | part.get("properties", {})
        branches.append(
            {
                "if": {"required": [key], "properties": {key: {"const": name}}},
                "then": {**part, "properties": properties, "additionalProperties": False},
            }
        )
    names = {key: {"enum": list(schemas)}}
    return {"type": "object", "required": [key], "properties": names, "allOf": branches}


def folders(schema: Mapping[str, Any]) -> list[str]:
    """Return the keys of an object's schema that name an input folder (`format: folder`)."""
    properties = schema.get("properties", {})
    return [name for name, part in properties.items() if _keyword(part, "format") == "folder"]


def suffixes(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """Map keys that name an input folder to the suffixes of the files read from it (`suffixes`).

    A key without `suffixes` reads all files.
    """
    properties = schema.get("properties", {})
    return {
        name: part["suffixes"] for name, part in properties.items() if _keyword(part, "suffixes")
    }


def _keyword(schema: Any, key: str) -> Any:
    return schema.get(key) if isinstance(schema, dict) else None  # A schema may be a bool.


def _plain(value: Any, path: list) -> Any:
    """Copy `value`, restricted to JSON types, so that no two keys share an object.

    Defaults are filled in place, and YAML anchors share objects. Raises `UserError` for keys
    that are not text and for dates, sets, bytes, .nan and .inf.
    """
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UserError(
                    f"config: {_key(path)} has the key {_shown(key)}; expected text (in quotes)"
                )
        return {key: _plain(part, [*path, key]) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, [*path, index]) for index, part in enumerate(value)]
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise UserError(
        f"config: {_key(path)} is {_shown(value)}; expected text (in quotes), a finite number, "
        "true, false, null, a list or an object"
    )


def _relevance(error: ValidationError) -> tuple:
    """Prefer errors near the top level, then alphabetical order."""
    return -len(error.path), [str(part) for part in error.path]


def _fill(properties_rule):
    def rule(validator, properties, instance, schema):
        if isinstance(instance, dict):
            for name, part in properties.items():
                if isinstance(part, dict) and "default" in part:
                    instance.setdefault(name, copy.deepcopy(part["default"]))
        yield from properties_rule(validator, properties, instance, schema)

    return rule


def _check_text(_validator, use: Any, instance: Any, _schema):
    """Check the keyword `text: drawn`: frames show all text in the value."""
    if use == "drawn" and (problem := undrawable(*_texts(instance))):
        yield ValidationError(problem)


def _texts(value: Any) -> Iterator[str]:
    """Yield all text in a value, including the keys of objects."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value:
            yield from _texts(part)
        if isinstance(value, dict):
            yield from _texts(list(value.values()))


def _is_integer(_checker, value: Any) -> bool:
    """Reject 1.0, which jsonschema accepts as an integer, and true, which Python does."""
    return isinstance(value, int) and not isinstance(value, bool)


_DRAFT = jsonschema.Draft202012Validator
_FILLING = jsonschema.validators.extend(
    _DRAFT,
    {"properties": _fill(_DRAFT.VALIDATORS["properties"]), "text": _check_text},
    type_checker=_DRAFT.TYPE_CHECKER.redefine("integer", _is_integer),
)


def _one_line_message(error: ValidationError, where: list) -> str:
    path = [*where, *error.absolute_path]
    rule, instance, limit = error.validator, error.instance, error.validator_value
    if rule == "text":
        return f"config: {_key(path)} {error.message}"
    if rule == "additionalProperties" and isinstance(instance, dict):
        return _unknown_key(error, path)
    if "propertyNames" in error.absolute_schema_path:
        expected = _expected(error.schema)
        return f"config: {_key(path)} has the key {shown(instance)}; expected {expected}"
    if rule == "required":
        missing = next(name for name in limit if name not in instance)
        return f"config: {_key([*path, missing])} is missing"
    expected = _expected(error.schema) if error.parent is None else str(error.message)
    found = f"{_shown(instance)}; expected {expected}{_hint(instance, error)}"
    return f"config: {_key(path)} is {found}"


def _hint(instance: Any, error: ValidationError) -> str:
    """Explain a value that YAML reads as text or as a number, if that was not meant."""
    if isinstance(instance, str) and _is_number(instance):
        if isinstance(load_yaml(instance.strip()), str):
            return " (YAML reads this as text; write 1e-3 as 1.0e-3)"
        return " (write it without quotes)"
    if error.validator == "type" and "string" in error.validator_value:
        if isinstance(instance, bool):
            return " (YAML reads yes, no, on and off as true or false; write text in quotes)"
        if isinstance(instance, int | float):
            return " (YAML reads this as a number; write text in quotes)"
    return ""


def _unknown_key(error: ValidationError, path: list) -> str:
    known, renamed = error.schema.get("properties", {}), error.schema.get("renamed")
    unknown = next(name for name in error.instance if name not in known)
    if isinstance(renamed, Mapping) and unknown in renamed:
        return f"config: {_key([*path, unknown])} is now {_key([*path, renamed[unknown]])}"
    expected = f"one of {', '.join(known)}" if known else "no keys"
    return f"config: unknown key {_key([*path, unknown])}; expected {expected}"


def _key(path: list, most: int = 160) -> str:
    key = printable(".".join(str(part) for part in path)) or "the file"
    return key if len(key) <= most else f"{key[: most - 3]}..."


def _shown(value: Any) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else shown(value)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


_TYPES = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_RANGE = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_BOUNDS = {
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} character(s)",
    "maxLength": "at most {} characters",
    "minProperties": "at least {} {entries}",
    "minItems": "at least {} {entries}",
    "maxItems": "at most {} {entries}",
    "uniqueItems": "all different",
    "pattern": "matching {}",
}


def _expected(schema: Any) -> str:
    """Describe the values that a schema allows.

    Its keyword `expected` takes precedence: it explains in words what a pattern means.
    """
    if not isinstance(schema, Mapping):
        return "nothing"
    if isinstance(schema.get("expected"), str):
        return single_line(schema["expected"])
    if "enum" in schema:
        return "one of " + ", ".join(
            "null" if value is None else str(value) for value in schema["enum"]
        )
    if "const" in schema:
        return _shown(schema["const"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = " or ".join(_TYPES[kind] for kind in kinds if kind != "null" or len(kinds) == 1)
    words = words or "a value"
    if _keyword(schema.get("not"), "enum"):
        words = "anything but " + ", ".join(str(value) for value in schema["not"]["enum"])
    limits = " and ".join(
        f"{sign} {schema[name]}" for name, sign in _RANGE.items() if name in schema
    )
    words = f"{words} {limits}".rstrip()
    words += " or null" if "null" in kinds and len(kinds) > 1 else ""
    bounds = (_bound(text, schema.get(name, False)) for name, text in _BOUNDS.items())
    return ", ".join([words, *filter(None, bounds)])


def _bound(text: str, limit: Any) -> str:
    """Describe one bound; empty if the schema does not set it."""
    return (
        "" if limit is False else text.format(limit, entries="entry" if limit == 1 else "entries")
    )
