"""The rules for an experiment's settings, which two files hold.

`settings.schema.yaml` bounds each of them, `checks.py` knows which do not go together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from epochreel.config import schema
from epochreel.core.errors import (
    UserError,
    in_one_line,
    kind_and_words,
    printable,
    raise_wrong_result,
    raised_by_own,
    shown,
)
from epochreel.experiment_api.loader import Experiment

SCHEMA = "settings.schema.yaml"
_PATHS = {"string", "null"}


def parts(path: Path) -> dict[str, Any]:
    """The schemas in a file settings.schema.yaml, by part: data, networks, figure.

    Raises `UserError` for what is no schema, or names folders or their files' endings otherwise
    than `schema.folders` and `schema.suffixes` read them.
    """
    found = schema.load_parts(path)
    for key, rules in found.get("data", {}).get("properties", {}).items():
        if isinstance(rules, dict):
            _check_folder_schema(rules, f"{path}: 'data.properties.{key}")
    return found


def _check_folder_schema(rules: Mapping[str, Any], where: str) -> None:
    kinds = rules.get("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if rules.get("format") == "folder" and not (kinds and kinds <= _PATHS):
        raise UserError(f"{where}' is a folder (format: folder): it needs type: string")
    endings = rules.get("suffixes", [])
    if not isinstance(endings, list) or not all(_is_ending(ending) for ending in endings):
        raise UserError(
            f"{where}.suffixes' holds {shown(endings)}; it may hold a list such as [.png, .jpg]"
        )


def _is_ending(ending: Any) -> bool:
    return isinstance(ending, str) and ending.startswith(".") and ending == ending.lower()


def contradictions(experiment: Experiment, asked: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The keys whose settings do not go together with others, and what is wrong, in one line each.

    `asked` holds a run's settings `data`, `network`, `figure` and `film`, each for itself in order
    and with its defaults filled in, the number `test` of test examples, and the number
    `train_sample` of training examples that are tried beside them.
    Empty where the experiment has no checks.py. Raises `UserError` where that fails or gives
    something else.
    """
    file = experiment.file("checks")
    if not file.is_file():
        return []
    try:
        found = experiment.load("checks").contradictions(asked)
        found = list(found) if isinstance(found, Iterable) else found
    except UserError as error:
        raise UserError(printable(str(error))) from error
    except (Exception, SystemExit) as error:
        if experiment.is_builtin:
            raise
        raise UserError(raised_by_own(error) or f"{file}: {kind_and_words(error)}") from error
    for pair in found if isinstance(found, list) else [found]:
        if not _is_pair(pair):
            raise_wrong_result(
                f"{file}: contradictions", pair, "pairs of a key and what is wrong there"
            )
    return [(in_one_line(key), in_one_line(words)) for key, words in found]


def _is_pair(pair: Any) -> bool:
    is_two = isinstance(pair, tuple | list) and len(pair) == 2
    return is_two and all(isinstance(part, str) for part in pair)
