"""Timing of a film: when each snapshot appears and for how many frames."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from epochreel.core.errors import UserError

RATE = 24  # frames per second of all films
_TOLERANCE = Fraction(1, 50)  # of a frame, so that three decimals of a second suffice


def frames_per_snapshot(settings: Mapping) -> int:
    """Return the number of film frames for which each snapshot is shown, at least 1.

    Reads `seconds_per_snapshot`. Raises `UserError` unless it is a multiple of 1/24 s, to a
    fiftieth of a frame, so that 0.042 and 0.333 are accepted for 1/24 and 1/3.
    """
    seconds = settings["seconds_per_snapshot"]
    frames = _film_frames("seconds_per_snapshot", seconds)
    rounded = round(frames)
    if rounded < 1 or abs(frames - rounded) > _TOLERANCE:
        nearest = max(rounded, 1)
        raise UserError(
            f"seconds_per_snapshot is {seconds}; expected a multiple of 1/{RATE} s, "
            f"such as {nearest / RATE:.4g} ({nearest}/{RATE} s)"
        )
    return rounded


def hold_frames(settings: Mapping) -> int:
    """Return the number of extra film frames for the last snapshot, to the nearest frame.

    Reads `hold_seconds`. Raises `UserError` if it is negative or not a number.
    """
    frames = _film_frames("hold_seconds", settings["hold_seconds"])
    if frames < 0:
        raise UserError(f"hold_seconds is {settings['hold_seconds']}; expected 0 or more")
    return round(frames)


def frame_count(snapshots: int, settings: Mapping) -> int:
    """Return the number of frames of a film of `snapshots` snapshots."""
    return snapshots * frames_per_snapshot(settings) + hold_frames(settings)


def start_time(snapshot: int, settings: Mapping) -> Fraction:
    """Return the exact time in seconds at which a snapshot appears in the film."""
    return Fraction(snapshot * frames_per_snapshot(settings), RATE)


def film_length(snapshots: int, settings: Mapping) -> Fraction:
    """Return the exact length in seconds of a film of `snapshots` snapshots."""
    return Fraction(frame_count(snapshots, settings), RATE)


def gif_frame_count(snapshots: int, settings: Mapping) -> int:
    """Return the number of frames of the GIF of a film of `snapshots` snapshots."""
    frames = film_length(snapshots, settings) * settings["gif_frames_per_second"]
    return max(1, int(frames + Fraction(1, 2)))  # rounds half up, like ffmpeg's fps filter


def _film_frames(name: str, seconds: float | str) -> Fraction:
    try:
        return Fraction(seconds) * RATE
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise UserError(f"{name} is {seconds!r}; expected a number of seconds") from None
