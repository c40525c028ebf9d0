"""Metrics as panels show them: their values so far, labels, units and families."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np

from epochreel.core.errors import UserError, shown
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.experiment_api import declared_metrics
from epochreel.experiment_api.interface import TIMES


def measured(frame_data: FrameData, metric: str) -> np.ndarray:
    """Return a metric at all snapshots so far, (n,); NaN where it is undefined.

    Raises `UserError` if it does not exist.
    """
    try:
        return np.asarray(frame_data.history[metric], float)
    except KeyError:
        available = ", ".join(sorted({*frame_data.history} - {*TIMES})) or "none"
        raise UserError(
            f"the figure shows the metric '{metric}', but evaluate returns {available}: "
            f"return '{metric}' too (None while it is undefined), or draw other panels"
        ) from None


def label(run_info: RunInfo, metric: str) -> str:
    """Return the label of a metric, such as "Word accuracy"."""
    found = run_info.metrics.get(metric)
    return found.label if found else metric.replace("_", " ")


def group(run_info: RunInfo, metric: str) -> str:
    """Return the heading of a metric's group; its label if it belongs to none."""
    found = run_info.metrics.get(metric)
    return (found.group if found else None) or label(run_info, metric)


def unit(run_info: RunInfo, metric: str) -> str | None:
    """Return the unit of a metric, "%" for fractions; None if it has none."""
    return getattr(run_info.metrics.get(metric), "unit", None)


def is_lower_better(run_info: RunInfo, metric: str) -> bool:
    """Check that lower values of a metric are better."""
    return getattr(run_info.metrics.get(metric), "direction", "higher") == "lower"


def metrics_of(run_info: RunInfo) -> list[str]:
    """Return the names of all metrics that `evaluate` returns, in its order."""
    history = run_info.untrained.history if run_info.untrained is not None else {}
    return [name for name in history if name not in TIMES]


def main_metric(run_info: RunInfo) -> str:
    """Return `accuracy`, or the first metric that is declared, or the first one of all.

    Raises `UserError` if there are none.
    """
    found = declared_metrics.main_metric(metrics_of(run_info), run_info.metrics)
    if found is None:
        raise UserError("there is no metric to show; expected evaluate to return one")
    return found


def families(run_info: RunInfo) -> dict[str, list[str]]:
    """Return the metrics of each family, by its pattern, such as `accuracy_of_*`.

    Families are declared with a pattern, or are metrics whose names agree up to `_of_`.
    """
    names = metrics_of(run_info)
    patterns = [name for name in run_info.metrics if name.endswith("*")]
    patterns += [f"{name.partition('_of_')[0]}_of_*" for name in names if "_of_" in name]
    found: dict[str, list[str]] = {}
    for pattern in dict.fromkeys(patterns):
        held = [name for name in names if fnmatchcase(name, pattern)]
        taken = {name for members in found.values() for name in members}
        if len(held) > 1 and not taken & {*held}:
            found[pattern] = held
    return found


def matching(run_info: RunInfo, metrics: str | Sequence[str]) -> list[str]:
    """Return the metrics that match a pattern or a list of names, in the order of the evaluation.

    Raises `UserError` for a pattern that matches none.
    """
    names, found = metrics_of(run_info), []
    for pattern in [metrics] if isinstance(metrics, str) else metrics:
        held = [name for name in names if fnmatchcase(name, pattern)]
        if not held:
            raise UserError(
                f"there is no metric {shown(pattern)}; expected one of "
                f"{', '.join(names) or 'none: evaluate returns no metrics'}"
            )
        found += held
    return list(dict.fromkeys(found))
