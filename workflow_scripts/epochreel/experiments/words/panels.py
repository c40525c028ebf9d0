"""The panels of the word reader's film."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels.heading import heading
from epochreel.experiments.words import strips
from epochreel.experiments.words.alphabet import END, SIDE, SIGNS, STEPS, counted, letter, text
from epochreel.experiments.words.masked_words import MASKED
from epochreel.experiments.words.readings import (
    examples,
    masks,
    named_letters,
    named_words,
    reading_counts,
    steps,
)

_SMALL = 27.0  # size of a true letter or word next to a wrong one; explanations are smaller
_TILE, _LEAST_TILE = 0.4, 44.0  # side of a sign, relative to its picture, and at least
_SPACE = 22.0  # between pictures
_LINE = 16.0  # between words
_GAP = 48.0  # between columns of words
READ = 232.0  # width of the word that is read, and of the space before it
_WORD_ROWS = 18  # of a picture that show a word, on the closing picture
_APART = 24.0  # between the last sign and the word that is read
_AROUND = 7.0  # from a row to the frame around it
_NAMES = ("1st look", "2nd look", "3rd look", "4th look", "5th look")


class _Rows(NamedTuple):
    """The arrangement of words, each with a row of pictures and the word that is read."""

    columns: int  # of words
    side: float  # of a picture
    tile: float  # side of the sign that is read
    is_below: bool  # the sign is below its picture, not beside it
    pitch: float  # from a picture to the next
    row: float  # from a word to the next one below


def arrangement(width: float, height: float, words: int) -> _Rows:
    """Return the arrangement with the largest pictures."""
    found = []
    for columns in (1, 2, 3):
        row = height / -(-words // columns)
        wide = (width + _GAP) / columns - _GAP - READ
        for is_below in (False, True):
            across, down = wide / STEPS - _SPACE, row - _LINE
            # The picture and its sign share the height or the width.
            down, across = (_shared(down), across) if is_below else (down, _shared(across))
            side = max(min(across, down), 1.0)
            tile = max(_TILE * side, _LEAST_TILE)
            if not is_below:  # The true sign is below a wrong one.
                tile = max(min(tile, (row - _LINE - 4) / 2), 1.0)
            pitch = side + _SPACE + (0 if is_below else tile)
            found.append(_Rows(columns, side, tile, is_below, pitch, row))
    return max(found, key=lambda rows: rows.side)


def _shared(length: float) -> float:
    """Return the side of a picture that has to share `length` with its sign."""
    return min(length / (1 + _TILE), length - _LEAST_TILE)


def cast(run_info: RunInfo) -> list[int]:
    """Return the numbers of the test words that the film shows."""
    if run_info.examples is not None:
        return list(run_info.examples)
    first = range(min(MASKED, len(run_info.test)))
    return examples(np.stack([run_info.test[number]["letters"] for number in first]))


class Words:
    """Test words: where the network looks at each step, the letter it reads there, and the word.

    Steps end with the true word: one for each letter and, if there is room, one for its end.
    """

    def __init__(self, run_info: RunInfo):
        self._numbers = cast(run_info)
        shown = [run_info.test[number] for number in self._numbers]
        self._words = np.stack([word["letters"] for word in shown])
        self._images = np.stack([word["image"] for word in shown])
        self._word, self._step = np.nonzero(counted(self._words))

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and find the places of pictures and signs."""
        note = "Green: where it looks. Orange box: wrong; true letter beside it. Frame: named above"
        body = heading(canvas, "Where it looks, letter by letter", note)
        head = 40.0
        labels = body.region(_AROUND, 0, body.width - 2 * _AROUND, head)
        self.body = body.region(_AROUND, head, labels.width, body.height - head - _AROUND)
        self._frames = body.region(0, head - _AROUND, body.width, body.height - head + _AROUND)
        self.rows = rows = arrangement(self.body.width, self.body.height, len(self._words))
        column, line = np.divmod(np.arange(len(self._words)), -(-len(self._words) // rows.columns))
        self._wide = (self.body.width + _GAP) / rows.columns
        self._left, self._top = column * self._wide, line * rows.row
        is_narrow = rows.pitch < labels.measure(_NAMES[0], 24) + 12
        for left in np.unique(self._left):
            for step, name in enumerate(_NAMES):
                name = name.split()[0] if is_narrow else name
                labels.text(left + step * rows.pitch, 24, name, 24, labels.palette.quiet)
            labels.text(self._read_at(left), 24, "it reads", 24, labels.palette.quiet)
        self._place_marks()

    def _read_at(self, left: float) -> float:
        return left + STEPS * self.rows.pitch + _APART

    def _place_marks(self) -> None:
        rows, canvas = self.rows, self.body
        x = self._left[self._word] + self._step * rows.pitch
        y = self._top[self._word]
        self._pictures = canvas.picture_slots(x, y, rows.side, rows.side, (SIDE, SIDE))
        half = rows.tile / 2
        if rows.is_below:
            x, y, across, down = x + half, y + rows.side + 6 + half, rows.tile + 4, 0.0
        else:
            x, y, across, down = x + rows.side + 6 + half, y + half, 0.0, rows.tile + 4
        self._signs = canvas.stamps(x, y, strips.sign_tiles(canvas, rows.tile))
        self._truths = canvas.stamps(x + across, y + down, _truth_tiles(canvas, rows.tile))

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw what the network sees and reads at each step, and the words that it reads."""
        looked = masks(frame_data.predictions, self._numbers)[self._word, self._step]
        seen = strips.looks(self._images[self._word], looked)
        self.body.put_pictures(self._pictures, seen)
        read = steps(frame_data.predictions, "prediction")[self._numbers]
        true, signs = (each[self._word, self._step] for each in (self._words, read))
        is_right = true == signs
        ways = np.where(is_right, strips.RIGHT, strips.WRONG)
        self.body.put_stamps(self._signs, strips.tile_numbers(signs, ways))
        self.body.put_stamps(self._truths, np.where(is_right, SIGNS, true))
        self._draw_frames(frame_data.sentence)
        for left, top, word, answer in zip(self._left, self._top, self._words, read, strict=True):
            self._draw_word(self._read_at(left), top, word, answer)

    def _draw_frames(self, sentence: str) -> None:
        """Draw a frame around the words that the sentence names."""
        words = list(map(text, self._words))
        wide, high = self._wide - _GAP + 2 * _AROUND, self.rows.row - _LINE + 2 * _AROUND
        for row in np.flatnonzero(named_words(sentence, words)):
            place = self._left[row], self._top[row], wide, high
            self._frames.frame(*place, self._frames.palette.ink, 4)

    def _draw_word(self, x: float, top: float, true: np.ndarray, read: np.ndarray) -> None:
        word, answer = text(true), text(read)
        if len(answer) > (room := int(counted(true[None]).sum())):
            answer = f"{answer[:room]}…"  # Only these looks are shown.
        canvas, side = self.body, self.rows.side
        size = min(max(0.42 * side, 32), 60)
        middle = top + 0.5 * size
        if word == answer:
            style = {"colour": canvas.palette.right, "weight": "bold"}
        else:
            style = {"colour": canvas.palette.wrong}
            below = middle + 0.5 * size + 0.8 * _SMALL + 8
            canvas.text(x, below, f"should be {word}", _SMALL, fit=READ - _APART)
        canvas.text(x, middle, answer or "nothing", size, middle=True, fit=READ - _APART, **style)


def _truth_tiles(canvas: Canvas, side: float) -> list[Canvas]:
    """Return a tile of each true sign, and an empty one, number 27."""
    tiles = []
    for sign in range(SIGNS + 1):
        tile = canvas.tile(side, side)
        if sign < SIGNS:
            size = max(0.6 * side, _SMALL)
            strips.put_sign(tile, sign, size, canvas.palette.ink, "regular")
        tiles.append(tile)
    return tiles


class Alphabet:
    """For each letter, a bar for how often it is read correctly, and its most frequent mistake."""

    _often = 0.02  # the smallest share of a letter's readings that is shown as a mistake

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the letters and the empty bars."""
        note = 'Bar: how often right. Box: what it reads instead (empty: "end"). Frame: named above'
        body = heading(canvas, "Each letter of the alphabet", note)
        columns, row = _cells(body.width, body.height)
        line, column = np.divmod(np.arange(END), columns)
        high = min(row - 8, 56.0)
        x, y = column * (body.width / columns), line * row
        for left, top, sign in zip(x, y, range(END), strict=True):
            style = {"weight": "bold", "align": "centre", "middle": True}
            body.text(left + 35, top + high / 2, letter(sign), 30, **style)
        self._bars = body.bars(x, y, 14, high)
        side = min(high, 36.0)
        tiles = strips.sign_tiles(body, side)[strips.WRONG * SIGNS :][:END]
        self._mistakes = body.stamps(
            x + 57 + side / 2,
            y + high / 2,
            [*tiles, strips.wrong_tile(body, side), body.tile(side, side)],
        )
        self._x, self._y, self._high = x, y, high
        self._canvas = body

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Fill the bars and draw the mistakes."""
        table = frame_data.predictions
        counts = reading_counts(steps(table, "letters"), steps(table, "prediction"))
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        signs = np.arange(END)
        self._canvas.fill_bars(self._bars, shares[signs, signs])
        shares[signs, signs] = 0  # only mistakes
        shown = np.where(shares.max(1) >= self._often, shares.argmax(1), SIGNS)
        self._canvas.put_stamps(self._mistakes, shown)
        for sign in named_letters(frame_data.sentence):
            place = self._x[sign] + 18, self._y[sign] - 3, 36, self._high + 6
            self._canvas.frame(*place, self._canvas.palette.ink, 4)


def _cells(width: float, height: float) -> tuple[int, float]:
    """Return the number of columns for the letters, and the height of a row."""
    columns = max(int(width // 96), 1)
    return columns, height / -(-END // columns)


class Misread:
    """The closing picture's panel: words that it misreads, as pictures, with answer and truth.

    Those that the film shows come first. If no word is wrong, it shows words that are right.
    """

    _most = 4

    def __init__(self, run_info: RunInfo):
        self._test, self._cast = run_info.test, cast(run_info)
        self._is_plain = run_info.data.get("background", "none") == "none"

    def draw_static(self, canvas: Canvas) -> None:
        """Draw nothing: which words are wrong is not known yet."""

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw up to four words, in rows of two or, if the panel is low, of four."""
        words, read = (steps(frame_data.predictions, name) for name in ("letters", "prediction"))
        wrong = np.flatnonzero(((words != read) & counted(words)).any(1)).tolist()
        known = [number for number in self._cast if number in wrong]
        shown = [*known, *(number for number in wrong if number not in known)] or self._cast
        body = heading(canvas, "Words that it still misreads" if wrong else "Words that it reads")
        columns = 2 if body.width < 2.2 * body.height else self._most
        wide, high = body.width / columns, body.height / (self._most // columns)
        for place, number in enumerate(shown[: self._most]):
            line, column = divmod(place, columns)
            cell = body.region(column * wide, line * high, wide - _SPACE, high - _LINE)
            image = self._test[number]["image"]
            part = part_with_word(image) if self._is_plain else image
            seen = strips.looks(part, np.zeros_like(part))
            _draw_reading(cell, seen, text(words[number]), text(read[number]))


def _draw_reading(canvas: Canvas, seen: np.ndarray, word: str, answer: str) -> None:
    """Draw a word's picture, and below it what is read and what it should be."""
    line, (rows, columns) = 46.0, seen.shape[:2]
    side = max(min(canvas.width, (canvas.height - 2 * line - 6) * columns / rows), 1.0)
    high = side * rows / columns
    slots = canvas.picture_slots(np.zeros(1), np.zeros(1), side, high, (rows, columns))
    canvas.put_pictures(slots, seen[None])
    colour = canvas.palette.right if word == answer else canvas.palette.wrong
    fit, base = canvas.width, high + 0.9 * line
    canvas.text(0, base, f"reads {answer or 'nothing'}", 38, colour, "bold", fit=fit)
    if word != answer:
        canvas.text(0, base + 0.9 * line, f"should be {word}", 34, fit=fit)


def part_with_word(image: np.ndarray) -> np.ndarray:
    """Return the rows of a picture without a background that show its word, (18, 40)."""
    energy = (image.astype(float) ** 3).sum(1)  # noise is less bright than letters
    sums = np.convolve(energy, np.ones(_WORD_ROWS), "valid")
    # A word is less high: of the places that show all of it, the middle one.
    places = np.flatnonzero(sums > sums.max() - 0.02 * energy.sum())
    top = round(float(places.mean()))
    return image[top : top + _WORD_ROWS]
