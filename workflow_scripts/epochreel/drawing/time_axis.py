"""The time axis of curves: epochs, steps or examples, linear or logarithmic.

Unless its end is set, it depends only on the frame's own position, never on the length of the run,
so that extending a run redraws no frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from epochreel.drawing import text

_NAMES = {"epochs": "epoch", "steps": "step", "examples": "seen"}  # as in "pages seen"
_ARRAYS = {"epochs": "epoch", "steps": "step", "examples": "examples"}
_GAP = 1.5  # between two labels, relative to the text size


def next_round(value: float) -> int:
    """Return the smallest of 1, 2, 5 · 10^n, n ≥ 0, that is at least `value`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= value:
                return factor * power
        power *= 10


def ticks(end: float, most: int = 6) -> np.ndarray:
    """Return at most `most` round numbers from 0 to `end`."""
    power = 10.0 ** np.floor(np.log10(end / most))
    # The smallest step of 1, 2 or 5 times a power of ten that yields few enough numbers.
    step = next(s * power for s in (1, 2, 5, 10, 20) if end / (s * power) <= most - 1)
    return np.arange(int(end / step + 1e-9) + 1) * step  # 1e-9: a quotient may be rounded down


@dataclass(frozen=True)
class TimeAxis:
    """The unit (epochs, steps or examples), the scale (linear or log) and the ends of the axis.

    `start` is the left end of a logarithmic axis, where the untrained network is shown too. `end`
    is the right end, or None for the next round number at or above the position of the frame.
    """

    unit: str = "epochs"
    scale: str = "linear"
    start: float = 1.0
    end: float | None = None

    @property
    def name(self) -> str:
        """The name of the unit, as it is drawn at the axis."""
        return _NAMES[self.unit]

    def positions(self, history: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the positions of all snapshots so far, (n,), in the unit of the axis."""
        return np.asarray(history[_ARRAYS[self.unit]], float)

    def end_at(self, position: float) -> float:
        """Return the right end of the axis of a frame at `position`."""
        if self.end is not None:
            return self.end
        end = next_round(position)
        return end if self.scale == "linear" else max(end, 2 * self.start)

    def shares(self, positions: np.ndarray, end: float) -> np.ndarray:
        """Return positions along the axis, from 0 (left end) to 1 (right end)."""
        if self.scale == "linear":
            return positions / end
        return np.log(np.maximum(positions, self.start) / self.start) / np.log(end / self.start)

    @property
    def first(self) -> str:
        """The label at the left end."""
        return "0" if self.scale == "linear" else f"{self.start:.10g}"

    def labels(self, end: float, width: float, size: float) -> list[tuple[float, str]]:
        """Return the position and the label of each tick: as many as fit into `width`."""
        for values in self._candidates(end):
            shown = [f"{value:,.10g}" for value in values]
            places = width * self.shares(np.asarray(values, float), end)
            wide = np.array([size * text.width(label) for label in shown])
            if (np.diff(places) >= (wide[1:] + wide[:-1]) / 2 + _GAP * size / 2).all():
                break
        return list(zip(values, shown, strict=True))

    def _candidates(self, end: float) -> list[list[float]]:
        """Return candidate lists of ticks, the longest first."""
        if self.scale == "linear":
            found = (ticks(end, most).tolist() for most in (6, 5, 4, 3, 2))
            # Steps and examples have no fractions.
            return [[v for v in vs if self.unit == "epochs" or v % 1 == 0] for vs in found]
        first = round(np.log10(self.start))
        powers = [10.0**n for n in range(first, 20) if 10.0**n <= end * (1 + 1e-9)]
        between = [f * p for p in powers for f in (1, 2, 5) if f * p <= end * (1 + 1e-9)]
        few = [between] if len(powers) <= 2 else []
        return [*few, *(powers[::every] for every in range(1, len(powers) + 1))]
