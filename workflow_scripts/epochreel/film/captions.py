"""Captions of a film in words (WebVTT): what its snapshots say, each long enough to be read.

An experiment says of a snapshot's numbers what it will, one sentence (see `sentences`). The times
are those of the film, to the frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from epochreel.core.errors import raise_wrong_result
from epochreel.core.files import atomic_write_bytes
from epochreel.film.timing import film_length, start_time

READABLE = Fraction(3, 2)  # s; for a line whose words stay and whose numbers change


@dataclass(frozen=True)
class Cue:
    """A sentence and when it is shown: from `start` until `end`, in seconds of the film."""

    start: Fraction
    end: Fraction
    sentence: str


def cues(
    times: Sequence[Fraction],
    sentences: Sequence[str],
    minimum_seconds: Fraction | float = READABLE,
) -> list[Cue]:
    """The captions of a film whose snapshot k says `sentences[k]` from `times[k]` on.

    `times` has one entry more, the film's end. A cue says what its first snapshot says and
    stays for at least `minimum_seconds`; the last snapshot has a cue of its own where what is
    left of the film allows that (then, in a short film, the first may be shorter). Raises
    `ValueError` where the numbers of times and sentences do not fit.
    """
    if len(times) != len(sentences) + 1 or not sentences:
        raise ValueError(f"{len(sentences)} sentences need one time more, not {len(times)}")
    starts = _starts(times, sentences, minimum_seconds)
    ends = [times[k] for k in starts[1:]] + [times[-1]]
    return [Cue(times[k], end, sentences[k]) for k, end in zip(starts, ends, strict=True)]


def webvtt(cues: Sequence[Cue]) -> str:
    """The WebVTT file of `cues`, their times cut to the millisecond.

    Cut, not rounded: then at the instant at which a frame appears its own cue holds.
    """
    lines = ["WEBVTT", ""]
    for cue in cues:
        lines += [f"{_clock(cue.start)} --> {_clock(cue.end)}", _plain(cue.sentence), ""]
    return "\n".join(lines)


def check_sentences(sentences: Any, count: int, source: str) -> None:
    """Refuse what is no list of `count` sentences; `source` has given it (`UserError`)."""
    if not isinstance(sentences, list | tuple) or len(sentences) != count:
        raise_wrong_result(source, sentences, f"a list of {count} sentences, one for each snapshot")
    for sentence in sentences:
        if not isinstance(sentence, str):
            raise_wrong_result(source, sentence, "a sentence, as text")


def write_captions(sentences: Sequence[str], target: str | Path, settings: Mapping) -> None:
    """Write the captions of a film to `target`, one sentence for each of its snapshots.

    Reads `seconds_per_snapshot` and `hold_seconds`, as the film does.
    """
    times = [start_time(k, settings) for k in range(len(sentences))]
    times.append(film_length(len(sentences), settings))
    atomic_write_bytes(target, webvtt(cues(times, sentences)).encode())


def _starts(
    times: Sequence[Fraction], sentences: Sequence[str], minimum: Fraction | float
) -> list[int]:
    """The snapshots with which a new cue begins."""
    starts = [0]
    for k in range(1, len(sentences)):
        if sentences[k] != sentences[starts[-1]] and times[k] - times[starts[-1]] >= minimum:
            starts.append(k)
    last = len(sentences) - 1
    if times[-1] - times[last] < minimum:
        return starts[:1] + [k for k in starts[1:] if times[-1] - times[k] >= minimum]
    if sentences[last] != sentences[starts[-1]]:
        before = [k for k in starts[1:] if times[last] - times[k] >= minimum]
        starts = [0, *before, last]
    return starts


def _clock(time: Fraction) -> str:
    milliseconds = int(time * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _plain(sentence: str) -> str:
    """One line that WebVTT takes as text alone."""
    line = " ".join(sentence.split())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
