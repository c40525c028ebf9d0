"""Check of the disk space that a run will need."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from epochreel.core.errors import UserError

log = logging.getLogger("epochreel")
# Rounded up from the built-in experiments: it is better to stop a run that would just fit than to
# fill the disk at its end.
BYTES_PER_PIXEL = 0.15  # of a frame's PNG
BYTES_PER_PREDICTION = 24  # of an evaluation: float16 probabilities and their labels


def check(folder: Path, needed: float, run: str) -> None:
    """Log how many bytes a run needs.

    Raises `UserError` if the disk that holds `folder` has less space free.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    log.info("run '%s' needs about %s of disk", run, _gigabytes(needed))
    if needed > free:
        raise UserError(
            f"run '{run}' needs about {_gigabytes(needed)} of disk; {_gigabytes(free)} are free: "
            "free some space, set keep_checkpoints: last, or lower snapshots_per_epoch"
        )


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB"
