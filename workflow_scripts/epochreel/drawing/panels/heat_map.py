"""Heat map of a column of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from epochreel.core.errors import UserError
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import columns
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import NOTE, draw_picture, round_end, shades

_MOST_ROWS = 12
_LEGEND = 46.0


def _is_numeric(kind: Any) -> bool:
    return columns.is_number(kind) or columns.is_numbers(kind)


class HeatMap:
    """The numbers of a column as shades: the darker, the larger.

    A column of lists has a row for each shown test example, or for each row of the first one if it
    has several. A column of matrices shows that of the first shown example; so does a flat list
    whose `shape` is given as [rows, columns]. Negative numbers are vermilion. The scale ends at 1
    for fractions, otherwise at the next round number of the frame. Without `column`, the first
    column of lists of numbers is shown.
    """

    def __init__(
        self,
        run_info: RunInfo,
        column: str | None = None,
        shape: tuple[int, int] | None = None,
        title: str | None = None,
    ):
        self._info, self._shape = run_info, tuple(shape) if shape else None
        guesses = ("probabilities", "probability", "activations", "attention", "")
        self._column = columns.find(
            run_info, "column", column, guesses, _is_numeric, is_strict=True
        )
        self._values(run_info.untrained)  # Raises for a wrong shape.
        self._title = title or self._column.replace("_", " ")[:60].capitalize()

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading."""
        is_one = self._info.rows_per_example > 1
        rows = "The rows of one test example" if is_one else "A row for each test example"
        note = None if self._is_matrix else rows
        self._canvas = heading(canvas, self._title, note)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the numbers, and the scale below them."""
        values, body = self._values(frame_data), self._canvas
        end, is_signed = round_end(np.abs(values)) or 1.0, bool((values < 0).any())
        end = 1.0 if end <= 1 and not is_signed else end
        pixels = self._shades(values / end)
        wide, high = body.width, body.height - _LEGEND - 16
        if self._is_matrix:  # Its cells are squares.
            cell = min(wide / values.shape[1], high / values.shape[0])
            wide, high = cell * values.shape[1], cell * values.shape[0]
        draw_picture(body, 0, 0, wide, high, pixels)
        self._draw_scale(end, is_signed)

    def _draw_scale(self, end: float, is_signed: bool) -> None:
        body, quiet = self._canvas, self._canvas.palette.quiet
        x, y, wide = 0.0, body.height - 30, 220.0
        low = f"{-end:,.4g}" if is_signed else "0"
        x += body.text(x, body.height - 6, low, NOTE, quiet) + 12
        steps = np.linspace(-1.0 if is_signed else 0.0, 1.0, 64)[None]
        draw_picture(body, x, y, wide, 26, self._shades(steps))
        body.text(x + wide + 12, body.height - 6, f"{end:,.4g}", NOTE, quiet)

    def _shades(self, values: np.ndarray) -> np.ndarray:
        colours = self._info.theme.palette
        positive = shades(values, colours.right, colours.slot)
        negative = shades(-values, colours.wrong, colours.slot)
        return np.where((np.nan_to_num(values) < 0)[..., None], negative, positive)

    def _values(self, frame_data: FrameData) -> np.ndarray:
        """Return the numbers to show, (rows, columns)."""
        shown = columns.examples(self._info, _MOST_ROWS)
        found = [
            np.array(columns.of_example(self._info, frame_data, self._column, example), float)
            for example in shown[: _MOST_ROWS if self._info.rows_per_example == 1 else 1]
        ]
        first = found[0]
        self._is_matrix = first.ndim > 2 or self._shape is not None
        if self._is_matrix:
            first = first[0] if first.ndim > 2 else first.reshape(-1)
            if self._shape and first.size != np.prod(self._shape):
                raise UserError(
                    f"shape is {list(self._shape)}; expected rows × columns = {first.size}, the "
                    f"numbers in '{self._column}'"
                )
            return first.reshape(self._shape) if self._shape else first
        return np.vstack([np.atleast_2d(part) for part in found])
