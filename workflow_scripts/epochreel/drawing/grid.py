"""The arrangement of panels in rows and columns.

A figure is a nested list of panels. The outer list is a row, from left to right; lists inside it
are columns, from top to bottom; lists inside those are rows, and so on:

    [
        Cell(images, size=2),     # two thirds of the width
        [curve, bars],            # one above the other
    ]

In a frame that is not wide, rows and columns are swapped: the outer list is a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from epochreel.drawing.frame import Panel, RunInfo
from epochreel.drawing.header import MARGIN, Header

COLUMN_GAP, ROW_GAP = 56.0, 40.0
"""Distance between panels."""

Place = tuple[float, float, float, float]
"""x, y, width and height of a panel."""


@dataclass(frozen=True)
class Cell:
    """A panel or a list of panels, and its size in its row or column.

    Sizes are relative to those of the neighbours; a panel that is not in a cell has size 1. Cells
    that are not `essential` are left out by brief themes.
    """

    content: Panel | Sequence
    size: float = 1.0
    essential: bool = True

    def __post_init__(self):
        if not self.size > 0:
            raise ValueError(f"the size of a cell is {self.size!r}; expected a number above 0")


def whole_frame(run_info: RunInfo, content: Sequence) -> list[tuple[Panel, Place]]:
    """Return all panels of a frame with their places: the header, and the grid below it."""
    scale = min(run_info.size) / run_info.theme.units
    width, height = (length / scale for length in run_info.size)
    header = Header(run_info, width - 2 * MARGIN)
    top = header.height
    body = (MARGIN, top, width - 2 * MARGIN, height - top - MARGIN * 0.75)
    is_wide = run_info.shape == "wide"
    grid = arranged(content, body, is_wide, run_info.theme.is_brief)
    return [(header, (0.0, 0.0, width, top)), *grid]


def arranged(
    content: Sequence, place: Place, across: bool, is_brief: bool = False
) -> Iterator[tuple[Panel, Place]]:
    """Yield the panels of a nested list with their places in `place`.

    The list goes from left to right if `across`, otherwise from top to bottom.
    """
    cells = list(_shown(content, is_brief))
    x, y, width, height = place
    gap = COLUMN_GAP if across else ROW_GAP
    room = (width if across else height) - gap * (len(cells) - 1)
    start, total = (x if across else y), sum(cell.size for cell in cells)
    for cell in cells:
        length = room * cell.size / total
        inner = (start, y, length, height) if across else (x, start, width, length)
        if isinstance(cell.content, Sequence):
            yield from arranged(cell.content, inner, not across)
        else:
            yield cell.content, inner
        start += length + gap


def _shown(content: Sequence, is_brief: bool) -> Iterator[Cell]:
    """Yield the cells of a list that are drawn; lists without any panel are left out."""
    for each in content:
        cell = each if isinstance(each, Cell) else Cell(each)
        if cell.essential or not is_brief:
            if isinstance(cell.content, Sequence):
                cell = replace(cell, content=list(_shown(cell.content, is_brief)))
            if cell.content != []:
                yield cell
