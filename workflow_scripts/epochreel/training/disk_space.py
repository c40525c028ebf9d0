"""The disk that a run will need, said and checked before it is begun."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from epochreel.core.errors import UserError
from epochreel.core.log import NOTICE
from epochreel.training.snapshot_store import STATES_KEPT

log = logging.getLogger("epochreel")
BYTES_PER_PIXEL = 0.15  # of a drawn frame's PNG, rather too much than too little
BYTES_PER_PREDICTION = 24  # of an evaluation: probabilities in float16 and what names them


@dataclass(frozen=True)
class Need:
    """Bytes that a run will still write, by kind."""

    checkpoints: int
    states: int
    evaluations: int
    frames: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.checkpoints + self.states + self.evaluations + self.frames


def need(network: torch.nn.Module, snapshots: int, kept: int, test_bytes: int, pixels: int) -> Need:
    """What `snapshots` snapshots to come need, where `kept` checkpoints lie on disk at once.

    `test_bytes` is the size of one evaluation, `pixels` that of one frame. An optimiser keeps
    up to two numbers for each weight; one state more than is kept lies there while it is written.
    """
    weights = sum(value.nbytes for value in network.state_dict().values())
    return Need(
        checkpoints=weights * kept,
        states=2 * weights * (STATES_KEPT + 1),
        evaluations=test_bytes * snapshots,
        frames=int(BYTES_PER_PIXEL * pixels * snapshots),
    )


def refuse_if_short(folder: Path, needed: Need, run: str, quietly: bool = False) -> None:
    """Say what a run will need (`quietly`: in the log alone).

    Raises `UserError` where the disk below `folder` has less.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    parts = ", ".join(f"{name} {_size(value)}" for name, value in vars(needed).items())
    level = logging.INFO if quietly else NOTICE
    log.log(level, "run '%s' needs about %s of disk (%s)", run, _size(needed.total), parts)
    if needed.total > free:
        raise UserError(
            f"run '{run}' needs about {_size(needed.total)} of disk and {_size(free)} are free: "
            "make room, set keep_checkpoints: last, or lower snapshots_per_epoch"
        )


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
