"""The timing of a film: when each snapshot is shown, and for how many frames."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from epochreel.core.errors import UserError

RATE = 24  # frames per second of every film
_SLACK = Fraction(1, 50)  # of a frame: three decimals of a second are exact enough


def frames_per_snapshot(settings: Mapping) -> int:
    """How many film frames each snapshot is shown for, at least 1.

    Reads `seconds_per_snapshot`. Raises `UserError` unless it is a whole number of 1/24 s, to a
    fiftieth of a frame, so that 0.042 and 0.333 may be written for 1/24 and 1/3.
    """
    seconds = settings["seconds_per_snapshot"]
    frames = _film_frames("seconds_per_snapshot", seconds)
    shown = round(frames)
    if shown < 1 or abs(frames - shown) > _SLACK:
        nearest = max(shown, 1)
        raise UserError(
            f"seconds_per_snapshot is {seconds}; it must be a whole number of 1/{RATE} s, "
            f"such as {nearest / RATE:.4g} ({nearest}/{RATE} s)"
        )
    return shown


def hold_frames(settings: Mapping) -> int:
    """How many film frames the last snapshot stays beyond its own time (to the nearest frame).

    Reads `hold_seconds`. Raises `UserError` where it is negative or no number.
    """
    frames = _film_frames("hold_seconds", settings["hold_seconds"])
    if frames < 0:
        raise UserError(f"hold_seconds is {settings['hold_seconds']}; it must be 0 or more")
    return round(frames)


def frame_count(snapshots: int, settings: Mapping) -> int:
    """The number of frames of a film of `snapshots` snapshots."""
    return snapshots * frames_per_snapshot(settings) + hold_frames(settings)


def start_time(snapshot: int, settings: Mapping) -> Fraction:
    """When snapshot number `snapshot` appears in the film, in seconds, exactly."""
    return Fraction(snapshot * frames_per_snapshot(settings), RATE)


def film_length(snapshots: int, settings: Mapping) -> Fraction:
    """How long a film of `snapshots` snapshots lasts, in seconds, exactly."""
    return Fraction(frame_count(snapshots, settings), RATE)


def gif_frame_count(snapshots: int, settings: Mapping) -> int:
    """The number of moments that the GIF of a film of `snapshots` snapshots shows."""
    moments = film_length(snapshots, settings) * settings["gif_frames_per_second"]
    return max(1, int(moments + Fraction(1, 2)))  # halves go up, as in ffmpeg's filter fps


def _film_frames(name: str, seconds: float | str) -> Fraction:
    try:
        return Fraction(seconds) * RATE
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise UserError(f"{name} is {seconds!r}; it must be a number of seconds") from None
