"""Trying snapshots on the test set, whatever the experiment."""

from __future__ import annotations

import inspect
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from epochreel.artifacts import checkpoints, evaluations
from epochreel.artifacts.dataset_shards import Split
from epochreel.core import device, seeding
from epochreel.core.errors import UserError, first_line, shown
from epochreel.experiment_api.loader import Experiment
from epochreel.provenance import lineage

log = logging.getLogger("epochreel")
_TIMES = ("snapshot", "epoch", "examples")  # what a summary calls when a metric was taken


class Evaluator:
    """The network of a run and its test set, both loaded once for many snapshots.

    `sample` are the training examples that some are tried of too, if the settings say so.
    """

    def __init__(
        self,
        experiment: Experiment,
        settings: dict[str, Any],
        test: Split,
        sample: Split,
    ):
        self._how = settings["evaluation"]
        self._device = device.choose(self._how["threads"])
        self._evaluate = experiment.load("evaluation").evaluate
        self._file = experiment.file("evaluation")
        seeding.seed_all(0)
        model = experiment.load("model")
        network = model.Network(settings["network"], settings["data"]["settings"])
        self._network = device.put(network, self._device).eval()
        self._tried = [self._columns(test)]
        if self._how["train_sample"]:
            if not _takes_sample(self._evaluate):
                raise UserError(
                    f"{self._file}: evaluate takes the test set alone: "
                    "leave evaluation.train_sample at 0, or let it take a sample too"
                )
            self._tried.append(self._columns(sample, self._how["train_sample"]))

    def _columns(self, split: Split, count: int | None = None) -> dict[str, torch.Tensor]:
        """The first `count` examples of a split, or all."""
        columns = split.arrays(device.cores())
        return {
            name: torch.from_numpy(array[:count]).to(self._device)
            for name, array in columns.items()
        }

    def evaluate(
        self,
        checkpoint: str | Path,
        target: str | Path,
        snapshot: int,
        key: str,
        digest: str | None = None,
    ) -> None:
        """Evaluate one checkpoint and write the evaluation to `target`.

        The file is opened once; `digest` is the SHA-256 that it should have (see
        `checkpoints.read`). Raises `UserError` for the checkpoint of another snapshot.
        """
        started = time.monotonic()
        loaded = checkpoints.load_into(self._network, checkpoint, digest)
        lineage.check_place(checkpoint, loaded.snapshot, snapshot)
        seeding.seed_all(seeding.derive_seed(snapshot, what="evaluation"))
        tried = (batches(columns, self._how["batch_size"]) for columns in self._tried)
        with torch.inference_mode(), device.arithmetic(self._device, self._how["precision"]):
            given = self._evaluate(self._network, *tried)
        columns, metrics = _checked(given, f"{self._file}: evaluate")
        check_row_count(columns, self._tried, f"{self._file}: evaluate")
        about = {"snapshot": snapshot, "key": json.loads(key)}
        evaluations.write(target, columns, metrics, about)
        said = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        log.info("snapshot %d: %s (%.2f s)", snapshot, said, time.monotonic() - started)


def _takes_sample(evaluate: Callable) -> bool:
    try:
        inspect.signature(evaluate).bind("network", "test", "sample")
    except TypeError:
        return False
    return True


def _checked(given: Any, source: str) -> tuple[dict[str, pa.Array], dict[str, float]]:
    """Columns of one length and finite metrics, or a `UserError` that says what `source` gave."""
    pair = isinstance(given, tuple | list) and len(given) == 2
    if not pair or not all(isinstance(part, Mapping) for part in given):
        raise UserError(
            f"{source} returns {shown(given)}; it returns two dicts, columns and metrics"
        )
    columns = {name: _column(name, values, source) for name, values in given[0].items()}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "none"
        raise UserError(f"{source} returns columns that are not of one length: {told}")
    return columns, {name: _metric(name, value, source) for name, value in given[1].items()}


def _column(name: Any, values: Any, source: str) -> pa.Array | pa.ChunkedArray:
    try:
        if not isinstance(name, str):
            raise TypeError("columns are named by text")
        return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        reason = first_line(error)
        raise UserError(f"{source} returns no column as {shown(name)}: {reason}") from error


def _metric(name: Any, value: Any, source: str) -> float:
    if not isinstance(name, str) or name in _TIMES:
        raise UserError(
            f"{source} returns a metric named {shown(name)}; name it otherwise, in text"
        )
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"{source} returns {shown(value)} as {name}; a metric is a finite number")
    return number


def check_row_count(
    columns: Mapping[str, Any], tried: Sequence[Mapping[str, Any]], source: str
) -> None:
    """Refuse columns that do not tell of all examples alike (`UserError`); `source` gave them.

    `tried` are the test examples and, where such are tried too, training examples, as columns.
    An experiment gives one row an example, or as many for each, and may leave the training's out.
    """
    rows, *examples = (len(next(iter(part.values()))) for part in (columns, *tried))
    counts = {examples[0], sum(examples)}
    if not rows or all(rows % count for count in counts):
        raise UserError(
            f"{source} returns {rows} rows; it returns one for each of the "
            f"{' or '.join(map(str, sorted(counts)))} examples, or as many for each"
        )


def batches(columns: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """A split's columns in batches of `size`, in order; the last may be shorter."""
    count = len(next(iter(columns.values())))
    for start in range(0, count, size):
        yield {name: column[start : start + size] for name, column in columns.items()}
