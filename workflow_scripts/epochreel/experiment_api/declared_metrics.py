"""The metrics that an experiment declares: the dict `METRICS` in its evaluation.py.

    METRICS = {
        "accuracy": Metric("Test accuracy", unit="%"),
        "loss": Metric("Test loss", direction="lower"),
        "accuracy_of_*": Metric("Class {}", group="Accuracy by class", unit="%"),
    }

A name that ends in `*` declares a family of metrics; `{}` in its label stands for the rest of the
metric's name, with spaces for underscores. `METRICS` is optional.

The dict is read from the syntax tree and may therefore contain only literals. evaluation.py itself
is never run here: it imports torch, which planning and drawing do not need.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from epochreel.core.drawable_text import undrawable
from epochreel.core.errors import UserError, shown
from epochreel.experiment_api.interface import Metric
from epochreel.provenance import planned

_NAME = "METRICS"
_LOWER_IS_BETTER = re.compile("loss|error", re.IGNORECASE)
_ARGUMENTS = tuple(field.name for field in fields(Metric))
_FORM = f"Metric({', '.join(_ARGUMENTS)}) with literal values; only the label is required"


class Metrics(Mapping[str, Metric]):
    """The declared metrics by name.

    Any name can be looked up. A metric that is not declared is labelled with its own name; lower
    values are better if the name contains "loss" or "error".
    """

    def __init__(self, declared: Mapping[str, Metric]):
        self._declared = dict(declared)

    def __getitem__(self, name: str) -> Metric:
        if name in self._declared:
            return self._declared[name]
        for pattern, metric in self._declared.items():
            if pattern.endswith("*") and name.startswith(pattern[:-1]):
                rest = _words(name.removeprefix(pattern[:-1]))
                named = {
                    key: text.replace("{}", rest)
                    for key in ("label", "plain")
                    if (text := getattr(metric, key))
                }
                return replace(metric, **named)
        words = _words(name) or name
        label = words[0].upper() + words[1:]
        return Metric(label, "lower" if _LOWER_IS_BETTER.search(name) else "higher")

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)


def main_metric(names: Iterable[str], declared: Iterable[str]) -> str | None:
    """Return the main metric of a run: `accuracy`, or the first one; None if there are none."""
    names = list(names)
    ordered = ["accuracy", *declared, *names]
    return next((name for name in ordered if name in names), None)


def in_words(metric: Metric, *values: float) -> str:
    """Return the label in lower case and the values, such as "loss 2.31 → 0.12 nats"."""
    label, unit = metric.label, metric.unit
    if not label[1:2].isupper():
        label = label[:1].lower() + label[1:]
    texts = [f"{100 * value:.1f}" if unit == "%" else f"{value:.3g}" for value in values]
    return " ".join(filter(None, (label, " → ".join(texts), unit)))


def read(file: Path) -> Metrics:
    """Read `METRICS` from an evaluation.py; empty if the file does not define it.

    Raises `UserError`, with the file and line, for anything but a dict of literals.
    """
    node = _assigned(file)
    if node is None:
        return Metrics({})
    if not isinstance(node, ast.Dict):
        raise _error(file, node, f"{_NAME} is not a dict literal; expected {{name: Metric(…)}}")
    declared = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            raise _error(file, key or value, f"{_NAME} has a key that is not a string literal")
        declared[key.value] = _metric(file, key.value, value)
    return Metrics(declared)


def pace(file: Path, names: Sequence[str]) -> list[str]:
    """Return which of the metrics `names` set the pace of a film: those that `METRICS` marks.

    If it marks none, the main metric sets the pace. Raises `UserError` as `read` does, and if
    `names` has none of the marked metrics.
    """
    declared = read(file)
    found = setting_pace(names, declared)
    if not found and any(metric.pace for metric in declared.values()):
        raise UserError(
            f"{file}: {_NAME} marks with pace=True only metrics that evaluate does not return; "
            f"expected one that it returns ({', '.join(names) or 'it returns none'})"
        )
    return found


def setting_pace(names: Sequence[str], declared: Metrics) -> list[str]:
    """Return those of the metrics `names` that set the pace: the marked ones, or none.

    If the experiment marks none, the main metric sets the pace.
    """
    if any(metric.pace for metric in declared.values()):
        return [name for name in names if declared[name].pace]
    main = main_metric(names, declared)
    return [] if main is None else [main]


def _assigned(file: Path) -> ast.expr | None:
    """Return the expression that the file assigns to `METRICS` at its top level."""
    found = None
    for node in ast.parse(planned.read_source(file)).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == _NAME for target in targets):
            found = node.value
        elif isinstance(node, ast.ImportFrom) and _NAME in {n.asname or n.name for n in node.names}:
            raise _error(file, node, f"{_NAME} is imported; define it in this file")
    return found


def _metric(file: Path, name: str, node: ast.expr) -> Metric:
    where = f"{_NAME}[{name!r}]"
    given = _arguments(node)
    if given is None:
        raise _error(file, node, f"{where} is {shown(ast.unparse(node))}; expected {_FORM}")
    try:
        metric = Metric(**given)
        for key in ("label", "group", "unit", "plain"):
            if problem := undrawable(getattr(metric, key) or ""):
                raise ValueError(f"{key} {problem}")
        return metric
    except ValueError as error:
        raise _error(file, node, f"{where}: {error}") from None


def _arguments(node: ast.expr) -> dict[str, Any] | None:
    """Return the arguments of a call of `Metric` by name; None for anything else."""
    if not isinstance(node, ast.Call) or getattr(node.func, "id", None) != Metric.__name__:
        return None
    pairs = [*zip(_ARGUMENTS, node.args, strict=False)]
    pairs += [(keyword.arg, keyword.value) for keyword in node.keywords]
    names = [name for name, _ in pairs]
    is_complete = len(pairs) == len(node.args) + len(node.keywords) == len(set(names))
    if not is_complete or "label" not in names or not set(names) <= {*_ARGUMENTS}:
        return None
    try:
        return {name: ast.literal_eval(value) for name, value in pairs}
    except ValueError:
        return None


def _error(file: Path, node: ast.AST, reason: str) -> UserError:
    return UserError(f"{file}, line {node.lineno}: {reason}")


def _words(name: str) -> str:
    return " ".join(name.split("_")).strip()
