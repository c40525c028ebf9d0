"""Loops that show how words are read: one picture per step, seen through the mask of that step."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import RunInfo
from epochreel.experiments.words import strips
from epochreel.experiments.words.alphabet import SIDE, STEPS, lengths
from epochreel.experiments.words.readings import masks, steps

_WORDS = 8
_MARGIN = 20.0  # around each word, px


def draw(run_info: RunInfo, predictions: pa.Table) -> dict[str, list[np.ndarray]]:
    """Draw the loops of `figure.loops`."""
    shown = min(_WORDS, len(run_info.test))
    examples = [run_info.test[i] for i in range(shown)]
    reading = _Reading(
        images=np.stack([example["image"] for example in examples]),
        words=np.stack([example["letters"] for example in examples]),
        step_masks=masks(predictions, list(range(shown))),
        read=steps(predictions, "prediction")[:shown],
    )
    loops = {"reading": reading.loop(np.arange(shown), columns=4, side=200)}
    for word in range(shown):
        loops[f"word-{word + 1}"] = reading.loop(np.array([word]), columns=1, side=280)
    return loops


class _Reading:
    """The readings of some words, with the mask of each step."""

    def __init__(
        self, images: np.ndarray, words: np.ndarray, step_masks: np.ndarray, read: np.ndarray
    ):
        self._images, self._words, self._step_masks, self._read = images, words, step_masks, read
        self._ways = np.where(words == read, strips.RIGHT, strips.WRONG)
        self._taken = np.minimum(lengths(read) + 1, STEPS)  # steps up to the end symbol read

    def loop(self, which: np.ndarray, columns: int, side: float) -> list[np.ndarray]:
        """Draw the loop of the words `which`, (n,), in rows of `columns`."""
        pictures = range(self._taken[which].max() + 1)  # the last one shows the result
        return [self._picture(which, columns, side, step) for step in pictures]

    def _picture(self, which: np.ndarray, columns: int, side: float, step: int) -> np.ndarray:
        slot = side / STEPS
        wide, high = side + 2 * _MARGIN, side + slot + 2 * _MARGIN
        row, column = np.divmod(np.arange(len(which)), columns)
        x, y = column * wide + _MARGIN, row * high + _MARGIN
        canvas = strips.sheet(columns * wide, (row[-1] + 1) * high)
        places = canvas.picture_slots(x, y, side, side, (SIDE, SIDE))
        canvas.put_pictures(places, strips.looks(self._images[which], self._masks(which, step)))
        tiles = strips.sign_tiles(canvas, 0.84 * slot)
        foot = y + side + 4 + slot / 2
        for place in range(min(step + 1, STEPS)):
            is_read = place < self._taken[which]
            numbers = strips.tile_numbers(self._read[which, place], self._ways[which, place])
            stamps = canvas.stamps(x[is_read] + (place + 0.5) * slot, foot[is_read], tiles)
            canvas.put_stamps(stamps, numbers[is_read])
            is_wrong = is_read & (self._ways[which, place] == strips.WRONG)
            middle = x + (place + 0.5) * slot
            self._correct(
                canvas, middle[is_wrong], foot[is_wrong] + slot / 2, which[is_wrong], place
            )
        reads = step < self._taken[which]
        self._mark(canvas, x[reads] + step * slot, foot[reads] + slot / 2, slot)
        return canvas.pixels

    def _masks(self, which: np.ndarray, step: int) -> np.ndarray:
        """Return the mask of each word at a step; an empty one once its reading has ended."""
        current = self._step_masks[which, min(step, STEPS - 1)].copy()
        current[step >= self._taken[which]] = strips.BLANK
        return current

    def _correct(
        self, canvas: Canvas, x: np.ndarray, y: np.ndarray, which: np.ndarray, place: int
    ) -> None:
        """Write the true symbols below wrong ones."""
        for middle, foot, sign in zip(x, y, self._words[which, place], strict=True):
            canvas.text(middle, foot + 8, strips.name(sign), 14, align="centre", middle=True)

    @staticmethod
    def _mark(canvas: Canvas, x: np.ndarray, y: np.ndarray, slot: float) -> None:
        """Underline each symbol being read; x is the left of its slot."""
        for left, foot in zip(x, y, strict=True):
            canvas.rule(left + 6, foot, left + slot - 6, foot, canvas.palette.ink, slot / 12)
