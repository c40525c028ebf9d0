"""The test images in the plane: similar ones, to the network, lie close together."""

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
_CARD = "Card: picture, the network’s answer, and below it the truth if the answer is wrong."
_MORE = (
    "Small square: another new picture, coloured by the answer; dark edge: wrong. "
    "Name alone: where this answer is frequent. Line: to a card’s place. "
    "Double frame: named in the sentence."
)
_NOTE = 24.0  # size of the note
_HIGH = 600.0  # from which a panel has room for the whole note
_FAR = 0.1  # of the width: how far a name may be moved
_FEWEST = 3  # answers of a class from which its name is shown
_MOST_NAMES = 16  # of classes on the clouds
_POINTS = 0.6  # of the pictures: at most, those with a second frame
_BEND = 2.0  # mean deviations from the centre; points beyond are held back


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


def _headed(canvas: Canvas) -> Canvas:
    """Draw the heading and the note; return the region below them."""
    body = heading(canvas, _TITLE)
    words = f"{_CARD} {_MORE}" if canvas.height > _HIGH else _CARD
    style = {"colour": canvas.palette.quiet, "lines": 3}
    high = body.paragraph(0, 0.8 * _NOTE, words, _NOTE, body.width, **style) + 8
    return body.region(0, high, body.width, body.height - high)


class Clouds:
    """The cast as pictures, all other test images as dots, and the names of the classes."""

    def __init__(self, run_info: RunInfo):
        self._info, self._names = run_info, classes.names(run_info.data)
        self._kept: list[tuple] = []  # see `_at_snapshot`

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading; prepare the marks."""
        body = _headed(canvas)
        test, names = self._info.test, self._names
        shades = colours.of_classes(canvas.palette, len(names))
        self._pictures = thumbnails.Pictures(body, test, cast_of(self._info), names, shades)
        self._cast = self._pictures.shown
        # Room for both strips even below a right answer, which may turn wrong on the way.
        self._low = np.array((0, self._pictures.below / 2))
        self._card_sizes = np.tile(self._pictures.size, (len(self._cast), 1))
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
        self._plates.draw(names, *named)
        answers = truth[self._cast], predictions[self._cast]
        in_sentence = labels.named(frame_data.sentence, self._names)
        is_named = np.isin(answers, in_sentence).any(0)
        # A frame on nearly all would point at nothing.
        self._pictures.draw(pictures, *answers, is_named & (is_named.mean() <= _POINTS))

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
        answers, counts = np.unique(classified(frame_data.predictions)[1], return_counts=True)
        present = answers[counts >= _FEWEST]
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
        names, pictures = (
            start + way.eased * (end - start) for start, end in zip(*ends, strict=True)
        )
        # Pictures step aside when they meet. Names pass below them.
        cards = labels.pushed(pictures + self._low, self._card_sizes, self._area)
        return [names, cards - self._low]

    def _at_snapshot(self, frame_data: FrameData, named: tuple[np.ndarray, np.ndarray]) -> list:
        """Return the centres at a snapshot, and keep those of two for all pictures between them."""
        for known, classes_, centres in self._kept:
            if known is frame_data and all(map(np.array_equal, classes_, named)):
                return centres
        self._kept = [*self._kept[-1:], (frame_data, named, self._placed(frame_data, named))]
        return self._kept[-1][-1]

    def _placed(self, frame_data: FrameData, named: tuple[np.ndarray, np.ndarray]) -> list:
        places, _, predictions = self._test(frame_data)
        names = self._plates.centres(places, predictions, named[0])
        cards = places[self._cast] + self._low
        sizes = np.concatenate((self._plates.sizes(*named), self._card_sizes))
        moved = labels.apart(np.concatenate((names, cards)), sizes, self._area)
        moved_names, cards = np.split(moved, [len(names)])
        # A name elsewhere would say something wrong, so one that finds no room is left out.
        is_far = np.hypot(*(moved_names - names).T) > _FAR * self._area[0]
        moved_names[is_far & ~named[1]] = np.nan
        return [moved_names, cards - self._low]
