"""The film of the sheet transcriber: what it reads, and which digits it confuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.grid import Cell
from epochreel.drawing.palette import Colour
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.panels.heading import heading
from epochreel.experiments.sheets.printed import Misread, PrintedNumbers, PrintedPage, ring
from epochreel.experiments.sheets.readings import (
    confusion,
    named_tiles,
    readings,
)

_TEXT = 24.0  # size of labels
_LEVELS = 100  # of tiles: per cent
_LABELLED = 0.2
"""Share from which a confusion is labelled. Near 0.1, labels of a network that guesses flicker."""


def panels(run_info: RunInfo) -> list[Panel]:
    """Return the panels of a frame, for whole pages or, with the variant "cells", single cells."""
    is_cells = run_info.data["variant"] == "cells"
    examples = Cell(PrintedNumbers(run_info) if is_cells else PrintedPage(run_info), 2.2)
    confusion_tiles = Cell(ConfusionTiles(), 2.2)
    curve = Cell(Curve(run_info, title="Digits read correctly"), essential=False)
    if run_info.shape == "upright":
        return [examples, confusion_tiles, curve]
    if run_info.shape == "square" and not is_cells:  # A page is too wide to share the height.
        return [replace(examples, size=2.6), curve]
    if run_info.shape == "square":
        return [examples, Cell([confusion_tiles, replace(curve, size=2.2)], 2.2)]
    return [
        replace(examples, size=1.3 if run_info.theme.is_brief else 1.7),
        [confusion_tiles, curve],
    ]


def closing(run_info: RunInfo) -> Panel:
    """Return the panel of the closing picture: numbers that it misreads to the end."""
    return Misread(run_info)


class ConfusionTiles:
    """A row per digit printed, 0 on top, with a tile per digit read: the share of readings."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the labels and the empty tiles."""
        note = (
            "A row: what one printed digit is read as, in %.\n"
            "Dark blue diagonal: right. Orange: mixed up."
        )
        body = heading(canvas, "Which digits it mixes up", note)
        left, top, gap = 6.0 * _TEXT, 1.5 * _TEXT, 4.0
        side = min(
            (body.width - left) / 10, (body.height - top) / 10.25
        )  # with room for a ring at the foot
        self._side, self._corner, self._body = side, (left, top), body
        digits = min(_TEXT, 0.8 * side)
        quiet = body.palette.quiet
        for name, level in (("read as", _TEXT / 2), ("printed", top + side / 2)):
            style = {"align": "right", "middle": True}
            body.text(left - 1.6 * _TEXT, level, name, _TEXT, quiet, **style)
        for digit in range(10):
            middle, level = left + (digit + 0.5) * side, top + (digit + 0.5) * side
            body.text(left - 0.6 * _TEXT, level, str(digit), digits, None, "bold", "right", True)
            body.text(middle, _TEXT / 2, str(digit), digits, None, "bold", "centre", True)
        truth, read = (grid.ravel() for grid in np.indices((10, 10)))
        size = side - gap
        colours = (body.palette.right, body.palette.wrong)
        tiles = [
            tile
            for colour in colours
            for is_labelled in (False, True)
            for tile in share_tiles(body, colour, size, size, is_labelled)
        ]
        x, y = left + (read + 0.5) * side, top + (truth + 0.5) * side
        self._tiles = body.stamps(x, y, tiles)
        self._is_right = truth == read

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Colour the hundred tiles, and ring those that the sentence names."""
        shares = confusion(*readings(frame_data.predictions, 1)).ravel()
        is_labelled = self._is_right | (shares >= _LABELLED)
        first = np.where(self._is_right, 0, 2) + is_labelled
        self._body.put_stamps(self._tiles, (_LEVELS + 1) * first + levels(shares))
        for printed, read in named_tiles(frame_data.sentence):
            x, y = (
                start + digit * self._side
                for start, digit in zip(self._corner, (read, printed), strict=True)
            )
            size = 1.3 * self._side
            ring(self._body, x - 0.15 * self._side, y - 0.15 * self._side, size, size)


def levels(shares: np.ndarray) -> np.ndarray:
    """Return the tile of each share: whole per cent, where only 0 and 1 are 0 % and 100 %."""
    inner = np.clip(np.rint(_LEVELS * shares), 1, _LEVELS - 1)
    return np.where((shares > 0) & (shares < 1), inner, _LEVELS * shares).astype(np.intp)


def _contrast(one: Colour, other: np.ndarray) -> float:
    """Return the difference in brightness."""
    return abs(float((np.array(one) - other) @ (0.299, 0.587, 0.114)))


def share_tiles(
    canvas: Canvas, colour: Colour, wide: float, high: float, is_labelled: bool = False
) -> list[Canvas]:
    """Return tiles from 0 to 100 %, labelled only if the label is legible."""
    palette, tiles = canvas.palette, []
    for level in range(_LEVELS + 1):
        share = level / _LEVELS
        ground = np.rint(share * np.array(colour) + (1 - share) * np.array(palette.slot))
        tile = canvas.tile(wide, high, tuple(ground))
        if is_labelled and wide > 1.4 * _TEXT:
            ink = max((palette.ink, palette.paper), key=lambda colour: _contrast(colour, ground))
            style = {"align": "centre", "middle": True, "fit": wide - 4}
            tile.text(wide / 2, high / 2, str(level), _TEXT, ink, **style)
        tiles.append(tile)
    return tiles
