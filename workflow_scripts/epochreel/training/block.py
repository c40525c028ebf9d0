"""Train the snapshots of a block that the store lacks, then link all of them into the outputs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epochreel.artifacts import checkpoint_index, padding, system_log, training_table
from epochreel.core.errors import UserError
from epochreel.core.log import NOTICE
from epochreel.experiment_api.loader import Experiment
from epochreel.provenance import keys
from epochreel.training import disk_space
from epochreel.training.snapshot_store import Store
from epochreel.training.trainer import Sample, Trainer, TrainingConfig
from epochreel.training.training_data import TrainingData

log = logging.getLogger("epochreel")
SECONDS_BETWEEN_NOTICES = 30  # on the terminal


@dataclass(frozen=True)
class Outputs:
    """Paths of a block's files; `before` is the checkpoint index of the previous block, if any."""

    before: str | None
    checkpoints: Sequence[str]
    index: str
    table: str
    system: str
    store: Path


@dataclass(frozen=True)
class RunSize:
    """The remaining size of a run, to estimate the disk space that it needs."""

    run: str
    snapshots: int
    keeps_all: bool
    test_examples: int
    pixels: int


class Block:
    """Snapshots `first` … `first + count - 1` of the training defined by `stage`."""

    def __init__(
        self,
        experiment: Experiment,
        stage: Mapping[str, Any],
        data: TrainingData,
        outputs: Outputs,
        run_size: RunSize,
    ):
        self.experiment, self.stage, self.data = experiment, stage, data
        self.outputs, self.run_size = outputs, run_size
        self.numbers = range(stage["first"], stage["first"] + stage["count"])
        training = keys.digest([keys.key(stage), data.digests])
        self.store = Store(outputs.store, training, before=stage["first"] - 1)

    def make(self) -> None:
        """Write the outputs: checkpoints, checkpoint index, training table and system log."""
        store = self.store
        with store.lock():
            store.prune_other_trainings()
            before = self._index_before()
            steps = [*(before["steps"] if before else ()), *self.stage["steps"]]
            self._check_steps(steps)
            missing = [number for number in self.numbers if not store.has_weights(number)]
            if missing:
                _log_resume(self.numbers[0], missing[0])
                _train(lambda: self._trainer(steps), store, missing, self.run_size.run)
            if before:
                self._check_same_training(before)
            self._declare(steps)
            if not self.run_size.keeps_all:
                # The checkpoints are hard links to the same files until they have been evaluated.
                store.prune_weights()

    def _index_before(self) -> dict[str, Any] | None:
        """Return the checkpoint index of the previous block; None for the first block."""
        path, last = self.outputs.before, self.stage["first"] - 1
        return path and checkpoint_index.read(path, last, keys.key_digest(self.stage))

    def _check_steps(self, steps: Sequence[int]) -> None:
        """Check that stored snapshots were taken at these steps; raise `UserError` if not.

        The steps of a list are not in the digest that names the store.
        """
        for number in self.numbers:
            record = self.store.record(number)
            if record and record["training"]["step"] != steps[number]:
                raise UserError(
                    f"snapshot {number} in {self.store.folder} was taken at step "
                    f"{record['training']['step']}; expected step {steps[number]}: steps may only "
                    "be appended: restore snapshots.steps, or use the changed list in a new run"
                )

    def _trainer(self, steps: Sequence[int]) -> Trainer:
        """Return a trainer at snapshot 0, after checking the disk space that the run needs."""
        config = TrainingConfig.of(self.stage["settings"], steps)
        model = self.experiment.load("model")
        afresh = None if self.experiment.is_builtin else self.experiment.afresh().load("model")
        trainer = Trainer(model, config, self.data.source, self.data.validation, afresh)
        self._check_disk(trainer)
        return trainer

    def _check_disk(self, trainer: Trainer) -> None:
        run_size, snapshots = self.run_size, self.run_size.snapshots
        stored = self.store.count(self.stage["first"])
        # With `keep_checkpoints: last`, one block waits to be evaluated while the next one trains.
        at_once = snapshots if run_size.keeps_all else 2 * len(self.outputs.checkpoints)
        weights = sum(value.nbytes for value in trainer.network.state_dict().values())
        predictions = run_size.test_examples * _labels_per_example(trainer)
        needed = weights * max(min(snapshots, at_once) - stored, 0) + snapshots * (
            disk_space.BYTES_PER_PREDICTION * predictions
            + disk_space.BYTES_PER_PIXEL * run_size.pixels
        )
        disk_space.check(self.outputs.store, needed, run_size.run)

    def _declare(self, steps: Sequence[int]) -> None:
        store, outputs = self.store, self.outputs
        for number, path in zip(self.numbers, outputs.checkpoints, strict=False):
            store.link(number, path)
        padding.fill(outputs.checkpoints, len(self.numbers))
        records = [store.record(number) for number in self.numbers]
        key = keys.key(self.stage)
        training_table.write(outputs.table, [record["training"] for record in records], key)
        system_log.write(outputs.system, [record["system"] for record in records])
        checkpoint_index.write(outputs.index, records, steps, keys.key_digest(self.stage))

    def _check_same_training(self, before: Mapping[str, Any]) -> None:
        """Check that the previous block ends with this store's snapshot; `UserError` if not.

        A GPU may not reproduce its results bit for bit, so training again after the loss of a store
        may produce different weights, and a film must not mix the two.
        """
        path, last = self.outputs.before, self.stage["first"] - 1
        record = self.store.record(last)
        if record is None or record["weights"] != before["checkpoints"][-1]:
            folder = Path(path).parent
            raise UserError(
                f"snapshot {last} differs from the one listed in {path}: delete {folder} and "
                f"{folder.parent / 'checkpoints'}, then run the same command again"
            )


def _labels_per_example(trainer: Trainer) -> int:
    columns = trainer.train.example().values()
    return sum(column[0].numel() for column in columns if column.dim() < 3)


def _log_resume(first: int, missing: int) -> None:
    if missing > first:
        log.info("resuming: snapshots up to %d are already in the store", missing - 1)


def _train(
    make_trainer: Callable[[], Trainer], store: Store, missing: Sequence[int], run: str
) -> None:
    trainer = make_trainer()
    start = store.latest_state(at_most=missing[0] - 1)
    if start is not None:
        trainer.resume(store, start)
    else:
        _add(trainer, store, trainer.sample())
    started = noticed = time.monotonic()
    while trainer.snapshot < missing[-1]:
        sample = trainer.advance()
        _add(trainer, store, sample)
        due = time.monotonic() - noticed > SECONDS_BETWEEN_NOTICES
        noticed = time.monotonic() if due else noticed
        log.log(
            NOTICE if due else logging.INFO,
            "run '%s', snapshot %d: epoch %.1f, loss %.4f, %.0f examples/s",
            run,
            *(sample.training[name] for name in ("snapshot", "epoch", "loss")),
            sample.system["examples_per_second"],
            extra={"progress": {name: sample.training[name] for name in ("snapshot", "loss")}},
        )
    log.info("trained for %.1f s", time.monotonic() - started)


def _add(trainer: Trainer, store: Store, sample: Sample) -> None:
    weights, optimizer = trainer.network.state_dict(), trainer.state_tensors()
    store.add(trainer.snapshot, weights, optimizer, vars(sample))
