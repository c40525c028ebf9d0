"""The store of a run: what a training goes on from, outside the workflow's declared outputs.

Snakemake removes the outputs of a job that failed or was killed; the store is out of its sight,
so no more is lost than the work since the last snapshot. It holds, for one training (named by
the digest of all that defines it):

    lock                        the lock file, held by the one process that trains
    weights/000042.safetensors  every snapshot's weights; the checkpoints are hard links to them
    optimizer/000042.safetensors  the optimiser's state, for the two newest snapshots and for the
                                one before the block in progress
    records/000042.json         digests of these files, and the snapshot's rows of the training
                                table and of the system log, so that resuming loses none

A record is written last: a snapshot is there when its record is.
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
NEWEST_KEPT = 2  # if the newest state is damaged, the one before it still serves


class Store:
    """The store of one training in `folder`; use it inside `with store.lock():`.

    `before` is the snapshot before the block in progress. Its state is kept, so that a block whose
    weights are gone, once they were evaluated or by damage, is trained again and none before it.
    """

    def __init__(self, folder: Path, training: str, before: int = -1):
        self.folder = folder / training[:16]  # 64 bits of the digest
        self.training, self._before = training, before

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the training for this process alone, waiting for another that has it."""
        return lock.hold(self.folder / "lock")

    def weights(self, snapshot: int) -> Path:
        """Where the weights of a snapshot lie."""
        return self.folder / "weights" / f"{snapshot:06d}.safetensors"

    def optimizer(self, snapshot: int) -> Path:
        """Where the optimiser's state at a snapshot lies."""
        return self.folder / "optimizer" / f"{snapshot:06d}.safetensors"

    def record(self, snapshot: int) -> dict[str, Any] | None:
        """The record of a snapshot, or None where there is none that is whole."""
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
        """Store a snapshot, then drop the optimizer states that are no longer needed.

        `rows` are those of the tables `training` and `system`.
        """
        about = {"snapshot": snapshot, "training": self.training}
        packed, before = checkpoints.pack(weights, about), self.record(snapshot)
        if before:
            _check_same_weights(snapshot, packed, before["weights"], self.folder)
            # A snapshot that is trained again keeps the time at which it was first trained.
            rows = {**rows, "system": before["system"]}
        record = {
            "snapshot": snapshot,
            # Both files are on disk before the record that makes the snapshot count.
            "weights": _write(self.weights(snapshot), packed),
            "optimizer": _write(self.optimizer(snapshot), checkpoints.pack(optimizer, about)),
            **rows,
        }
        checked_json.write(self._record(snapshot), record)
        # Later states stay where a lost snapshot is made again: an extension goes on from them.
        earlier = [number for number in self._numbers("optimizer") if number <= snapshot]
        for number in earlier[:-NEWEST_KEPT]:
            if number != self._before:
                self.optimizer(number).unlink(missing_ok=True)

    def holds(self, snapshot: int) -> bool:
        """Whether the weights of a snapshot are there and whole."""
        record = self.record(snapshot)
        return record is not None and _is(self.weights(snapshot), record["weights"])

    def count(self, first: int) -> int:
        """How many snapshots from `first` on have their weights here."""
        return sum(number >= first for number in self._numbers("weights"))

    def newest_state(self, at_most: int) -> int | None:
        """The newest snapshot up to `at_most` that training can go on from, or None."""
        for snapshot in reversed(self._numbers("optimizer")):
            record = self.record(snapshot) if snapshot <= at_most else None
            if (
                record
                and _is(self.optimizer(snapshot), record["optimizer"])
                and _is(self.weights(snapshot), record["weights"])
            ):
                return snapshot
        return None

    def forget_weights(self) -> None:
        """Drop all weights but those that training may go on from."""
        kept = self._numbers("optimizer")
        for number in self._numbers("weights"):
            if number not in kept:
                self.weights(number).unlink(missing_ok=True)

    def forget_other_trainings(self) -> None:
        """Drop what former settings of the run left, but for the newest of them.

        A training that another process is at is left alone.
        """
        others = [path for path in self.folder.parent.glob("*") if path != self.folder]
        for path in sorted(others, key=lambda path: path.stat().st_mtime)[:-1]:
            with lock.try_hold(path / "lock") as free:
                if free:
                    shutil.rmtree(path)

    def link(self, snapshot: int, path: str | Path) -> None:
        """Give the weights of a snapshot the second name `path`."""
        atomic_link(self.weights(snapshot), path)

    def _record(self, snapshot: int) -> Path:
        return self.folder / "records" / f"{snapshot:06d}.json"

    def _numbers(self, kind: str) -> list[int]:
        return sorted(int(path.stem) for path in (self.folder / kind).glob("[0-9]*.safetensors"))


def _check_same_weights(snapshot: int, packed: bytes, digest: str, folder: Path) -> None:
    """Refuse to mix two trainings: a device may not repeat itself to the bit."""
    if hashlib.sha256(packed).hexdigest() != digest:
        raise UserError(
            f"snapshot {snapshot} did not come out as it was when it was first trained: delete "
            f"{folder} and the run's checkpoints and states, then run the same command again"
        )


def _write(path: Path, data: bytes) -> str:
    """Write `data` unless they are there already (a checkpoint's link stays one); its digest."""
    digest = hashlib.sha256(data).hexdigest()
    if not (path.is_file() and sha256(path) == digest):
        atomic_write_bytes(path, data)
    return digest


def _is(path: Path, digest: str) -> bool:
    """Whether `path` is there with this digest; a damaged file is named in the log."""
    if not path.is_file():
        return False
    if sha256(path) == digest:
        return True
    log.warning("%s is damaged: it is made again", path)
    return False
