"""Cues of a film, its captions and chapters: the time of each phase, and its sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from epochreel.film.timing import RATE, Timeline
from epochreel.narration.phases import beginnings


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
