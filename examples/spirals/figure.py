"""The frame: every test point at its place, and what the network takes it for."""

from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.panels import Curve, TitleLine


class Plane:
    """The plane: discs where the network is right, crosses where it is wrong."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the edge of the plane."""
        canvas.frame(80, 150, 850, 850, palette.HAIRLINE)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the points."""
        points = frame_data.predictions.to_pydict()
        for x, y, label, taken in zip(
            points["x"], points["y"], points["label"], points["prediction"], strict=True
        ):
            left, top = 505 + 400 * x, 575 - 400 * y
            colour = palette.RIGHT if taken else palette.WRONG
            if taken == label:
                canvas.disc(left, top, 6, colour)
            else:
                canvas.line([(left - 6, top - 6), (left + 6, top + 6)], colour)
                canvas.line([(left - 6, top + 6), (left + 6, top - 6)], colour)


def panels(run_info: RunInfo) -> list[Panel]:
    """The title line, the plane, and the accuracy so far."""
    return [
        TitleLine(run_info, "points seen", "of points right"),
        Plane(),
        Curve(run_info, (1010, 250, 850, 700), "Share of points right"),
    ]
