"""The panels of the film of activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochreel.core.errors import UserError
from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import MARGIN, TOP, Curve, caption, percent
from epochreel.experiments.activations import colours, labels, thumbnails
from epochreel.experiments.activations.sentences import remark

LEFT_WIDTH = 1288.0
SECOND = MARGIN + LEFT_WIDTH + 56
"""x of the right column."""
SECOND_WIDTH = 464.0
HEIGHT = 840.0
_AREA = (MARGIN, TOP, LEFT_WIDTH, HEIGHT)
_NOTE = (
    "Each square, small ones too: a test image in the colour of its guess. "
    "Near: alike to the network"
)
_STRIPS = (
    "Dark frame: a wrong guess; its strip has the colour of that guess. "
    "Large names: the true classes",
    "Dark frame: a wrong guess, which its strip names. "
    "Large names: the true classes, amid their images",
)  # without letters on the strips, and with them
# In sizes of the layout: the edge of the place, and where points begin to be pulled in.
_REACH, _KNEE = 1.55, 1.25


def within(layout: np.ndarray, place: tuple[float, float, float, float]) -> np.ndarray:
    """A layout, (N, 2) of size about 1, in a place (x, y, width, height) of the frame: (N, 2).

    The scale is the same in all frames; what lies far out is pulled in, and nothing leaves the
    place. Directions mean nothing in such a layout, so it is stretched to the place's shape.
    """
    x, y, width, height = place
    far = np.abs(layout)
    beyond = np.maximum(far - _KNEE, 0) / (_REACH - _KNEE)
    # tanh leaves the knee with slope 1 and tends to the edge: no kink, no point outside.
    pulled = np.where(far > _KNEE, _KNEE + (_REACH - _KNEE) * np.tanh(beyond), far)
    share = np.copysign(pulled, layout) / _REACH
    return np.array((x + width / 2, y + height / 2)) + share * np.array((width, height)) / 2


def rows(table: pa.Table, split: str) -> np.ndarray:
    """Which rows of an evaluation are of this split: bool (N,)."""
    return pc.equal(table["split"], split).to_numpy()


def _told(table: pa.Table, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels and predictions of some rows, (n,) each."""
    return tuple(table[name].to_numpy()[mask].astype(np.intp) for name in ("label", "prediction"))


def _layout(frame_data: FrameData) -> np.ndarray:
    if frame_data.layout is None:
        raise UserError("the figure shows where images lie: give the run a projection")
    return frame_data.layout


