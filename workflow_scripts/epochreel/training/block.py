"""A block of snapshots: what the store lacks of it is trained, then linked into its outputs."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from epochreel.artifacts import checkpoint_index, padding
from epochreel.artifacts.dataset_shards import Split
from epochreel.core.errors import UserError
from epochreel.core.files import sha256, whole_file
from epochreel.core.log import NOTICE
from epochreel.experiment_api import loader
from epochreel.provenance import keys
from epochreel.training import compile_cache, disk_space
from epochreel.training.data_source import Source, Stored, Stream
from epochreel.training.snapshot_store import Store
from epochreel.training.trainer import Recipe, Trainer

log = logging.getLogger("epochreel")
SECONDS_BETWEEN_NOTICES = 30  # on the terminal, of a training that takes longer


@dataclass(frozen=True)
class Paths:
    """Where a block's inputs and outputs lie. `before` is the JSON of the block before."""

    train: Sequence[str]
    validation: Sequence[str]
    own: Sequence[str]  # the user's files that a stream draws from
    before: str | None
    checkpoints: Sequence[str]
    state: str
    store: Path
    table: Path
    layers: Path


@dataclass(frozen=True)
class Outlook:
    """What the run will still write, for the check of the disk."""

    run: str
    snapshots: int
    keeps_all: bool
    test_examples: int
    pixels: int


@dataclass(frozen=True)
class Block:
    """Snapshots `first` … `first + real - 1` of the training that `stage` defines."""

    experiment: loader.Experiment
    stage: Mapping[str, Any]
    base: Path  # where relative paths of the settings start from
    paths: Paths
    outlook: Outlook

    @property
    def numbers(self) -> range:
        """The numbers of the block's real snapshots."""
        return range(self.stage["first"], self.stage["first"] + self.stage["real"])

    def store(self) -> Store:
        """The store of the training: named by its settings, code, versions and data."""
        paths = (*self.paths.train, *self.paths.validation, *self.paths.own)
        read = [sha256(path) for path in paths]
        training = keys.digest([keys.key(self.stage), read])
        return Store(self.paths.store, training, before=self.stage["first"] - 1)

    def trainer(self) -> Trainer:
        """A network before its first batch; says what disk the run needs, and checks it."""
        recipe = Recipe.of(self.stage["settings"])
        model = self.experiment.load("model")
        trainer = Trainer(
            model, recipe, self._source, Split.of(self.stage, "validation", self.paths.validation)
        )
        self._check_disk(trainer)
        _write_rows(self.paths.layers, trainer.layers)
        return trainer

    def _source(self, device: torch.device) -> Source:
        settings = self.stage["settings"]
        batch = settings["training"]["batch"]
        if "train" not in settings["data"]:  # then it lies in shards
            split = Split.of(self.stage, "train", self.paths.train)
            return Stored(split, settings["seed"], batch, device)
        data = self.experiment.load("data")
        own = loader.resolved(settings["data"]["settings"], self.stage["folders"], self.base)
        return Stream(data, own, settings["data"]["seed"], batch, device)

    def _check_disk(self, trainer: Trainer) -> None:
        outlook, snapshots = self.outlook, self.outlook.snapshots
        stored = self.store().count(self.stage["first"])
        # With `last`, one block waits to be evaluated while the next is trained.
        at_once = snapshots if outlook.keeps_all else 2 * len(self.paths.checkpoints)
        needed = disk_space.need(
            trainer.network,
            snapshots,
            kept=max(min(snapshots, at_once) - stored, 0),
            test_bytes=outlook.test_examples * _bytes_per_example(trainer),
            pixels=outlook.pixels,
        )
        begun = self.stage["first"] > 0
        disk_space.refuse_if_short(self.paths.store, needed, outlook.run, quietly=begun)

    def make(self) -> None:
        """Make the block's outputs: checkpoints, state and training log."""
        store = self.store()
        with store.lease():
            store.forget_other_trainings()
            missing = [number for number in self.numbers if not store.holds(number)]
            if missing:
                _tell_what_is_kept(self.numbers[0], missing[0])
                compiles = self.stage["settings"]["training"]["compile"]
                with compile_cache.apart() if compiles else contextlib.nullcontext():
                    _train(self.trainer, store, missing, self.outlook.run)
            self._refuse_another_training(store)
            self._declare(store)
            if not self.outlook.keeps_all:
                # The checkpoints are names of the same files until they have been evaluated.
                store.forget_weights()

    def _declare(self, store: Store) -> None:
        numbers, paths = self.numbers, self.paths.checkpoints
        for number, path in zip(numbers, paths, strict=False):
            store.link(number, path)
        padding.fill(paths, len(numbers))
        records = [store.record(number) for number in numbers]
        _write_rows(self.paths.table, [record["row"] for record in records])
        checkpoint_index.write(self.paths.state, records, keys.key_digest(self.stage))

    def _refuse_another_training(self, store: Store) -> None:
        """Refuse to follow a block whose last snapshot is not this store's.

        Where a GPU does not repeat itself to the bit, a store that was lost cannot be made again
        as it was; two trainings must not meet in one film.
        """
        path, last = self.paths.before, self.stage["first"] - 1
        if path is None:
            return
        before = checkpoint_index.read(path, last, keys.key_digest(self.stage))
        record = store.record(last)
        if record is None or record["weights"] != before["checkpoints"][-1]:
            folder = Path(path).parent
            raise UserError(
                f"snapshot {last} did not come out as it was when {path} was written: delete "
                f"{folder} and {folder.parent / 'checkpoints'}, then run the same command again"
            )


def _bytes_per_example(trainer: Trainer) -> int:
    """The size of one test example's predictions, judged by the labels of a training example."""
    columns = trainer.train.example().values()
    labels = sum(column[0].numel() for column in columns if column.dim() < 3)
    return disk_space.BYTES_PER_PREDICTION * labels


def _tell_what_is_kept(first: int, missing: int) -> None:
    if missing > first:
        kept = (
            "snapshots of this block up to %d are kept: it was interrupted, damaged or made longer"
        )
        log.info(kept, missing - 1)


def _train(
    make_trainer: Callable[[], Trainer], store: Store, missing: Sequence[int], run: str
) -> None:
    trainer = make_trainer()
    start = store.newest_state(at_most=missing[0] - 1)
    if start is not None:
        trainer.resume(store, start)
    else:
        _add(trainer, store, trainer.row())
    started = said = time.monotonic()
    while trainer.snapshot < missing[-1]:
        row = trainer.advance()
        _add(trainer, store, row)
        due = time.monotonic() - said > SECONDS_BETWEEN_NOTICES
        said = time.monotonic() if due else said
        log.log(
            NOTICE if due else logging.INFO,
            "run '%s', snapshot %d: epoch %.1f, loss %.4f, %.0f examples/s",
            run,
            *(row[name] for name in ("snapshot", "epoch", "loss", "examples_per_second")),
        )
    log.info("trained for %.1f s", time.monotonic() - started)


def _add(trainer: Trainer, store: Store, row: Mapping[str, Any]) -> None:
    store.add(trainer.snapshot, trainer.network.state_dict(), trainer.state_tensors(), row)


def _write_rows(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with whole_file(path) as beside:
        pq.write_table(pa.Table.from_pylist(list(rows)), beside, compression="zstd")
