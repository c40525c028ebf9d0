"""Figures without a figure.py: the panels of the config, or a default arrangement.

The module takes the place of an experiment's figure.py. `figure.panels` in the config is a nested
list: the outer list goes from left to right, a list in it from top to bottom, and so on. An item is
a list, a panel such as `{panel: curve, metrics: loss}`, or `{panels: [...], size: 2}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from epochreel.core.errors import UserError
from epochreel.drawing.frame import Panel, RunInfo
from epochreel.drawing.grid import Cell
from epochreel.drawing.panels import columns
from epochreel.drawing.panels.bars import MetricBars
from epochreel.drawing.panels.comparison import Comparison
from epochreel.drawing.panels.confusion_matrix import ConfusionMatrix
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.panels.heat_map import HeatMap
from epochreel.drawing.panels.histogram import HistogramOverTime
from epochreel.drawing.panels.image_grid import ImageGrid
from epochreel.drawing.panels.metric_values import families, main_metric, matching, metrics_of
from epochreel.drawing.panels.scatter import Scatter
from epochreel.drawing.panels.table import MetricTable
from epochreel.drawing.panels.text_lines import TextLines

_CELL = ("size", "essential")


def _curve(run_info: RunInfo, metrics: str | Sequence[str] | None = None, **settings: Any) -> Curve:
    """Return the curves of metrics, by name or pattern; by default that of the main metric."""
    found = matching(run_info, main_metric(run_info) if metrics is None else metrics)
    if len(found) > 4:
        raise UserError(f"{len(found)} metrics match {metrics!r}; expected at most 4 in a curve")
    return Curve(run_info, found, **settings)


KINDS: Mapping[str, Callable[..., Panel]] = {
    "curve": _curve,
    "images": ImageGrid,
    "comparison": Comparison,
    "text": TextLines,
    "scatter": Scatter,
    "bars": MetricBars,
    "confusion": ConfusionMatrix,
    "histogram": HistogramOverTime,
    "heat_map": HeatMap,
    "table": MetricTable,
}
"""The panels by their names in the config."""


def panels(run_info: RunInfo) -> list:
    """Return the panels of the config; without any, those of the default film."""
    if run_info.panels is not None:
        return configured(run_info, run_info.panels, "figure.panels")
    return default(run_info)


def configured(run_info: RunInfo, content: Sequence, where: str) -> list:
    """Return a nested list of panels, or of cells; `where` is its config key.

    Raises `UserError`, with the key, if a panel cannot be built.
    """
    return [_item(run_info, item, f"{where}.{number}") for number, item in enumerate(content)]


def _item(run_info: RunInfo, item: Any, where: str) -> Any:
    if not isinstance(item, Mapping):
        return configured(run_info, item, where)
    if "panels" in item:
        found = configured(run_info, item["panels"], f"{where}.panels")
    else:
        settings = {key: item[key] for key in item if key not in ("panel", *_CELL)}
        try:
            found = KINDS[item["panel"]](run_info, **settings)
        except UserError as error:
            raise UserError(f"config: {where}: {error}") from None
    return Cell(found, **{key: item[key] for key in _CELL if key in item})


def default(run_info: RunInfo) -> list:
    """Return the panels of a run that has neither figure.py nor `figure.panels`.

    Shows what the evaluation of the untrained network contains: test examples and a confusion
    matrix if there are classes, the main metric as a curve, and the other metrics as curves or,
    from three on, as a table.
    """
    examples, metrics = _of_examples(run_info), _of_metrics(run_info)
    if not examples and not metrics:
        raise UserError(
            "evaluate returns neither metrics nor columns of classes to show: return a metric, or "
            "write a figure.py"
        )
    if not examples or not metrics:
        return [Cell(examples[0], 1.3), *examples[1:]] if examples else _beside(run_info, metrics)
    first, *others = examples
    if run_info.shape == "wide":
        return [Cell(first, 1.25), Cell(metrics), *(Cell(panel, 1.1) for panel in others)]
    # In rows: the examples, then the curve and the matrix, and the other metrics if there is room.
    is_square = run_info.shape == "square"
    beside = [Cell(panel, 1.1, essential=not is_square) for panel in others]
    rest = [Cell(metrics[1:], 0.8)] if metrics[1:] and not (is_square and others) else []
    row = Cell([metrics[0], *beside], essential=not is_square)
    return [Cell(first, 0.9 if is_square else 1.25), row, *rest]


def _beside(run_info: RunInfo, metrics: list) -> list:
    """Return panels of metrics: the main one large, the others beside it or below it."""
    main, *others = metrics
    if not others:
        return [main]
    if run_info.shape == "wide":
        return [Cell(main, 1.5), Cell(others)]
    return [main, *others]


def _of_examples(run_info: RunInfo) -> list[Panel]:
    """Return the panels that show test examples, the most vivid first."""

    def has(role: str, names: Sequence[str], suits: Callable[[Any], bool]) -> bool:
        return columns.guess(run_info, role, None, names, suits) is not None

    def has_both(suits: Callable[[Any], bool]) -> bool:
        return has("truth", columns.TRUTH, suits) and has("prediction", columns.PREDICTION, suits)

    if has_both(columns.is_text):
        return [TextLines(run_info)]
    if not has_both(columns.is_class):
        return []
    matrix = ConfusionMatrix(run_info)
    if has("image", columns.IMAGE, columns.is_image):
        return [ImageGrid(run_info), matrix]
    if all(columns.guess(run_info, role, role, (), columns.is_number) for role in ("x", "y")):
        return [Scatter(run_info), matrix]
    return [matrix]


def _of_metrics(run_info: RunInfo) -> list:
    """Return the panels of metrics: the main one, then the others by their number."""
    names = metrics_of(run_info)
    if not names:
        return []
    main, known = main_metric(run_info), families(run_info)
    members = {name for family in known.values() for name in family}
    others = [name for name in names if name != main and name not in members]
    found: list = [Curve(run_info, main)]
    if 0 < len(others) <= 2:
        found += [Cell(Curve(run_info, name), 0.8, essential=False) for name in others]
    elif others:
        found.append(Cell(MetricTable(run_info, others), 0.9, essential=False))
    elif known:
        found.append(Cell(MetricBars(run_info), 1.2, essential=False))
    return found
