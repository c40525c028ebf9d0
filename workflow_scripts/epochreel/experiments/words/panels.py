"""The panels of the word reader's film."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import MARGIN, TOP, caption, group, label, measured, percent
from epochreel.experiments.words import strips
from epochreel.experiments.words.alphabet import END, LONGEST, SIDE, SIGNS, STEPS, counted, letter

SHOWN = 8
"""Number of test words that the film follows."""
LEFT_WIDTH = 1288.0
SECOND = MARGIN + LEFT_WIDTH + 56
"""Left edge of the right column."""
SECOND_WIDTH = 464.0
_PICTURE = 120.0  # three units per pixel of the image


def steps(table: pa.Table, name: str) -> np.ndarray:
    """Return a column of five values per word, (words, 5): a view if the column is contiguous."""
    return evaluations.indices(table[name])


def masks(table: pa.Table, words: int) -> np.ndarray:
    """Return the masks of the first words, uint8 (words, 5, 40, 40), or raise `UserError`."""
    column = table["mask"].slice(0, words).combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    if flat.size != words * STEPS * SIDE * SIDE:
        raise UserError(
            f"an evaluation of {table.num_rows} words lacks masks of the first {words}: "
            "delete it and evaluate the snapshot again"
        )
    return flat.reshape(words, STEPS, SIDE, SIDE)


def ways(words: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Return how each symbol read, (n, 5), is drawn: right, wrong or idle (see `strips`)."""
    return np.where(
        counted(words), np.where(words == read, strips.RIGHT, strips.WRONG), strips.IDLE
    )


class WordStrips:
    """Eight test words, each as five pictures: what the network sees at each step."""

    _gap, _columns, _row = 6.0, 2, 168.0

    def __init__(self, run_info: RunInfo):
        shown = [run_info.test[i] for i in range(min(SHOWN, len(run_info.test)))]
        self._words = np.stack([word["letters"] for word in shown])
        self._images = np.stack([word["image"] for word in shown])[:, None]
        self._idle = ~counted(self._words)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and the true symbols."""
        note = (
            "Green: where the network looks. Below: true letter, letter read, how sure it is. "
            "■: end of word. Boxed: wrong. Pale: after the end"
        )
        caption(canvas, MARGIN, "Test words, read letter by letter", note, LEFT_WIDTH)
        x, y = self._corners()
        foot = y + _PICTURE + 24
        for left, level, sign, idle in zip(
            x, foot, self._words.ravel(), self._idle.ravel(), strict=True
        ):
            if idle:
                continue
            if sign == END:
                strips.put_end(canvas, left + 14, level, 12, palette.QUIET)
            else:
                name = letter(sign)
                canvas.text(left + 14, level, name, 20, palette.QUIET, align="centre", middle=True)
        self._pictures = canvas.places(x, y, _PICTURE, _PICTURE, (SIDE, SIDE))
        self._signs = canvas.stamps(x + 48, foot, strips.sign_tiles(canvas, 36, 36))
        self._shares = canvas.stamps(x + 93, foot, strips.percent_tiles(canvas, 54, 30))

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw what the network sees and reads at each step."""
        table = frame_data.predictions.slice(0, len(self._words))
        shown_masks = masks(table, len(self._words))
        seen = strips.looks(self._images, shown_masks, self._idle)
        canvas.put_pictures(self._pictures, seen.reshape(-1, SIDE, SIDE, 3))
        read, probability = steps(table, "prediction"), steps(table, "probability")
        tiles = strips.tile_numbers(read, ways(self._words, read))
        canvas.put_stamps(self._signs, tiles.ravel())
        canvas.put_stamps(self._shares, strips.percents(probability, ~self._idle).ravel())

    def _corners(self) -> tuple[np.ndarray, np.ndarray]:
        """Return left and top of each picture, word by word, (words · 5,) each."""
        word, step = np.divmod(np.arange(self._words.size), STEPS)
        row, column = np.divmod(word, self._columns)
        wide = STEPS * (_PICTURE + self._gap) - self._gap
        left = MARGIN + column * (LEFT_WIDTH - wide) + step * (_PICTURE + self._gap)
        return left, TOP + row * self._row


