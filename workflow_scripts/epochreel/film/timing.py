"""Timing of a film: when each snapshot appears and for how many film frames.

`even` shows all snapshots for the same time. `by_change` divides a given length in proportion to
weights such as those of `change`. The module needs no packages, since planning checks times too.

Film settings are a mapping; each function reads only the keys that its docstring names.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise

from epochreel.core.errors import UserError
from epochreel.narration.phases import causal_median

RATE = 24  # frames per second of all films
SENTENCE_FRAMES = 2 * RATE
"""The fewest film frames for which a sentence is shown, so that it can be read."""
_TOLERANCE = Fraction(1, 50)  # of a frame, so that three decimals of a second suffice
# Smallest weight, relative to the largest: snapshots without a change share the time that remains
# when all others have reached their maximum.
_LEAST_WEIGHT = 1e-9
_UNIT = 1 << 32  # parts of a film frame; integers, so that sums are exact
_LARGEST = 2e15  # frames: a scale at which the smallest weight reaches every maximum


@dataclass(frozen=True)
class Timeline:
    """The film frames of each snapshot, in order, and those of the closing picture at the end.

    The time of a snapshot begins with its own frame and ends before that of the next one. The first
    includes the opening, the last the hold.
    """

    frames: Sequence[int]
    closing: int = 0

    @property
    def length(self) -> int:
        """The number of frames of the film."""
        return sum(self.frames) + self.closing

    def first_frames(self) -> list[int]:
        """Return the film frame at which each snapshot's own frame appears."""
        return list(accumulate(self.frames, initial=0))[:-1]

    def times(self) -> list[Fraction]:
        """Return the exact time in seconds at which each snapshot appears, and the film's end."""
        return [Fraction(frame, RATE) for frame in (*self.first_frames(), self.length)]


def even(snapshots: int, settings: Mapping) -> Timeline:
    """Return the timeline of a film that shows all snapshots for the same time.

    Reads `seconds_per_snapshot` and the holds. Raises `UserError` as `frames_per_snapshot` does.
    """
    return _with_holds([frames_per_snapshot(settings)] * snapshots, settings)


def by_change(
    weights: Sequence[float], settings: Mapping, beginnings: Sequence[int] = ()
) -> Timeline:
    """Return the timeline of a film of `seconds`, holds included, for one weight per snapshot.

    Times are proportional to the weights (finite, ≥ 0), but at least one film frame and at most
    `max_seconds_per_snapshot`; equal weights, even zeros, get equal times. A phase begins
    at each of `beginnings`: its snapshots last at least `SENTENCE_FRAMES` together, holds included,
    even if one of them then exceeds that maximum. If these bounds make the length
    impossible, the film is longer (all at their minimum) or shorter (all at the maximum). Also
    reads the holds. Raises `UserError` as `frames_to_share` does.
    """
    most = max(round(_film_frames(settings, "max_seconds_per_snapshot")), 1)
    peak = max(weights) or 1.0
    relative = [max(weight / peak, _LEAST_WEIGHT) for weight in weights]
    ends = *beginnings, len(weights)
    phases = [
        _Phase(
            relative[first:end],
            most,
            SENTENCE_FRAMES
            - opening_frames(settings) * (first == 0)
            - hold_frames(settings) * (end == len(weights)),
        )
        for first, end in pairwise(ends)
    ]
    return _with_holds(
        _shares(phases or [_Phase(relative, most, 0)], frames_to_share(settings)), settings
    )


def change(metrics: Sequence[Sequence[float]], snapshots: int) -> list[float]:
    """Return each snapshot's weight: the change of the metrics since the previous snapshot.

    `metrics` holds the values of each metric, one for each of `snapshots` snapshots. Changes are
    differences of the median over a snapshot and the four before it, in absolute units, summed over
    the metrics. Values that are not finite are ignored; a metric without finite values counts as
    unchanged.
    """
    weights = [0.0] * snapshots
    for values in metrics:
        for k, (before, after) in enumerate(pairwise(causal_median(values)), 1):
            weights[k] = min(weights[k] + _difference(before, after), sys.float_info.max)
    return weights


