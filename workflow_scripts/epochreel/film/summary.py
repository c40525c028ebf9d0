"""Summary of a film in one line, for the end of a command."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from epochreel.artifacts import metrics
from epochreel.experiment_api import declared_metrics
from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.formats import parquet, video


def film_line(path: str | Path, path_to_metrics: str | Path, declared: Metrics) -> str:
    """Return a film's path, length, number of snapshots, and first and last value of its metric.

    Raises `UserError` if a file is damaged, and `OSError` if it is missing.
    """
    rows = metrics.rows(parquet.read(path_to_metrics))
    parts = [f"{video.duration(path):.1f} s", f"{len(rows)} snapshots", metric_of(rows, declared)]
    return f"{path}: {', '.join(filter(None, parts))}"


def metric_of(rows: list[dict[str, Any]], declared: Metrics) -> str:
    """Return the main metric of a run, with its first and last value, as text."""
    defined = [{name: value for name, value in row.items() if math.isfinite(value)} for row in rows]
    names = dict.fromkeys(name for row in defined for name in row if name not in _POSITIONS)
    name = declared_metrics.main_metric(names, declared)
    values = [row[name] for row in defined if name in row]
    ends = dict.fromkeys((values[0], values[-1])) if values else ()
    return declared_metrics.in_words(declared[name], *ends) if name is not None else ""


_POSITIONS = ("snapshot", "step")  # Columns that are not metrics.
