"""Pages of a run for Snakemake's report: its film, its metrics and its settings.

Each page is a self-contained HTML file, which can be sent and viewed offline.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from epochreel.drawing.palette import LIGHT
from epochreel.experiment_api.interface import Metric

_STYLE = """
body { font: 16px/1.4 sans-serif; color: #222; margin: 1.5em auto; max-width: 62em; padding: 0 1em }
video { width: 100%; background: #000 }
svg { width: 100%; height: auto }
table { border-collapse: collapse }
td, th { padding: 0.2em 1em 0.2em 0; text-align: left; border-bottom: 1px solid #ddd }
.number { text-align: right; font-variant-numeric: tabular-nums }
"""
_TIMES = ("snapshot", "epoch", "step", "examples")  # columns of metric tables that are not metrics
_ROWS = 12  # snapshots in the table, besides the last one
_POINTS = 500  # points of a curve
_COLOURS = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in LIGHT.classes]  # on white
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 900, 260, 90, 230  # of a chart, lower left corner of its axes


def film(title: str, mp4: bytes) -> str:
    """Return a page that plays an MP4."""
    data = base64.b64encode(mp4).decode()
    source = f"data:video/mp4;base64,{data}"
    return _page(title, f'<video controls autoplay muted loop src="{source}"></video>')


def metrics(title: str, rows: Sequence[Mapping[str, Any]], declared: Mapping[str, Metric]) -> str:
    """Return a page with the curves and a table of the metrics; `rows` has one per snapshot.

    Undefined values are NaN.
    """
    names = [name for name in rows[0] if name not in _TIMES]
    groups: dict[tuple[str, str | None], list[str]] = {}
    for name in names:
        metric = declared[name]
        groups.setdefault((metric.group or metric.label, metric.unit), []).append(name)
    charts = (
        _chart(heading, unit, members, rows, declared)
        for (heading, unit), members in groups.items()
    )
    return _page(title, "\n".join([*charts, "<h2>Selected snapshots</h2>", _table(rows, declared)]))


def settings(title: str, values: Mapping[str, Any]) -> str:
    """Return a page with a table of all settings, named as in the config."""
    rows = (
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in _flat(values)
    )
    head = "<tr><th>Setting</th><th>Value</th></tr>"
    return _page(title, f"<table>{head}{''.join(rows)}</table>")


def _page(title: str, body: str) -> str:
    title = escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{prefix}{name}", shown


def _shown(value: float, unit: str | None) -> str:
    if np.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.4g}{f' {unit}' if unit else ''}"


def _selected(count: int, most: int) -> list[int]:
    """Return at most `most` + 1 snapshots, evenly spaced, with the first and the last."""
    return sorted({round(number) for number in np.linspace(0, count - 1, min(count, most + 1))})


def _table(rows: Sequence[Mapping[str, Any]], declared: Mapping[str, Metric]) -> str:
    """Return a table with a row per metric and a column per selected snapshot."""
    chosen = [rows[number] for number in _selected(len(rows), _ROWS)]
    head = "".join(f'<th class="number">{row["snapshot"]}</th>' for row in chosen)
    lines = [f"<tr><th>Snapshot</th>{head}</tr>"]
    for name in (name for name in rows[0] if name not in _TIMES):
        metric = declared[name]
        cells = "".join(
            f'<td class="number">{_shown(row[name], metric.unit)}</td>' for row in chosen
        )
        lines.append(f"<tr><td>{escape(_label(metric))}</td>{cells}</tr>")
    return f'<div style="overflow-x: auto"><table>{"".join(lines)}</table></div>'


def _label(metric: Metric) -> str:
    return f"{metric.group}: {metric.label}" if metric.group else metric.label


def _chart(
    heading: str,
    unit: str | None,
    names: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Metric],
) -> str:
    """Return a heading and the curves of metrics over the snapshots."""
    chosen = [rows[number] for number in _selected(len(rows), _POINTS)]
    values = np.array([[row[name] for row in chosen] for name in names], float)
    finite = values[np.isfinite(values)]
    low, high = (0.0, 1.0) if unit == "%" else (finite.min(initial=0), finite.max(initial=0))
    x = _LEFT + (_WIDTH - _LEFT - 10) * np.linspace(0, 1, len(chosen))
    y = _BOTTOM - (_BOTTOM - 15) * (values - low) / ((high - low) or 1)
    curves, legend = [], []
    for number, (name, heights) in enumerate(zip(names, y, strict=True)):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, heights, strict=True) if b == b)
        curves.append(
            f'<polyline points="{points}" stroke="{colour}" fill="none" stroke-width="2"/>'
        )
        label = escape(declared[name].label)
        legend.append(f'<span style="color: {colour}; padding-right: 1em">▬ {label}</span>')
    return (
        f"<h2>{escape(heading)}</h2>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" font-size="14">{_axes(low, high, unit)}'
        f"{_axis_end(_LEFT, 'start', rows[0])}{_axis_end(_WIDTH - 10, 'end', rows[-1])}"
        f"{''.join(curves)}</svg><p>{''.join(legend) if len(names) > 1 else ''}</p>"
    )


def _axes(low: float, high: float, unit: str | None) -> str:
    lines = []
    for share in (0, 0.5, 1):
        y = _BOTTOM - (_BOTTOM - 15) * share
        words = _shown(low + share * (high - low), unit)
        lines.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y}" y2="{y}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 8}" y="{y + 5}" text-anchor="end">{escape(words)}</text>'
        )
    return "".join(lines)


def _axis_end(x: int, anchor: str, row: Mapping[str, Any]) -> str:
    words = f"snapshot {row['snapshot']}"
    return f'<text x="{x}" y="{_BOTTOM + 22}" text-anchor="{anchor}">{words}</text>'
