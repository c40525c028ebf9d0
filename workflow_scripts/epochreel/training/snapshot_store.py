"""Store of a run, from which training resumes. It is not an output of the workflow.

Snakemake deletes the outputs of a job that failed or was killed. It does not know about the store,
so at most the work since the last snapshot is lost. For each training, named by the digest of
everything that defines it, the store holds:

    lock                          lock file of the training process
    weights/000042.safetensors    weights of every snapshot; checkpoints are hard links to them
    optimizer/000042.safetensors  optimizer state of the two latest snapshots and of the one before
                                  the block in progress
    records/000042.json           checksums of these files, and the snapshot's rows of the training
                                  table and the system log, so that resuming loses none

The record is written last: a snapshot exists if its record does.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from epochreel.artifacts import checkpoints
from epochreel.core import lock
from epochreel.core.errors import UserError
from epochreel.core.files import atomic_link, atomic_write_bytes, sha256
from epochreel.formats import checked_json

log = logging.getLogger("epochreel")
_DIGITS = 16  # of the digest of a training, 64 bits
STATES_KEPT = 2  # optimizer states: if the latest is damaged, the one before it is used


class Store:
    """The store of one training in `folder`; use it inside `with store.lock():`.

    `before` is the snapshot before the block in progress. Its optimizer state is kept, so that a
    block whose weights were damaged, or deleted after evaluation, is trained again without the
    blocks before it.
    """

    def __init__(self, folder: Path, training: str, before: int = -1):
        self.folder = folder / training[:_DIGITS]
        self.training, self._before = training, before

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Lock the training for this process; wait while another process holds the lock."""
        return lock.hold(self.folder / "lock")

    def weights(self, snapshot: int) -> Path:
        """Return the path of a snapshot's weights."""
        return self.folder / "weights" / f"{snapshot:06d}.safetensors"

    def optimizer(self, snapshot: int) -> Path:
        """Return the path of a snapshot's optimizer state."""
        return self.folder / "optimizer" / f"{snapshot:06d}.safetensors"

    def record(self, snapshot: int) -> dict[str, Any] | None:
        """Return the record of a snapshot, or None if it is missing or damaged."""
        try:
            return checked_json.read(self._record(snapshot))
        except (FileNotFoundError, ValueError):
            return None

    def add(
        self,
        snapshot: int,
        weights: Mapping[str, torch.Tensor],
        optimizer: Mapping[str, torch.Tensor],
        rows: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Store a snapshot, then delete the optimizer states that are no longer needed.

        `rows` has the snapshot's rows of the tables `training` and `system`. Raises `UserError` if
        the snapshot was stored before with different weights.
        """
        metadata = {"snapshot": snapshot, "training": self.training}
        packed, previous = checkpoints.pack(weights, metadata), self.record(snapshot)
        if previous:
            _check_same_weights(snapshot, packed, previous["weights"], self.folder)
            # A snapshot that is trained again retains the time of its first training.
            rows = {**rows, "system": previous["system"]}
        record = {
            "snapshot": snapshot,
            # Both files are on disk before the record, which completes the snapshot.
            "weights": _write(self.weights(snapshot), packed),
            "optimizer": _write(self.optimizer(snapshot), checkpoints.pack(optimizer, metadata)),
            **rows,
        }
        checked_json.write(self._record(snapshot), record)
        # Later states remain if a lost snapshot is trained again: an extended run resumes from
        # them.
        older = [number for number in self._numbers("optimizer") if number <= snapshot]
        for number in older[:-STATES_KEPT]:
            if number != self._before:
                self.optimizer(number).unlink(missing_ok=True)

    def has_weights(self, snapshot: int) -> bool:
        """Return whether the weights of a snapshot exist and are undamaged."""
        record = self.record(snapshot)
        return record is not None and _is_intact(self.weights(snapshot), record["weights"])

    def count(self, first: int) -> int:
        """Return the number of snapshots ≥ `first` whose weights are in the store."""
        return sum(number >= first for number in self._numbers("weights"))

    def latest_state(self, at_most: int) -> int | None:
        """Return the latest snapshot ≤ `at_most` that training can resume from, or None."""
        for snapshot in reversed(self._numbers("optimizer")):
            record = self.record(snapshot) if snapshot <= at_most else None
            if (
                record
                and _is_intact(self.optimizer(snapshot), record["optimizer"])
                and _is_intact(self.weights(snapshot), record["weights"])
            ):
                return snapshot
        return None

    def prune_weights(self) -> None:
        """Delete all weights except those that training may resume from."""
        resumable = self._numbers("optimizer")
        for number in self._numbers("weights"):
            if number not in resumable:
                self.weights(number).unlink(missing_ok=True)

    def prune_other_trainings(self) -> None:
        """Delete the trainings of earlier settings of the run, except the latest.

        Skips those that another process has locked.
        """
        # The store also holds encoded segments, in a folder with a different kind of name.
        trainings = self.folder.parent.glob("[0-9a-f]" * _DIGITS)
        others = [path for path in trainings if path != self.folder]
        for path in sorted(others, key=lambda path: path.stat().st_mtime)[:-1]:
            with lock.try_hold(path / "lock") as free:
                if free:
                    shutil.rmtree(path)

    def link(self, snapshot: int, path: str | Path) -> None:
        """Create a hard link `path` to the weights of a snapshot."""
        atomic_link(self.weights(snapshot), path)

    def _record(self, snapshot: int) -> Path:
        return self.folder / "records" / f"{snapshot:06d}.json"

    def _numbers(self, kind: str) -> list[int]:
        return sorted(int(path.stem) for path in (self.folder / kind).glob("[0-9]*.safetensors"))


def _check_same_weights(snapshot: int, packed: bytes, digest: str, folder: Path) -> None:
    """Raise `UserError` if training again produced different weights, as a GPU may."""
    if hashlib.sha256(packed).hexdigest() != digest:
        raise UserError(
            f"snapshot {snapshot} differs from its first training: delete {folder} "
            "and the run's checkpoints and checkpoint_index, then run the same command again"
        )


def _write(path: Path, data: bytes) -> str:
    """Write `data` and return its SHA-256.

    Skips a file that already has this checksum, so that hard links to it remain valid.
    """
    digest = hashlib.sha256(data).hexdigest()
    if not (path.is_file() and sha256(path) == digest):
        atomic_write_bytes(path, data)
    return digest


def _is_intact(path: Path, digest: str) -> bool:
    """Return whether `path` exists with this SHA-256; log a warning if it is damaged."""
    if not path.is_file():
        return False
    if sha256(path) == digest:
        return True
    log.warning("%s is damaged; recreating it", path)
    return False
