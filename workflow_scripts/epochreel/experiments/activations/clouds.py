"""The panels of the film of activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import MARGIN, TOP, Curve, caption, group, percent
from epochreel.experiments.activations import colours, labels, thumbnails
from epochreel.experiments.activations.sentences import remark

LEFT_WIDTH = 1288.0
SECOND = MARGIN + LEFT_WIDTH + 56
"""Left edge of the right column."""
SECOND_WIDTH = 464.0
HEIGHT = 840.0
MOST_BELOW_CLOUD = 12
"""Number of classes for whose legend there is room below the small cloud."""
_AREA = (MARGIN, TOP, LEFT_WIDTH, HEIGHT)
_NOTE = (
    "Every square is a test image, coloured by its predicted class. "
    "Close together = similar to the network"
)
_STRIPS = (
    "Dark frame: wrong prediction. Large labels: true classes",
    "Dark frame: wrong prediction, named on its strip. Large labels: true classes",
)  # without and with letters on the strips
_IN_SENTENCE = 230.0  # of a name, so that a sentence with four names is hardly scaled down
# In units of the layout: the edge of the panel, and the distance from which points are pulled in.
_REACH, _KNEE = 1.55, 1.25


def within(layout: np.ndarray, place: tuple[float, float, float, float]) -> np.ndarray:
    """Map a layout of size about 1, (N, 2), to the area `place` (x, y, width, height).

    The scale is the same in all frames. Outliers are pulled in, so that no point leaves the area.
    The layout is stretched to the shape of the area, since its directions have no meaning.
    """
    x, y, width, height = place
    far = np.abs(layout)
    beyond = np.maximum(far - _KNEE, 0) / (_REACH - _KNEE)
    # tanh has slope 1 at the knee and tends to the edge: no kink, and no point outside.
    pulled = np.where(far > _KNEE, _KNEE + (_REACH - _KNEE) * np.tanh(beyond), far)
    share = np.copysign(pulled, layout) / _REACH
    return np.array((x + width / 2, y + height / 2)) + share * np.array((width, height)) / 2


def rows(table: pa.Table, split: str) -> np.ndarray:
    """Return which rows of an evaluation belong to a split, bool (N,)."""
    return pc.equal(table["split"], split).to_numpy()


def classified(table: pa.Table, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels and predictions of the rows in `mask`, (n,) each."""
    return tuple(
        evaluations.indices(table[name])[mask].astype(np.intp) for name in ("label", "prediction")
    )


def _layout(frame_data: FrameData) -> np.ndarray:
    if frame_data.layout is None:
        raise UserError("the figure shows a layout of the images: set `projection` for the run")
    return frame_data.layout


