"""Captions of a film (WebVTT): one sentence per snapshot, each shown long enough to be read.

The sentences come from the experiment or from `sentences`. Times are exact to the film frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from epochreel.core.errors import raise_wrong_result
from epochreel.core.files import atomic_write_bytes
from epochreel.film.timing import Timeline

READABLE = Fraction(3, 2)  # s; enough for a sentence of which only the numbers change


@dataclass(frozen=True)
class Cue:
    """A sentence, shown from `start` until `end`, in seconds of the film."""

    start: Fraction
    end: Fraction
    sentence: str


def cues(
    times: Sequence[Fraction],
    sentences: Sequence[str],
    minimum_seconds: Fraction | float = READABLE,
) -> list[Cue]:
    """Return the cues of a film that shows snapshot k, with `sentences[k]`, from `times[k]` on.

    `times` has one more entry, the end of the film. A cue shows the sentence of its first snapshot
    for at least `minimum_seconds`. The last snapshot has a separate cue if the rest of the film is
    long enough; in a short film, this may shorten the first cue. Raises `ValueError` if the numbers
    of times and sentences do not match.
    """
    if len(times) != len(sentences) + 1 or not sentences:
        raise ValueError(
            f"{len(sentences)} sentences need {len(sentences) + 1} times, not {len(times)}"
        )
    starts = _starts(times, sentences, minimum_seconds)
    ends = [times[k] for k in starts[1:]] + [times[-1]]
    return [Cue(times[k], end, sentences[k]) for k, end in zip(starts, ends, strict=True)]


def webvtt(cues: Sequence[Cue]) -> str:
    """Return the text of a WebVTT file, with times truncated to the millisecond.

    They are not rounded, so that a cue has begun by the time its first frame appears.
    """
    lines = ["WEBVTT", ""]
    for cue in cues:
        lines += [f"{_clock(cue.start)} --> {_clock(cue.end)}", _plain(cue.sentence), ""]
    return "\n".join(lines)


def check_sentences(sentences: Any, count: int, source: str) -> None:
    """Raise `UserError` unless `sentences`, returned by `source`, is a list of `count` strings."""
    if not isinstance(sentences, list | tuple) or len(sentences) != count:
        raise_wrong_result(source, sentences, f"a list of {count} sentences, one for each snapshot")
    for sentence in sentences:
        if not isinstance(sentence, str):
            raise_wrong_result(source, sentence, "a sentence, as a string")


def write_captions(sentences: Sequence[str], times: Timeline, target: str | Path) -> None:
    """Write the captions of a film to `target`, given one sentence per snapshot."""
    atomic_write_bytes(target, webvtt(cues(times.times(), sentences)).encode())


def _starts(
    times: Sequence[Fraction], sentences: Sequence[str], minimum: Fraction | float
) -> list[int]:
    """Return the snapshots at which a new cue begins."""
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
    """Return a sentence as one line without markup, escaped for WebVTT."""
    line = " ".join(sentence.split())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
