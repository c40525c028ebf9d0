"""Photo, prediction and truth side by side: images or label maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import columns
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import TEXT, coloured, draw_picture, shortened, tiling

_GAP, _HEAD = 8.0, 40.0


class Comparison:
    """Pictures of each shown example side by side, such as photo | prediction | truth.

    `columns` names the columns from left to right, or maps headings to them. By default, these are
    the image, the prediction and the truth. Columns of integers below 64 are label maps, drawn in
    the colours of the classes; others are images. Flat lists have the shape of the first picture.
    """

    def __init__(
        self,
        run_info: RunInfo,
        columns: Sequence[str] | Mapping[str, str] | None = None,
        title: str | None = None,
    ):
        self._info = run_info
        self._names = _named(run_info, columns)
        self._title = title or " | ".join(self._names)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the names of the columns, and the pictures that never change."""
        body = self._canvas = heading(canvas, self._title)
        info = self._info
        first = columns.examples(info, 1)[0]
        name = next(iter(self._names.values()))
        self._like = columns.picture(info, info.untrained, name, first).shape
        self._maps = {name: self._is_map(name, first) for name in self._names.values()}
        count, shape = len(self._names), self._like
        aspect = count * shape[1] / shape[0]
        chosen = len(info.examples) if info.examples else None
        least = 150.0 * count
        size = body.width, body.height - _HEAD
        across, down, wide = tiling(size, aspect, 0.0, least, chosen, 30.0)
        self._wide = (wide - _GAP * (count - 1)) / count
        self._high = self._wide * shape[0] / shape[1]
        self._examples = columns.examples(info, across * down)
        self._places = [
            (n % across * (wide + 30), _HEAD + n // across * (self._high + 30))
            for n in range(len(self._examples))
        ]
        for group in range(min(across, len(self._examples))):
            for number, title in enumerate(self._names):
                words = shortened(body, title, TEXT, self._wide)
                x = group * (wide + 30) + number * (self._wide + _GAP)
                body.text(x, 0.8 * _HEAD - 6, words, TEXT, body.palette.quiet)
        self._draw(info.untrained, fixed=True)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the pictures that the network makes."""
        self._draw(frame_data, fixed=False)

    def _draw(self, frame_data: FrameData, fixed: bool) -> None:
        for number, name in enumerate(self._names.values()):
            if columns.is_of_test(self._info, name) != fixed:
                continue
            for (x, y), example in zip(self._places, self._examples, strict=True):
                found = columns.picture(self._info, frame_data, name, example, self._like)
                pixels = coloured(found, self._info.theme.palette, self._maps[name])
                x += number * (self._wide + _GAP)
                draw_picture(self._canvas, x, y, self._wide, self._high, pixels)
                hairline = self._canvas.palette.hairline
                self._canvas.frame(x, y, self._wide, self._high, hairline)

    def _is_map(self, name: str, example: int) -> bool:
        found = columns.picture(self._info, self._info.untrained, name, example, self._like)
        is_first = name == next(iter(self._names.values()))
        is_small = found.dtype.kind in "iub" and found.max(initial=0) < 64
        return found.ndim == 2 and is_small and not (is_first and found.dtype == np.uint8)


def _named(run_info: RunInfo, given: Sequence[str] | Mapping[str, str] | None) -> dict[str, str]:
    """Return the headings and the names of the columns; raise `UserError` for missing ones."""

    def is_picture(kind) -> bool:
        return columns.is_image(kind) or columns.is_numbers(kind)

    if given is None:
        truths = ("mask", *columns.TRUTH)
        found = {
            "Photo": columns.find(run_info, "photo", None, columns.IMAGE, columns.is_image),
            "Prediction": columns.find(
                run_info, "prediction", None, columns.PREDICTION, is_picture
            ),
            "Truth": columns.guess(run_info, "truth", None, truths, is_picture),
        }
        return {title: name for title, name in found.items() if name}
    pairs = (
        given.items() if isinstance(given, Mapping) else ((n.replace("_", " "), n) for n in given)
    )
    return {
        title[:1].upper() + title[1:]: columns.find(run_info, "columns", name)
        for title, name in pairs
    }
