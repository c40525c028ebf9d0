"""Validate an experiment's settings.

`settings.schema.yaml` constrains each setting; `checks.py` finds settings that contradict each
other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epochreel.config import schema
from epochreel.core.errors import UserError, raise_wrong_result, shown, single_line
from epochreel.experiment_api import calls
from epochreel.experiment_api.loader import Experiment

SCHEMA = "settings.schema.yaml"
_PATHS = {"string", "null"}


def parts(path: Path) -> dict[str, Any]:
    """Load the schemas in a settings.schema.yaml, by part: data, networks, figure.

    Raises `UserError` if the file is not a schema, or if it declares folders or file name suffixes
    in a form that `schema.folders` and `schema.suffixes` cannot read.
    """
    found = schema.load_parts(path)
    for key, rules in found.get("data", {}).get("properties", {}).items():
        if isinstance(rules, dict):
            _check_folder_schema(rules, f"{path}: 'data.properties.{key}")
    return found


def _check_folder_schema(rules: Mapping[str, Any], where: str) -> None:
    types = rules.get("type", [])
    types = {types} if isinstance(types, str) else set(types)
    if rules.get("format") == "folder" and not (types and types <= _PATHS):
        raise UserError(f"{where}': format: folder requires type: string")
    suffixes = rules.get("suffixes", [])
    if not isinstance(suffixes, list) or not all(_is_suffix(suffix) for suffix in suffixes):
        raise UserError(
            f"{where}.suffixes' is {shown(suffixes)}; expected a list such as [.png, .jpg], in "
            "lower case"
        )


def _is_suffix(suffix: Any) -> bool:
    return isinstance(suffix, str) and suffix.startswith(".") and suffix == suffix.lower()


def contradictions(experiment: Experiment, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return settings that contradict others, as pairs of the key and a one-line explanation.

    `settings` contains a run's settings `data`, `network`, `figure` and `film`, each individually
    valid and with defaults filled in; `examples`, the cast of the film or None; `test`, the number
    of test examples; and `train_sample`, the number of training examples that are evaluated in
    addition. Returns an empty list if the experiment has no checks.py. Raises `UserError` if
    checks.py fails or returns anything else.
    """
    file = experiment.file("checks")
    if not file.is_file():
        return []
    found = calls.call(experiment, "checks", "contradictions", settings)
    for pair in found if isinstance(found, list) else [found]:
        if not _is_pair(pair):
            raise_wrong_result(f"{file}: contradictions", pair, "pairs of a key and an explanation")
    return [(single_line(key), single_line(reason)) for key, reason in found]


def _is_pair(pair: Any) -> bool:
    is_two = isinstance(pair, tuple | list) and len(pair) == 2
    return is_two and all(isinstance(part, str) for part in pair)
