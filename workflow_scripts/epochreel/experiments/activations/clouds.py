"""The test images in the plane: those that the network finds similar are close together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels.heading import heading
from epochreel.experiments.activations import classes, colours, labels, thumbnails

_TITLE = "What looks similar to the network lies close together"
_NOTE = "Dot: a new picture. Colour: the network’s answer. Outlined: wrong"
_MOST_NAMES = 16  # of classes on the clouds
_BEND = 2.0  # mean deviations from the centre; points beyond are pulled in


def spread(layout: np.ndarray, area: tuple[float, float], margin: float) -> np.ndarray:
    """Spread a layout (N, 2) over an area (width, height), except for a margin.

    The directions and the scale of a layout have no meaning, so both axes are stretched. Outliers
    are pulled in. Places change smoothly with the layout.
    """
    deviation = np.abs(layout).mean(0) + 1e-6  # not of squares, to which outliers add too much
    # tanh keeps the order of points, and hardly bends the middle.
    bent = np.tanh(layout / (_BEND * deviation))
    share = bent / (np.abs(bent).max(0, initial=0) + 1e-6)
    return np.array(area) / 2 * (1 + share) - margin * share


def test_rows(table: pa.Table) -> np.ndarray:
    """Return which rows of an evaluation are test images, bool (N,)."""
    return pc.equal(table["split"], "test").to_numpy()


def classified(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels and predictions of the test images, (n,) each."""
    test = test_rows(table)
    return tuple(
        evaluations.indices(table[name])[test].astype(np.intp) for name in ("label", "prediction")
    )


def cast_of(run_info: RunInfo) -> np.ndarray:
    """Return the numbers of the test images that are shown large."""
    if run_info.examples is None:
        return thumbnails.cast(run_info.test)
    return np.array(run_info.examples, np.intp)


def listed(run_info: RunInfo) -> np.ndarray:
    """Return the classes of the legend: all, or those of the cast if there are very many."""
    count = len(classes.names(run_info.data))
    if count <= thumbnails.MOST:
        return np.arange(count)
    cast = cast_of(run_info)[: thumbnails.MOST].tolist()
    return np.unique([run_info.test[number]["label"] for number in cast])


class Clouds:
    """The cast as pictures, all other test images as dots, and the names of the classes."""

    def __init__(self, run_info: RunInfo):
        self._info, self._names = run_info, classes.names(run_info.data)
        self._kept: list[tuple] = []  # see `_at_snapshot`

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading; prepare the marks."""
        body = heading(canvas, _TITLE, _NOTE)
        test, names = self._info.test, self._names
        shades = colours.of_classes(canvas.palette, len(names))
        self._pictures = thumbnails.Pictures(body, test, cast_of(self._info), names, shades)
        self._cast = self._pictures.shown
        self._dots = thumbnails.Dots(body, len(test), shades)
        self._plates = labels.Plates(body, names, shades)
        self._canvas, self._area = body, (body.width, body.height)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the dots, the pictures and the names."""
        places, truth, predictions = self._test(frame_data)
        self._dots.draw(places, truth, predictions)
        named = self._named(frame_data)
        names, pictures = self._boxes(frame_data, named)
        self._lead(places[self._cast], pictures)
        self._pictures.draw(pictures, truth[self._cast], predictions[self._cast])
        self._plates.draw(names, *named)

    def _lead(self, places: np.ndarray, pictures: np.ndarray) -> None:
        """Draw a line to the place of each picture that does not cover it."""
        away = (np.abs(places - pictures) > self._pictures.side / 2).any(1)
        for ends in np.stack((places, pictures), 1)[away]:
            self._canvas.line(ends, self._canvas.palette.quiet, 2)

    def _test(self, frame_data: FrameData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the test images' positions on the canvas, their labels and their predictions."""
        if frame_data.layout is None:
            raise UserError("the figure shows a layout of the images: set `projection` for the run")
        layout = frame_data.layout[test_rows(frame_data.predictions)]
        places = spread(layout, self._area, self._dots.side / 2)
        return places, *classified(frame_data.predictions)

    def _named(self, frame_data: FrameData) -> tuple[np.ndarray, np.ndarray]:
        """Return the classes whose names are shown, and which of them the sentence names.

        Those of many classes are shown only while the sentence names them.
        """
        in_sentence = labels.named(frame_data.sentence, self._names)
        present = np.unique(classified(frame_data.predictions)[0])
        is_named = np.isin(present, in_sentence)
        shown = is_named | (len(self._names) <= _MOST_NAMES)
        return present[shown], is_named[shown]

    def _boxes(self, frame_data: FrameData, named: tuple[np.ndarray, np.ndarray]) -> list:
        """Return the centres of names and pictures, interpolated between two snapshots.

        Otherwise one would jump when another part of its cluster becomes the densest, or when it
        changes places with another one.
        """
        if frame_data.way is None:
            return self._at_snapshot(frame_data, named)
        way = frame_data.way
        ends = (self._at_snapshot(each, named) for each in (way.start, way.end))
        return [start + way.eased * (end - start) for start, end in zip(*ends, strict=True)]

    def _at_snapshot(self, frame_data: FrameData, named: tuple[np.ndarray, np.ndarray]) -> list:
        """Return the centres at a snapshot, and keep those of two for all pictures between them."""
        for known, classes_, centres in self._kept:
            if known is frame_data and all(map(np.array_equal, classes_, named)):
                return centres
        self._kept = [*self._kept[-1:], (frame_data, named, self._placed(frame_data, named))]
        return self._kept[-1][-1]

    def _placed(self, frame_data: FrameData, named: tuple[np.ndarray, np.ndarray]) -> list:
        places, truth, predictions = self._test(frame_data)
        centres, sizes = self._plates.boxes(places, truth, *named)
        below = self._pictures.below(truth[self._cast] != predictions[self._cast])
        # The box of a picture includes its strips.
        all_centres = np.concatenate((centres, places[self._cast] + below / 2))
        all_sizes = np.concatenate((sizes, self._pictures.side + below))
        moved = labels.apart(all_centres, all_sizes, self._area)
        names, pictures = np.split(moved, [len(centres)])
        return [names, pictures - below / 2]
