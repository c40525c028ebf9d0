"""Check that the disk has enough space for a run."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from epochreel.core.errors import UserError

log = logging.getLogger("epochreel")
# Rounded up from the built-in experiments: stopping a run that would just fit is better than
# filling the disk at its end.
BYTES_PER_PIXEL = 0.15  # of a frame's PNG
BYTES_PER_PREDICTION = 24  # of an evaluation: float16 probabilities and their labels


def check(folder: Path, needed: float, run: str) -> None:
    """Log the disk space that a run needs, in bytes.

    Raises `UserError` if the disk of `folder` reports less free space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = _free(folder)
    log.info("run '%s' needs about %s of disk space", run, _gigabytes(needed))
    if free is not None and needed > free:
        raise UserError(
            f"run '{run}' needs about {_gigabytes(needed)} of disk space, and {_gigabytes(free)} "
            "are free: free some space, set keep_checkpoints: last, or take fewer snapshots"
        )


def _free(folder: Path) -> int | None:
    """Return the free space in bytes; None if unknown: some network disks report 0 of 0."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return None if usage == (0, 0, 0) else usage.free


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB"
