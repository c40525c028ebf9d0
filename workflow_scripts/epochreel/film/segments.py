"""Segments of a film: the pictures that each shows, and for how many film frames.

A segment begins with the tweens that lead to its first snapshot, and ends before those that lead to
the next segment. The end of the film, the hold of the last frame and the closing picture, is a
separate segment. A segment therefore does not depend on which snapshot is the last one, unless the
pace does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from epochreel.artifacts.frames import FrameSequence
from epochreel.core.log import log
from epochreel.film import timing
from epochreel.film.timing import Timeline, tween_numbers
from epochreel.provenance import keys


@dataclass(frozen=True)
class Span:
    """The film frames of a snapshot: one per tween before it, then `frames` of the snapshot itself.

    `tweens` are positions in the snapshot's transitions.
    """

    tweens: Sequence[int]
    frames: int


@dataclass(frozen=True)
class Segment:
    """Consecutive film frames from `start` on: the spans of snapshots, then the closing picture."""

    start: int
    spans: Sequence[Span]
    closing: int = 0

    @property
    def length(self) -> int:
        """The number of film frames."""
        return sum(len(span.tweens) + span.frames for span in self.spans) + self.closing

    def pictures(self, sequence: FrameSequence) -> Iterator[tuple[bytes, int]]:
        """Yield each picture as a PNG, with the number of film frames for which it is shown.

        Log each snapshot when its pictures have been taken, that is, when ffmpeg has read them.
        Raises `UserError` for a file of `sequence` that is not complete.
        """
        for position, span in enumerate(self.spans):
            tweens = sequence.transitions_before(position) if span.tweens else []
            yield from ((tweens[number], 1) for number in span.tweens)
            if span.frames:
                yield sequence.frame(position), span.frames
            progress = {"snapshot": sequence.first + position}
            log.debug("%s", sequence.frames[position], extra={"progress": progress})
        if self.closing:
            yield sequence.closing_picture(), self.closing


def of_film(times: Timeline, tweens: int) -> Segment:
    """Return the whole film as one segment; `tweens` is the number drawn before each snapshot."""
    return Segment(0, _spans(times, 0, len(times.frames), tweens), times.closing)


def of_snapshots(times: Timeline, first: int, count: int, tweens: int) -> Segment:
    """Return the segment of `count` snapshots from `first` on.

    `times` is `even_times`, or the timeline `without_end`.
    """
    start = _starts(times)[first] - len(_tweens_before(times, first, tweens))
    return Segment(start, _spans(times, first, count, tweens))


def of_end(times: Timeline, last: int, tweens: int, settings: Mapping) -> Segment:
    """Return the end of the film: the hold of the snapshot `last`, and the closing picture.

    The hold includes the time that tweens to a next snapshot would take. `times` is as for
    `of_snapshots`. Reads `hold_seconds` and `closing_seconds`.
    """
    before = len(_tweens_before(times, last + 1, tweens))
    hold = Span((), before + timing.hold_frames(settings))
    return Segment(_starts(times)[last + 1] - before, [hold], timing.closing_frames(settings))


def even_times(snapshots: int, settings: Mapping) -> Timeline:
    """Return the times of `snapshots` in an evenly paced film, as if another snapshot followed.

    Reads `seconds_per_snapshot` and `opening_seconds`.
    """
    return timing.even(snapshots + 1, {**settings, "hold_seconds": 0, "closing_seconds": 0})


def without_end(times: Timeline, settings: Mapping) -> Timeline:
    """Return a timeline without the hold and the closing picture. Reads `hold_seconds`."""
    *frames, last = times.frames
    return Timeline([*frames, last - timing.hold_frames(settings)])


def digest(segment: Segment, checksums: Sequence[str], made_with: Mapping) -> str:
    """Return a digest of everything that determines a segment's bytes.

    `checksums` are those of its pictures' files; `made_with` are settings, code and versions. The
    position in the film is not included.
    """
    spans = [[list(span.tweens), span.frames] for span in segment.spans]
    return keys.digest([spans, segment.closing, checksums, made_with])


def _starts(times: Timeline) -> list[int]:
    """Return the film frame at which each snapshot's own frame appears, and the end."""
    return list(accumulate(times.frames, initial=0))


def _spans(times: Timeline, first: int, count: int, tweens: int) -> list[Span]:
    before = [_tweens_before(times, first + k, tweens) for k in range(count + 1)]
    frames = times.frames[first : first + count]
    return [
        Span(shown, time - len(after))
        for (shown, after), time in zip(pairwise(before), frames, strict=True)
    ]


def _tweens_before(times: Timeline, snapshot: int, tweens: int) -> Sequence[int]:
    """Return the tweens that lead to a snapshot; none if it is the first or does not exist."""
    if not 0 < snapshot < len(times.frames):
        return ()
    return tween_numbers(tweens, times.frames[snapshot - 1])
