"""Captions of a film (WebVTT), and its chapters: one for each phase, with the phase's sentence.

A frame shows its sentence too. Captions lie over that sentence and cover nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from epochreel.film.timing import RATE, Timeline
from epochreel.narration.phases import beginnings

# The band of the sentence in a frame, in percent of its width and height.
_PLACE = "line:6% position:3%,line-left size:94% align:start"


@dataclass(frozen=True)
class Cue:
    """A sentence, shown from `start` until `end`, in seconds of the film."""

    start: Fraction
    end: Fraction
    sentence: str


def cues(times: Timeline, sentences: Sequence[str]) -> list[Cue]:
    """Return a cue per phase of a film whose snapshots have these sentences.

    The last one ends before the closing picture, which shows sentences of its own. Raises
    `ValueError` if the numbers of snapshots do not match.
    """
    if len(times.frames) != len(sentences):
        raise ValueError(f"{len(sentences)} sentences do not match {len(times.frames)} snapshots")
    firsts = [*times.first_frames(), times.length - times.closing]
    phases = pairwise([*beginnings(sentences), len(sentences)])
    return [
        Cue(Fraction(firsts[k], RATE), Fraction(firsts[end], RATE), sentences[k])
        for k, end in phases
    ]


def webvtt(cues: Sequence[Cue]) -> str:
    """Return the text of a WebVTT file, with times truncated to the millisecond.

    They are not rounded, so that a cue has begun by the time its first frame appears.
    """
    lines = ["WEBVTT", ""]
    for cue in cues:
        times = f"{_clock(cue.start)} --> {_clock(cue.end)}"
        lines += [f"{times} {_PLACE}", _escaped(cue.sentence), ""]
    return "\n".join(lines)


def _clock(time: Fraction) -> str:
    milliseconds = int(time * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _escaped(sentence: str) -> str:
    return sentence.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
