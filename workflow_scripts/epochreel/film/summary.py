"""Summary of a film in one line, for the end of a command."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa

from epochreel.artifacts import metrics
from epochreel.experiment_api import declared_metrics
from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.formats import parquet, video


def film_line(path: str | Path, path_to_metrics: str | Path, declared: Metrics) -> str:
    """Return a film's path, length, number of snapshots, and first and last value of its metric.

    Raises `UserError` if a file is damaged, and `OSError` if it is missing.
    """
    table = parquet.read(path_to_metrics)
    counts = f"{video.duration(path):.1f} s", f"{table.num_rows} snapshots"
    parts = [*counts, metric_of(table, declared)]
    return f"{path}: {', '.join(filter(None, parts))}"


def metric_of(table: pa.Table, declared: Metrics) -> str:
    """Return the main metric of a run, with its first and last value, as text."""
    columns = metrics.names(table)
    defined = [
        {name: row[name] for name in columns if math.isfinite(row[name])}
        for row in metrics.rows(table)
    ]
    names = dict.fromkeys(name for row in defined for name in row)
    name = declared_metrics.main_metric(names, declared)
    values = [row[name] for row in defined if name in row]
    ends = dict.fromkeys((values[0], values[-1])) if values else ()
    return declared_metrics.in_words(declared[name], *ends) if name is not None else ""
