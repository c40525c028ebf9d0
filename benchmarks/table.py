"""Prints the table of results of a benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def show(columns: Mapping[str, str], rows: Iterable[Sequence]) -> None:
    """Print `rows` below the headings of `columns`, with each column's number format.

    Text is printed unchanged, and None as blank. The first column is left-aligned.
    """
    formats = list(columns.values())
    lines = [list(columns), *(_formatted(row, formats) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(formats))]
    for first, *rest in lines:
        cells = (f"{word:>{width + 3}}" for word, width in zip(rest, widths[1:], strict=True))
        print((f"{first:{widths[0]}}" + "".join(cells)).rstrip())


def _formatted(row: Sequence, formats: Sequence[str]) -> list[str]:
    return [
        "" if value is None else value if isinstance(value, str) else format(value, spec)
        for value, spec in zip(row, formats, strict=True)
    ]
