"""Captions of a film (WebVTT): one for each phase, with the phase's sentence.

A frame shows its sentence too. Captions cover that sentence and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from textwrap import wrap

from epochreel.drawing.frame import shape_of
from epochreel.drawing.header import MARGIN, band
from epochreel.drawing.palette import THEMES
from epochreel.film.cues import Cue

_SIZE = 0.035  # of the text, relative to the short side of the film
_LINE = 1.15  # height of a line, and width of a character, relative to the size of the text
_CHARACTER = 0.5
_STYLE = "STYLE\n::cue { font-size: 70%; }\n"  # By default, it is 5 % of the short side.


@dataclass(frozen=True)
class Place:
    """The place of captions in a film of `size` (width, height) in px with the theme `theme`."""

    size: tuple[int, int]
    theme: str = "light"

    def lines(self, sentence: str) -> list[str]:
        """Break a sentence into lines that fit, since Chromium does not wrap styled captions."""
        width, short = self._width - 2 * MARGIN, self._units
        return wrap(sentence, int(width / (_CHARACTER * _SIZE * short)))

    def settings(self, count: int) -> str:
        """Return the settings of a cue of `count` lines, which is centred in the band."""
        high = self._units * self.size[1] / min(self.size)
        top, band_high = band(shape_of(self.size))
        top += (band_high - count * _LINE * _SIZE * self._units) / 2
        left = MARGIN / self._width
        return (
            f"line:{100 * top / high:.1f}% position:{100 * left:.1f}%,line-left "
            f"size:{100 * (1 - 2 * left):.1f}% align:start"
        )

    @property
    def _units(self) -> float:
        return THEMES[self.theme].units

    @property
    def _width(self) -> float:
        return self._units * self.size[0] / min(self.size)


def webvtt(cues: Sequence[Cue], place: Place) -> str:
    """Return the text of a WebVTT file, with times truncated to the millisecond.

    They are not rounded, so that a cue has begun by the time its first frame appears.
    """
    parts = ["WEBVTT", "", _STYLE]
    for cue in cues:
        lines = place.lines(cue.sentence)
        times = f"{_clock(cue.start)} --> {_clock(cue.end)}"
        parts += [f"{times} {place.settings(len(lines))}", *map(_escaped, lines), ""]
    return "\n".join(parts)


def _clock(time: Fraction) -> str:
    milliseconds = int(time * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _escaped(sentence: str) -> str:
    return sentence.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
