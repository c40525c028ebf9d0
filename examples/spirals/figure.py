"""Draw the test points with the spiral that the network predicts, and the accuracy so far."""

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.grid import Cell
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.panels.heading import heading


class Plane:
    """The plane: a disc where the network is right, a cross where it is wrong."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and the edge of the plane."""
        note = "Colour: the spiral that the network predicts. Dot: correct. Cross: wrong"
        body = heading(canvas, "Test points", note)
        self._side = min(body.width, body.height)
        self._plane = body.region(0, 0, self._side, self._side)
        self._plane.frame(0, 0, self._side, self._side, canvas.palette.hairline)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the points."""
        points, half = frame_data.predictions, self._side / 2
        x, y, label, prediction = (
            points[name].to_numpy() for name in ("x", "y", "label", "prediction")
        )
        left, top = half * (1 + 0.95 * x), half * (1 - 0.95 * y)
        palette, is_right = canvas.palette, prediction == label
        colours = np.where(prediction[:, None] == 1, palette.right, palette.wrong)
        for kind, some in (("disc", is_right), ("cross", ~is_right)):
            self._plane.marks(left[some], top[some], 6, colours[some], kind)


def panels(run_info: RunInfo) -> list[Panel]:
    """Return the plane, and the curve of the accuracy."""
    return [Plane(), Cell(Curve(run_info), size=0.9)]
