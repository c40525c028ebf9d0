"""Time to draw a frame of 2,000 points, labels and a curve, compared with matplotlib.

    python benchmarks/marks_per_second.py [--frames 50] [--reference 5] [--points 2000]

It draws with the canvas alone, without a panel of any experiment. The reference creates a new
figure for every frame, with one artist per point and per label, and saves it as PNG. See
frames_per_second.py for how time is measured.
"""

from __future__ import annotations

import argparse
import io

import numpy as np
import pyarrow as pa
from frames_per_second import race  # limits numpy to one thread, so import it first

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import Cell, whole_frame
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.time_axis import TimeAxis

SIZE, LABELS, SNAPSHOTS = (1920, 1080), 40, 250


def points(snapshot: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a snapshot, (count, 2) in 0 … 1, and their classes."""
    random = np.random.default_rng(snapshot)
    return random.uniform(0, 1, (count, 2)), random.integers(0, 10, count)


class Points:
    """Points in the colours of their classes, and labels."""

    def __init__(self, count: int):
        self._count = count

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the edge."""
        canvas.frame(0, 0, canvas.width, canvas.height, canvas.palette.hairline)
        self._colours = np.array(canvas.palette.classes)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw points and labels."""
        at, classes = points(frame_data.snapshot, self._count)
        x, y = at[:, 0] * canvas.width, at[:, 1] * canvas.height
        canvas.marks(x, y, 6, self._colours[classes])
        for number in range(LABELS):
            canvas.text(x[number], y[number], f"{frame_data.snapshot + number}", 27)


def frame_data(snapshot: int) -> FrameData:
    """Return a snapshot with a noisy curve."""
    epochs = np.arange(snapshot + 1) / 5
    accuracy = 1 - 0.9 * np.exp(-epochs / 12)
    history = {"step": 5 * epochs, "epoch": epochs, "accuracy": accuracy}
    predictions = pa.table({"class": np.zeros(500)})
    return FrameData(snapshot, float(epochs[-1]), 40 * snapshot, predictions, history)


def scene(count: int) -> Scene:
    """Return a frame with the points beside a curve."""
    info = RunInfo("Points", SIZE, {}, {}, {}, TimeAxis(), 40, [])
    return Scene(SIZE, whole_frame(info, [Cell(Points(count), size=2), Curve(info)]))


def reference(frame: FrameData, count: int) -> bytes:
    """Draw the frame as a new matplotlib figure, one artist per point and label."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100)
    FigureCanvasAgg(page)
    at, classes = points(frame.snapshot, count)
    axes = page.add_axes((0.03, 0.05, 0.6, 0.75), xlim=(0, 1), ylim=(1, 0))
    for (x, y), kind in zip(at, classes, strict=True):
        axes.plot(x, y, "o", color=f"C{kind}", markersize=8)
    for number in range(LABELS):
        axes.text(*at[number], f"{frame.snapshot + number}", size=19)
    curve = page.add_axes((0.7, 0.05, 0.27, 0.75), xlim=(0, 50), ylim=(0, 1))
    curve.plot(frame.history["epoch"], frame.history["accuracy"])
    page.text(0.03, 0.94, "Points", size=24, weight="bold")
    buffer = io.BytesIO()
    page.savefig(buffer, format="png")
    return buffer.getvalue()


def main() -> None:
    """Time both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--reference", type=int, default=5)
    parser.add_argument("--points", type=int, default=2000)
    options = parser.parse_args()
    frames = [frame_data(k) for k in np.linspace(20, SNAPSHOTS, 9).astype(int)]
    count = options.points
    race(options, lambda: scene(count), lambda frame: reference(frame, count), frames)


if __name__ == "__main__":
    main()
