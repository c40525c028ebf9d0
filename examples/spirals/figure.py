"""Draw the test points with the spiral that the network predicts, and the accuracy so far."""

from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.panels import Curve, TitleLine


class Plane:
    """The plane: a disc where the network is right, a cross where it is wrong."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the note and the edge of the plane."""
        note = "Colour: the spiral that the network predicts. Dot: correct. Cross: wrong"
        canvas.text(80, 136, note, 20, palette.QUIET, fit=850)
        canvas.frame(80, 150, 850, 850, palette.HAIRLINE)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the points."""
        points = frame_data.predictions.to_pydict()
        for x, y, label, prediction in zip(
            points["x"], points["y"], points["label"], points["prediction"], strict=True
        ):
            left, top = 505 + 400 * x, 575 - 400 * y
            colour = palette.RIGHT if prediction else palette.WRONG
            if prediction == label:
                canvas.disc(left, top, 6, colour)
            else:
                canvas.line([(left - 6, top - 6), (left + 6, top + 6)], colour)
                canvas.line([(left - 6, top + 6), (left + 6, top - 6)], colour)


def panels(run_info: RunInfo) -> list[Panel]:
    """Return the title line, the plane, and the curve of the accuracy."""
    return [
        TitleLine(run_info, "points seen"),
        Plane(),
        Curve(run_info, (1010, 250, 850, 700)),
    ]
