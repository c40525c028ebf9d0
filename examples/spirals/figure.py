"""Draw the test points with the spiral that the network predicts, and the accuracy so far."""

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
        points, half = frame_data.predictions.to_pydict(), self._side / 2
        for x, y, label, prediction in zip(
            points["x"], points["y"], points["label"], points["prediction"], strict=True
        ):
            left, top = half * (1 + 0.95 * x), half * (1 - 0.95 * y)
            colour = canvas.palette.right if prediction else canvas.palette.wrong
            if prediction == label:
                self._plane.disc(left, top, 6, colour)
            else:
                self._plane.line([(left - 6, top - 6), (left + 6, top + 6)], colour)
                self._plane.line([(left - 6, top + 6), (left + 6, top - 6)], colour)


def panels(run_info: RunInfo) -> list[Panel]:
    """Return the plane, and the curve of the accuracy."""
    return [Plane(), Cell(Curve(run_info), size=0.9)]