class ConfusionMatrix:
    """A cell per true symbol (row) and symbol read (column), shaded by how often that happens."""

    _cell = 15.0
    _left = SECOND + 24

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the labels and the legend."""
        note = "Row: true letter. Column: letter read"
        caption(canvas, SECOND, "Confusion matrix", note, SECOND_WIDTH)
        side = SIGNS * self._cell
        self._place = canvas.places([self._left], [TOP], side, side, (SIGNS, SIGNS))
        for sign in range(SIGNS):
            along = (sign + 0.5) * self._cell
            self._label(canvas, self._left - 12, TOP + along, sign)
            self._label(canvas, self._left + along, TOP + side + 12, sign)
        self._key(canvas, TOP + side + 42)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the matrix."""
        rates = reading_rates(
            steps(frame_data.predictions, "letters"), steps(frame_data.predictions, "prediction")
        )
        canvas.put_pictures(self._place, shades(rates)[None])

    def _label(self, canvas: Canvas, x: float, y: float, sign: int) -> None:
        if sign == END:
            strips.put_end(canvas, x, y, 8, palette.INK)
        else:
            canvas.text(x, y, letter(sign), 14, align="centre", middle=True)

    def _key(self, canvas: Canvas, y: float) -> None:
        x = SECOND
        x += canvas.text(x, y, "share of row", 18, palette.QUIET, middle=True) + 16
        for share, name in ((0.0, "0"), (0.05, "5"), (0.25, "25"), (1.0, "100 %")):
            right, wrong = shades(np.full((2, 2), share))[0]
            for colour in (right, wrong) if share else (wrong,):
                canvas.rule(x + 9, y, x + 9, y, tuple(colour), 18)
                x += 18
            x += 6 + canvas.text(x + 6, y, name, 18, palette.QUIET, middle=True) + 14


def reading_rates(words: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Return how often each true symbol (row) is read as each symbol (column), (27, 27), 0 … 1.

    `words` and `read` are (n, 5). Symbols after the end do not count; the row of a symbol that
    does not occur is 0.
    """
    rows, places = _rows(words.tobytes())
    counts = np.bincount(rows + read.ravel()[places], minlength=SIGNS**2).reshape(SIGNS, SIGNS)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


@lru_cache(2)
def _rows(words: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return 27 times each symbol that counts, and its index in the flat array, (k,) each.

    Cached, since all frames show the same test set.
    """
    signs = np.frombuffer(words, np.uint8).reshape(-1, STEPS)
    places = np.flatnonzero(counted(signs))
    return signs.ravel()[places].astype(np.intp) * SIGNS, places


def shades(rates: np.ndarray) -> np.ndarray:
    """Return fractions (n, n) as colours, uint8 (n, n, 3): the diagonal blue, the rest vermilion.

    The strength of a colour is the square root of the fraction, so that rare mistakes are visible.
    """
    strength = np.sqrt(rates)[..., None]
    full = np.where(
        np.eye(len(rates), dtype=bool)[..., None], np.array(palette.RIGHT), np.array(palette.WRONG)
    )
    return np.rint(palette.SLOT + strength * (full - palette.SLOT)).astype(np.uint8)


class PositionBars:
    """Accuracy at each letter position of a word, and at its end."""

    _metrics = (*(f"place_{place + 1}" for place in range(LONGEST)), "end")
    _y, _wide, _high = 716.0, 72.0, 84.0

    def __init__(self, run_info: RunInfo):
        self._title = group(run_info, self._metrics[0])
        self._names = [label(run_info, name) for name in self._metrics]

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the labels and the empty bars."""
        canvas.text(SECOND, self._y - 20, self._title, 26, weight="bold", fit=SECOND_WIDTH)
        pitch = (SECOND_WIDTH - self._wide) / (len(self._names) - 1)
        left = SECOND + np.arange(len(self._names)) * pitch
        self._middle = left + self._wide / 2
        for x, name in zip(self._middle, self._names, strict=True):
            foot = self._y + self._high + 26
            canvas.text(x, foot, name, 20, palette.QUIET, align="centre", fit=pitch - 8)
        top = np.full(len(left), self._y)
        self._bars = canvas.bars(left, top, self._wide, self._high, palette.RIGHT)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the bars and their percentages."""
        shares = np.array([measured(frame_data, name)[-1] for name in self._metrics])
        canvas.fill_bars(self._bars, shares)
        for x, share in zip(self._middle, shares, strict=True):
            foot = self._y + self._high + 52
            canvas.text(x + self._wide / 2, foot, percent(share), 20, weight="bold", align="right")