def tween_numbers(drawn: int, frames: int) -> list[int]:
    """Return which of the `drawn` tweens, from 0, the film shows: those that fit, evenly spaced.

    `frames` are the film frames of the snapshot before them, of which it keeps one for itself.
    """
    shown = min(drawn, frames - 1)
    return [(2 * k * (drawn + 1) + shown + 1) // (2 * (shown + 1)) - 1 for k in range(1, shown + 1)]


def frames_per_snapshot(settings: Mapping) -> int:
    """Return the number of film frames for which each snapshot is shown, at least 1.

    Reads `seconds_per_snapshot`. Raises `UserError` unless it is a multiple of 1/24 s, to a
    fiftieth of a frame, so that 0.042 and 0.333 are accepted for 1/24 and 1/3.
    """
    frames = _film_frames(settings, "seconds_per_snapshot")
    rounded = round(frames)
    if rounded < 1 or abs(frames - rounded) > _TOLERANCE:
        nearest = max(rounded, 1)
        raise UserError(
            f"seconds_per_snapshot is {settings['seconds_per_snapshot']}; expected a multiple of "
            f"1/{RATE} s, such as {nearest / RATE:.4g} ({nearest}/{RATE} s)"
        )
    return rounded


def opening_frames(settings: Mapping) -> int:
    """Return the number of extra film frames for snapshot 0. Reads `opening_seconds`."""
    return _extra_frames(settings, "opening_seconds")


def hold_frames(settings: Mapping) -> int:
    """Return the number of extra film frames for the last snapshot. Reads `hold_seconds`."""
    return _extra_frames(settings, "hold_seconds")


def closing_frames(settings: Mapping) -> int:
    """Return the number of film frames of the closing picture. Reads `closing_seconds`."""
    return _extra_frames(settings, "closing_seconds")


def has_end(settings: Mapping, tweens: int) -> bool:
    """Return whether a film continues after the segments of its snapshots.

    Reads `pace`, `seconds_per_snapshot`, `hold_seconds` and `closing_seconds`.
    """
    if hold_frames(settings) or closing_frames(settings):
        return True
    is_even = settings["pace"] == "even"
    return is_even and tweens > 0 and frames_per_snapshot(settings) > 1


def frames_to_share(settings: Mapping) -> int:
    """Return the film frames that remain for the snapshots of a film of `seconds`, at least 1.

    Also reads the holds. Raises `UserError` if they take all of it.
    """
    holds = opening_frames(settings) + hold_frames(settings) + closing_frames(settings)
    frames = round(_film_frames(settings, "seconds")) - holds
    if frames < 1:
        raise UserError(
            f"seconds is {settings['seconds']}; expected more than {holds / RATE:.4g} "
            "(opening_seconds, hold_seconds and closing_seconds)"
        )
    return frames


def keyframe_distance(settings: Mapping) -> int:
    """Return the largest number of film frames between keyframes, at least 1.

    Reads `keyframe_seconds`.
    """
    return max(round(_film_frames(settings, "keyframe_seconds")), 1)


def gif_frame_count(film_frames: int, settings: Mapping) -> int:
    """Return the number of frames of the GIF of a film. Reads `gif_frames_per_second`."""
    frames = Fraction(film_frames, RATE) * settings["gif_frames_per_second"]
    return max(1, int(frames + Fraction(1, 2)))  # rounds half up, like ffmpeg's fps filter


def _with_holds(frames: list[int], settings: Mapping) -> Timeline:
    frames[0] += opening_frames(settings)
    frames[-1] += hold_frames(settings)
    return Timeline(frames, closing_frames(settings))


@dataclass(frozen=True)
class _Phase:
    """Snapshots that share a sentence.

    Each lasts at least one film frame and, if the phase exceeds `least` frames, at most `most`.
    """

    weights: Sequence[float]  # relative to the largest of the film, above 0
    most: int
    least: int

    def units(self, scale: float) -> list[int]:
        """Return the snapshots' times in units, proportional to the weights within their bounds."""
        times = [_bounded(scale * weight, self.most) for weight in self.weights]
        return times if sum(times) >= self.least * _UNIT else self._shortest

    @cached_property
    def _shortest(self) -> list[int]:
        """The times that add up to `least`, even if some exceed `most`."""
        most = max(self.most, -(-self.least // len(self.weights)))
        times = _largest(
            lambda scale: [_bounded(scale * weight, most) for weight in self.weights],
            self.least * _UNIT,
        )
        times[-1] += self.least * _UNIT - sum(times)  # rounding of the scale
        return times


def _shares(phases: Sequence[_Phase], frames: int) -> list[int]:
    """Divide `frames` by weight into whole numbers; their sum is exact if the bounds allow it.

    Starts are rounded, so that no snapshot appears more than half a film frame too early or late,
    and no phase loses a frame of its least length, which is a whole number.
    """

    def units(scale: float) -> list[int]:
        return [time for phase in phases for time in phase.units(scale)]

    least, greatest = (sum(units(scale)) for scale in (0.0, _LARGEST))
    times = _largest(units, min(max(frames * _UNIT, least), greatest))
    # The sum falls short by the rounding of the scale: far less than half a film frame.
    ends = map(_rounded, accumulate(times, initial=0))
    return [later - earlier for earlier, later in pairwise(ends)]


def _largest(units: Callable[[float], list[int]], total: int) -> list[int]:
    """Return `units` of the largest scale at which their sum is at most `total`.

    The sum grows with the scale: bisect to the precision of floating-point numbers.
    """
    low, high = 0.0, _LARGEST
    while low < (scale := (low + high) / 2) < high:
        low, high = (scale, high) if sum(units(scale)) <= total else (low, scale)
    return units(low)


def _bounded(frames: float, most: int) -> int:
    """Return a time from 1 to `most` film frames, in units."""
    return int(min(max(frames, 1.0), float(most)) * _UNIT)


def _rounded(units: int) -> int:
    return (units + _UNIT // 2) // _UNIT


def _difference(before: float, after: float) -> float:
    difference = abs(after - before)
    return 0.0 if math.isnan(difference) else difference


def _extra_frames(settings: Mapping, name: str) -> int:
    """Return a number of extra film frames, to the nearest frame.

    Raises `UserError` if the setting is negative or not a number.
    """
    frames = _film_frames(settings, name)
    if frames < 0:
        raise UserError(f"{name} is {settings[name]}; expected 0 or more")
    return round(frames)


def _film_frames(settings: Mapping, name: str) -> Fraction:
    seconds = settings[name]
    try:
        return Fraction(seconds) * RATE
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise UserError(f"{name} is {seconds!r}; expected a number of seconds") from None