class TestClouds:
    """The test images at their places, the names of their classes, and what to look at."""

    def __init__(self, run_info: RunInfo, names: Sequence[str]):
        self._names, self._hold = names, int(run_info.figure["sentence_snapshots"])
        self._pictures = thumbnails.Thumbnails(run_info.test, names, run_info.figure["thumbnail"])
        room = run_info.figure["thumbnail"] / 2
        self._kept: list[tuple[FrameData, labels.Boxes, np.ndarray]] = []  # see `_settled`
        self._place = (MARGIN + room, TOP + room, LEFT_WIDTH - 2 * room, HEIGHT - 2 * room)

    def draw_static(self, canvas: Canvas) -> None:
        """How the panel is read."""
        self._pictures.draw_static(canvas)
        lines = _NOTE, _STRIPS[self._pictures.can_be_named()]
        for line, y in zip(lines, (TOP - 28, TOP - 2), strict=True):
            canvas.text(MARGIN, y, line, 22, palette.QUIET, fit=LEFT_WIDTH)
        self._plates = labels.Plates(canvas, self._names)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """The sentence, the pictures, and the names."""
        said = remark(frame_data.history, self._names, self._hold)
        canvas.text(MARGIN, TOP - 56, said.sentence, 34, weight="bold", fit=LEFT_WIDTH)
        places, truth, predictions = self._test(frame_data)
        self._pictures.draw(canvas, places, truth, predictions, self._sides(frame_data))
        self._plates.draw(canvas, self._boxes(frame_data))

    def _test(self, frame_data: FrameData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The test images' places in the frame, their labels and predictions."""
        test = rows(frame_data.predictions, "test")
        return within(_layout(frame_data)[test], self._place), *_told(frame_data.predictions, test)

    def _sides(self, frame_data: FrameData) -> np.ndarray:
        """How large pictures are; between two snapshots, on the way from one to the other."""
        if frame_data.way is None:
            return self._settled(frame_data)[1]
        start, end = self._settled(frame_data.way.start)[1], self._settled(frame_data.way.end)[1]
        return start + frame_data.way.share * (end - start)

    def _boxes(self, frame_data: FrameData) -> labels.Boxes:
        """Where names stand; between two snapshots, on the way from one place to the other, so
        that none leaps where a cloud's densest part becomes another."""
        if frame_data.way is None:
            return self._settled(frame_data)[0]
        start, end = self._settled(frame_data.way.start)[0], self._settled(frame_data.way.end)[0]
        return replace(
            start, centres=start.centres + frame_data.way.eased * (end.centres - start.centres)
        )

    def _settled(self, frame_data: FrameData) -> tuple[labels.Boxes, np.ndarray]:
        """Where names stand at a snapshot, and how large pictures are; those of the two last
        snapshots asked for are kept, since all pictures between two snapshots ask for the same."""
        for known, *both in self._kept:
            if known is frame_data:
                return tuple(both)
        places, truth, predictions = self._test(frame_data)
        said = remark(frame_data.history, self._names, self._hold)
        boxes = self._plates.boxes(places, truth, said.classes, _AREA)
        side = self._pictures.grown(places, truth, predictions, boxes.gaps(places))
        self._kept = [*self._kept[-1:], (frame_data, boxes, side)]
        return boxes, side


class SmallCloud:
    """A sample of the training images as dots of their classes; without one, all test images."""

    _high = 300.0

    def __init__(self, names: Sequence[str]):
        self._colours = colours.of_classes(len(names))

    def draw_static(self, canvas: Canvas) -> None:
        """The dots."""
        self._dots = thumbnails.dots(canvas, self._colours)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Heading, and the dots at their places."""
        shown = rows(frame_data.predictions, "train")
        title, note = "Images it learns from", "A sample of them, coloured likewise"
        if not shown.any():
            shown = rows(frame_data.predictions, "test")
            title, note = "All test images", "Also those that are too many for pictures"
        caption(canvas, SECOND, title, note, SECOND_WIDTH)
        half = thumbnails.DOT / 2
        place = (SECOND + half, TOP + half, SECOND_WIDTH - 2 * half, self._high - 2 * half)
        x, y = within(_layout(frame_data)[shown], place).T
        truth, predictions = _told(frame_data.predictions, shown)
        # A tile per class for right guesses, then one per class for wrong ones (`thumbnails.dots`).
        look = predictions + np.where(predictions == truth, 0, len(self._colours))
        canvas.put_stamps(canvas.stamps(x, y, self._dots), look)


class Shares:
    """The curve of the test images told right so far, and that of the sample where there is one."""

    def __init__(self, run_info: RunInfo, place: tuple[float, float, float, float]):
        shares = {"accuracy": "test", "train_accuracy": "training"}
        self._alone, self._both = (
            Curve(run_info, place, "Share right", metric) for metric in ("accuracy", shares)
        )

    def draw_static(self, canvas: Canvas) -> None:
        """Nothing: which lines there are, evaluations say."""

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Axes and lines."""
        curve = self._both if "train_accuracy" in frame_data.history else self._alone
        curve.draw_static(canvas)
        curve.draw(canvas, frame_data)


class Legend:
    """The classes, their colours, and the share of each that is told right."""

    _y, _high = 560.0, 150.0

    def __init__(self, names: Sequence[str]):
        self._names = names
        self._columns = 1 if len(names) <= 5 else 2 if len(names) <= 12 else 3
        self._rows = -(-len(names) // self._columns)  # rounded up
        self._pitch = min(self._high / self._rows, 30.0)
        self._wide = min((SECOND_WIDTH - 32 * (self._columns - 1)) / self._columns, 300)

    def draw_static(self, canvas: Canvas) -> None:
        """Heading, colours and names."""
        title = "Share of each class told right"
        canvas.text(SECOND, self._y - 12, title, 26, weight="bold", fit=SECOND_WIDTH)
        size = min(20.0, self._pitch * 0.7)
        for number, colour in enumerate(colours.of_classes(len(self._names)).tolist()):
            x, y = self._at(number)
            canvas.rule(x + size / 2, y, x + size / 2, y, tuple(colour), size)
            room = self._wide - 1.5 * size - 4 * size
            canvas.text(x + 1.5 * size, y, self._names[number], size, middle=True, fit=room)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """The shares."""
        size = min(20.0, self._pitch * 0.7)
        for number in range(len(self._names)):
            share = frame_data.history.get(f"accuracy_of_{number}")
            if share is not None:
                x, y = self._at(number)
                looks = {"align": "right", "middle": True}
                canvas.text(x + self._wide, y, percent(share[-1]), size, palette.QUIET, **looks)

    def _at(self, number: int) -> tuple[float, float]:
        column, row = divmod(number, self._rows)
        return SECOND + column * (self._wide + 32), self._y + (row + 0.7) * self._pitch
