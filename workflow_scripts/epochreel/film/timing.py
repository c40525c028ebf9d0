"""Timing of a film: when each snapshot appears and for how many film frames.

`even` shows all snapshots for the same time. `by_change` divides a given length in proportion to
weights such as those of `change`. The module needs no packages, since planning checks times too.

Film settings are a mapping; each function reads only the keys that its docstring names.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from statistics import median

from epochreel.core.errors import UserError

RATE = 24  # frames per second of all films
_TOLERANCE = Fraction(1, 50)  # of a frame, so that three decimals of a second suffice
_WINDOW = 5  # snapshots of the causal median: one outlier, or a spike of two, changes nothing
# Smallest weight, relative to the largest: snapshots without a change share the time that remains
# when all others have reached their maximum.
_LEAST_WEIGHT = 1e-9
_UNIT = 1 << 32  # parts of a film frame; integers, so that sums are exact


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


def by_change(weights: Sequence[float], settings: Mapping) -> Timeline:
    """Return the timeline of a film of `seconds`, holds included, for one weight per snapshot.

    Times are proportional to the weights (finite, ≥ 0), but at least one film frame and at most
    `max_seconds_per_snapshot`; equal weights, even zeros, get equal times. If these bounds make the
    length impossible, the film is longer (all snapshots at the minimum) or shorter (all at the
    maximum). Also reads the holds. Raises `UserError` as `frames_to_share` does.
    """
    most = max(round(_film_frames(settings, "max_seconds_per_snapshot")), 1)
    frames = min(max(frames_to_share(settings), len(weights)), most * len(weights))
    return _with_holds(_shares(weights, frames, most), settings)


def change(metrics: Sequence[Sequence[float]], snapshots: int) -> list[float]:
    """Return each snapshot's weight: the change of the metrics since the previous snapshot.

    `metrics` holds the values of each metric, one for each of `snapshots` snapshots. Changes are
    differences of the median over a snapshot and the four before it, in absolute units, summed over
    the metrics. Values that are not finite are ignored; a metric without finite values counts as
    unchanged.
    """
    weights = [0.0] * snapshots
    for values in metrics:
        for k, (before, after) in enumerate(pairwise(_causal_median(values)), 1):
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


def _shares(weights: Sequence[float], frames: int, most: int) -> list[int]:
    """Divide `frames` by weight into whole numbers from 1 to `most`; their sum is exact.

    Starts are rounded, so that no snapshot appears more than half a film frame too early or late.
    """
    peak = max(weights) or 1.0
    relative = [max(weight / peak, _LEAST_WEIGHT) for weight in weights]
    # The sum grows with the scale: bisect to the precision of floating-point numbers.
    low, high = 0.0, most / _LEAST_WEIGHT
    while low < (scale := (low + high) / 2) < high:
        total = sum(_bounded(scale * weight, most) for weight in relative)
        low, high = (scale, high) if total <= frames * _UNIT else (low, scale)
    ends = accumulate((_bounded(low * weight, most) for weight in relative), initial=0)
    # What the sum lacks is due to the last digit of `low`: far less than half a film frame.
    return [later - earlier for earlier, later in pairwise(_rounded(end) for end in ends)]


def _bounded(frames: float, most: int) -> int:
    """Return a time from 1 to `most` film frames, in units."""
    return int(min(max(frames, 1.0), float(most)) * _UNIT)


def _rounded(units: int) -> int:
    return (units + _UNIT // 2) // _UNIT


def _causal_median(values: Sequence[float]) -> list[float]:
    """Return the median of each value and the four before it, of the finite ones only, or NaN."""
    windows = (values[max(k + 1 - _WINDOW, 0) : k + 1] for k in range(len(values)))
    finite = ([value for value in window if math.isfinite(value)] for window in windows)
    return [median(window) if window else math.nan for window in finite]


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
