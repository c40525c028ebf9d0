"""The film of the sheet transcriber: what it reads, which digits it confuses, and where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.grid import Cell
from epochreel.drawing.palette import Colour
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.panels.heading import heading
from epochreel.experiments.sheets import layout
from epochreel.experiments.sheets.printed import PrintedNumbers, PrintedPage
from epochreel.experiments.sheets.readings import (
    confusion,
    named_confusions,
    place_shares,
    readings,
)

_TEXT = 24.0  # size of labels
_LEVELS = 100  # of tiles: per cent
_LABELLED, _LEAST = 0.15, 0.003
"""Shares from which tiles are labelled: usually, and at the end, when all mistakes are rare."""


def panels(run_info: RunInfo) -> list[Panel]:
    """Return the panels of a frame, for whole pages or, with the variant "cells", single cells."""
    confusion_tiles = Cell(ConfusionTiles(), 2.7)
    curve = Cell(Curve(run_info, title="Digits read correctly"), essential=False)
    if run_info.data["variant"] == "cells":
        examples = [Cell(PrintedNumbers(run_info), 2.7)]
    else:
        tiles = Cell(PlaceTiles(), 1.3, essential=False)
        examples = [Cell(PrintedPage(run_info), 2.2), tiles]
    if run_info.shape == "upright":
        return [*examples, confusion_tiles, curve]
    if run_info.shape == "square":  # too small for all four
        first, second = [*examples, curve][:2]
        return [first, Cell([confusion_tiles, replace(second, size=2.2)], 3)]
    size = 1.3 if run_info.theme.is_brief else 1.7
    return [Cell(examples, size), [confusion_tiles, curve]]


class ConfusionTiles:
    """A row per digit printed, 0 on top, with a tile per digit read: the share of readings."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the labels and the empty tiles."""
        note = "Each printed digit, and what it is read as, in %"
        body = heading(canvas, "Which digits it mixes up", note)
        left, top, gap = 6.0 * _TEXT, 1.5 * _TEXT, 4.0
        side = min((body.width - left) / 10, (body.height - top) / 10)
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
        """Colour the hundred tiles, and outline those that the sentence names."""
        shares = confusion(*readings(frame_data.predictions, 1)).ravel()
        most = shares[~self._is_right].max()
        least = _LABELLED if most > 0.1 else max(0.75 * most, _LEAST)
        is_labelled, named = shares >= least, named_confusions(frame_data.sentence)
        is_labelled[[10 * printed + read for printed, read in named]] = True
        first = np.where(self._is_right, 0, 2) + is_labelled
        self._body.put_stamps(self._tiles, (_LEVELS + 1) * first + levels(shares))
        for printed, read in named:
            x, y = (
                start + digit * self._side
                for start, digit in zip(self._corner, (read, printed), strict=True)
            )
            self._body.frame(x, y, self._side, self._side, self._body.palette.ink, 4)


class PlaceTiles:
    """The table of a page with a tile per digit: the share of test pages that are right there."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the labels and the empty tiles."""
        note = "The whole table: the bluer a tile, the more often its digit is read correctly"
        words = canvas.paragraph(0, 0.8 * _TEXT, note, _TEXT, canvas.width, canvas.palette.quiet)
        body = canvas.region(0, words + 10, canvas.width, canvas.height - words - 10)
        self._body, places = body, layout.places("plain")
        left, top, space = 4.4 * _TEXT, 1.3 * _TEXT, 12.0
        columns = [*layout.COLUMN_X, layout.MEANS_X]
        rows = [*layout.ROW_Y, layout.TOTALS_Y]
        wide = (body.width - left) / len(columns)
        high = (body.height - top - space - _TEXT / 3) / len(rows)

        def level(row: np.ndarray) -> np.ndarray:
            return top + (row + 0.5) * high + (row == len(rows) - 1) * space

        def write(x: float, y: float, word: str, align: str, fit: float) -> None:
            body.text(x, y, word, _TEXT, body.palette.quiet, align=align, middle=True, fit=fit)

        years = layout.YEARS if wide > 2.6 * _TEXT else []
        for column, name in enumerate(years):
            write(left + (column + 0.5) * wide, _TEXT / 2, str(name), "centre", wide - 8)
        write(body.width, _TEXT / 2, "Means", "right", 4 * _TEXT)
        for row, name in ((0, "January"), (len(rows) - 1, "Totals")):
            write(0, level(np.array(row)), name, "left", left - 8)
        column, row = _nearest(places.x, columns), _nearest(places.y, rows)
        order = np.arange(len(places)) - np.searchsorted(places.number, places.number)
        from_middle = order - (np.bincount(places.number)[places.number] - 1) / 2
        side = (wide - 12) / 4  # Totals have four digits.
        x = left + (column + 0.5) * wide + from_middle * side
        tiles = share_tiles(body, body.palette.right, side - 1, high - 2)
        self._tiles = body.stamps(x, level(row), tiles)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Colour all tiles."""
        pages = readings(frame_data.predictions, len(layout.places("plain")))
        self._body.put_stamps(self._tiles, levels(place_shares(*pages)))


def _nearest(values: np.ndarray, middles: list[float]) -> np.ndarray:
    return np.abs(values[:, None] - middles).argmin(1)


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
            label = "≤1" if level == 1 else str(level)
            tile.text(wide / 2, high / 2, label, _TEXT, ink, **style)
        tiles.append(tile)
    return tiles