class TestClouds:
    """The test images in the layout, the names of their classes, and a sentence about them."""

    def __init__(self, run_info: RunInfo, names: Sequence[str]):
        self._names, self._hold = names, int(run_info.figure["sentence_snapshots"])
        self._pictures = thumbnails.Thumbnails(run_info.test, names, run_info.figure["thumbnail"])
        room = run_info.figure["thumbnail"] / 2
        self._cached: list[tuple[FrameData, labels.Boxes, np.ndarray]] = []  # see `_at_snapshot`
        self._place = (MARGIN + room, TOP + room, LEFT_WIDTH - 2 * room, HEIGHT - 2 * room)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the notes on how to read the panel."""
        self._pictures.draw_static(canvas)
        lines = _NOTE, _STRIPS[self._pictures.can_be_named()]
        for line, y in zip(lines, (TOP - 28, TOP - 2), strict=True):
            canvas.text(MARGIN, y, line, 22, palette.QUIET, fit=LEFT_WIDTH)
        self._plates = labels.Plates(canvas, self._names)
        cut = labels.cut
        self._short = [cut(canvas, name, 34, "bold", _IN_SENTENCE) for name in self._names]

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the sentence, the pictures and the names."""
        current = remark(frame_data.history, self._short, self._hold)
        canvas.text(MARGIN, TOP - 56, current.sentence, 34, weight="bold", fit=LEFT_WIDTH)
        places, truth, predictions = self._test(frame_data)
        self._pictures.draw(canvas, places, truth, predictions, self._sides(frame_data))
        self._plates.draw(canvas, self._boxes(frame_data))

    def _test(self, frame_data: FrameData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the test images' positions in the frame, their labels and their predictions."""
        test = rows(frame_data.predictions, "test")
        places = within(_layout(frame_data)[test], self._place)
        return places, *classified(frame_data.predictions, test)

    def _sides(self, frame_data: FrameData) -> np.ndarray:
        """Return the sizes of the pictures, interpolated between two snapshots."""
        if frame_data.way is None:
            return self._at_snapshot(frame_data)[1]
        start, end = (
            self._at_snapshot(frame_data.way.start)[1],
            self._at_snapshot(frame_data.way.end)[1],
        )
        return start + frame_data.way.share * (end - start)

    def _boxes(self, frame_data: FrameData) -> labels.Boxes:
        """Return the positions of the names, interpolated between two snapshots.

        Otherwise a name would jump when another part of its cluster becomes the densest.
        """
        if frame_data.way is None:
            return self._at_snapshot(frame_data)[0]
        start, end = (
            self._at_snapshot(frame_data.way.start)[0],
            self._at_snapshot(frame_data.way.end)[0],
        )
        return replace(
            start, centres=start.centres + frame_data.way.eased * (end.centres - start.centres)
        )

    def _at_snapshot(self, frame_data: FrameData) -> tuple[labels.Boxes, np.ndarray]:
        """Return the positions of the names at a snapshot, and the sizes of the pictures.

        The last two snapshots are cached: all pictures between two snapshots need both.
        """
        for known, *both in self._cached:
            if known is frame_data:
                return tuple(both)
        places, truth, predictions = self._test(frame_data)
        current = remark(frame_data.history, self._names, self._hold)
        boxes = self._plates.boxes(places, truth, current.classes, _AREA)
        side = self._pictures.grown(places, truth, predictions, boxes.gaps(places))
        self._cached = [*self._cached[-1:], (frame_data, boxes, side)]
        return boxes, side


class SmallCloud:
    """A sample of the training images as dots; all test images if there is no sample."""

    _high = 300.0

    def __init__(self, names: Sequence[str]):
        self._colours = colours.of_classes(len(names))

    def draw_static(self, canvas: Canvas) -> None:
        """Prepare the dots."""
        self._dots = thumbnails.dots(canvas, self._colours)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the heading and the dots."""
        shown = rows(frame_data.predictions, "train")
        title, note = "Training images", "A sample, with the same colours"
        if not shown.any():
            shown = rows(frame_data.predictions, "test")
            title, note = "All test images", "One dot each, with the same colours"
        caption(canvas, SECOND, title, note, SECOND_WIDTH)
        half = thumbnails.DOT / 2
        place = (SECOND + half, TOP + half, SECOND_WIDTH - 2 * half, self._high - 2 * half)
        x, y = within(_layout(frame_data)[shown], place).T
        truth, predictions = classified(frame_data.predictions, shown)
        # `dots` has a tile per class for correct predictions, then one per class for wrong ones.
        tile = predictions + np.where(predictions == truth, 0, len(self._colours))
        canvas.put_stamps(canvas.stamps(x, y, self._dots), tile)


class AccuracyCurve:
    """The accuracy on the test set, and on the training sample if there is one."""

    def __init__(self, run_info: RunInfo, place: tuple[float, float, float, float]):
        both = {"accuracy": "test", "train_accuracy": "training"}
        self._alone, self._both = (
            Curve(run_info, place, metric=metric) for metric in ("accuracy", both)
        )

    def draw_static(self, canvas: Canvas) -> None:
        """Draw nothing: the number of lines depends on the evaluations."""

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the axes and lines."""
        curve = self._both if "train_accuracy" in frame_data.history else self._alone
        curve.draw_static(canvas)
        curve.draw(canvas, frame_data)


class Legend:
    """The classes, their colours, and the accuracy on each.

    It is below the small cloud, or replaces it if there are more than `MOST_BELOW_CLOUD` classes.
    """

    def __init__(self, run_info: RunInfo, names: Sequence[str]):
        self._names, self._title = names, group(run_info, "accuracy_of_0")
        is_tall = len(names) > MOST_BELOW_CLOUD
        self._y, high = (162.0, 548.0) if is_tall else (560.0, 150.0)
        self._columns = 1 if len(names) <= 5 else 2 if len(names) <= 52 else 3
        self._rows = -(-len(names) // self._columns)  # rounded up
        self._pitch = min(high / self._rows, 30.0)
        self._wide = min((SECOND_WIDTH - 32 * (self._columns - 1)) / self._columns, 300)
        # In a tall legend, the column width limits the size: leave room for six letters of a name.
        self._size = min(20.0, self._pitch * 0.7, self._wide / 11.5 if is_tall else 20.0)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the colours and the names."""
        canvas.text(SECOND, self._y - 12, self._title, 26, weight="bold", fit=SECOND_WIDTH)
        size = self._size
        for number, colour in enumerate(colours.of_classes(len(self._names)).tolist()):
            x, y = self._at(number)
            canvas.rule(x + size / 2, y, x + size / 2, y, tuple(colour), size)
            room = self._wide - 1.5 * size - 4 * size
            if canvas.measure(self._names[number], size) > room:
                room -= 0.5 * size  # Keeps a gap to "100.0 %".
            name = labels.cut(canvas, self._names[number], size, "regular", room)
            canvas.text(x + 1.5 * size, y, name, size, middle=True, fit=room)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the percentages."""
        size = self._size
        for number in range(len(self._names)):
            share = frame_data.history.get(f"accuracy_of_{number}")
            if share is not None:
                x, y = self._at(number)
                style = {"align": "right", "middle": True}
                canvas.text(x + self._wide, y, percent(share[-1]), size, palette.QUIET, **style)

    def _at(self, number: int) -> tuple[float, float]:
        column, row = divmod(number, self._rows)
        return SECOND + column * (self._wide + 32), self._y + (row + 0.7) * self._pitch
