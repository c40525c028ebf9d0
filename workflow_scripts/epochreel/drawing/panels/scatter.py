"""Test examples as points in the plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epochreel.core.errors import UserError
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import columns
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import NOTE, TEXT, class_colours, shortened

_LAYOUT = 2.4  # half of the side of the plane of a projection, whose points have a radius near 1
_ROW = 38.0  # of the legend
_MOST_SMOOTH = 1500  # points with smooth edges


class Scatter:
    """A point for each test example, coloured by its predicted class.

    Dots are correct predictions, crosses wrong ones. `x` and `y` are columns of numbers; without
    them, the points are those of the run's projection or, without one, of the columns `x` and `y`.
    The limits are those of the untrained network's points, wider in frames that exceed them.
    Without a column for the truth, all points are dots.
    """

    def __init__(
        self,
        run_info: RunInfo,
        x: str | None = None,
        y: str | None = None,
        truth: str | None = None,
        prediction: str | None = None,
        title: str | None = None,
    ):
        self._info = run_info
        find = columns.guess if x is None and y is None else columns.find
        self._names = [
            find(run_info, role, name or role, (), columns.is_number)
            for role, name in (("x", x), ("y", y))
        ]
        self._is_layout = x is None and y is None
        self._answers = columns.Answers(run_info, truth, prediction)
        self._title = title or "Test examples"

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the legend and the edge of the plane."""
        note = "Colour: the class that the network predicts. Dot: right. Cross: wrong"
        body = heading(canvas, self._title, note)
        names = self._answers.names
        self._colours = class_colours(body.palette, names)
        used = self._draw_legend(body, names)
        side = min(body.width, body.height - used)
        left = (body.width - side) / 2 if self._is_layout else 0.0
        self._plane = body.region(left, 0, side, side)
        self._plane.frame(0, 0, side, side, body.palette.hairline)

    def _draw_legend(self, body: Canvas, names: Sequence[str]) -> float:
        """Draw the classes at the foot if there is room; return the height that they take."""
        names = [shortened(body, name, TEXT, 240) for name in names]
        places, x, row = [], 0.0, 0
        for name in names:
            wide = 30 + body.measure(name, TEXT) + 28
            if x and x + wide > body.width:
                x, row = 0.0, row + 1
            places.append((x, row))
            x += wide
        used = _ROW * (row + 1) + 10
        if used > body.height / 3:
            return 0.0
        foot = min(body.width, body.height - used)  # of the plane, which is a square
        for (x, row), name, colour in zip(places, names, self._colours, strict=True):
            y = foot + 10 + _ROW * row + 0.75 * _ROW
            body.disc(x + 11, y - 10, 10, tuple(map(int, colour)))
            body.text(x + 30, y, name, TEXT)
        return used

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the points."""
        points = self._positions(frame_data)
        said, truth = self._answers.predictions(frame_data), self._answers.truths(frame_data)
        count = min(len(points), len(said), len(truth))
        points, said, truth = points[:count], said[:count], truth[:count]
        is_shown = ~np.isnan(points).any(1)
        unknown = np.array(self._plane.palette.quiet, np.uint8)
        colours = np.where((said >= 0)[:, None], self._colours[said], unknown)
        radius = float(np.clip(170 / max(count, 1) ** 0.5, 3.5, 9))
        draw = self._plane.marks if count <= _MOST_SMOOTH else self._draw_many
        for kind in ("disc", "cross"):  # Mistakes are drawn last.
            chosen = is_shown & ((said != truth) == (kind == "cross"))
            x, y = points[chosen].T * self._plane.width
            draw(x, y, radius, colours[chosen], kind)
        if not is_shown.any():
            self._plane.text(20, 50, "no points", NOTE, self._plane.palette.quiet)

    def _positions(self, frame_data: FrameData) -> np.ndarray:
        """Return the points as shares of the plane, (N, 2), y down."""
        info, rows = self._info, columns.rows(self._info)
        if self._is_layout and frame_data.layout is not None:
            shares = 0.5 + np.asarray(frame_data.layout[:rows], float) / (2 * _LAYOUT)
            return shares.clip(0.02, 0.98)
        if None in self._names:
            raise UserError(
                "a scatter panel has nothing to show: name the columns x and y, or add a projection"
            )
        points, first = (
            np.column_stack([columns.numbers(info, data, name) for name in self._names])
            for data in (frame_data, info.untrained)
        )
        both = np.concatenate((points, first))
        low, high = np.nanmin(both, 0, initial=np.inf), np.nanmax(both, 0, initial=-np.inf)
        span = np.where(high > low, high - low, 1.0)
        shares = 0.04 + 0.92 * (points - low) / span
        return np.column_stack((shares[:, 0], 1 - shares[:, 1]))

    def _draw_many(
        self, x: np.ndarray, y: np.ndarray, radius: float, colours: np.ndarray, kind: str
    ) -> None:
        """Draw marks of whole pixels, without smooth edges: ten thousand take milliseconds."""
        plane = self._plane
        reach = max(round(0.8 * radius * plane.scale), 1)
        down, across = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        is_cross = kind == "cross"
        mask = np.abs(down) == np.abs(across) if is_cross else down**2 + across**2 <= reach**2 + 1
        high, wide = plane.pixels.shape[:2]
        rows, cols = (
            np.rint(at * plane.scale).astype(int).clip(reach, size - 1 - reach)[:, None]
            + part[mask]
            for at, size, part in ((y, high, down), (x, wide, across))
        )
        plane.pixels[rows, cols] = colours[:, None]
