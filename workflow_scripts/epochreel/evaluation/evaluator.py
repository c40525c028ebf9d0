"""Evaluation of checkpoints on the test set, independent of the experiment.

A user's `evaluate` gets a new network and copies of the examples for each snapshot, so its changes
to them do not affect the next snapshot.
"""

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
from epochreel.experiment_api.interface import TIMES
from epochreel.experiment_api.loader import Experiment
from epochreel.provenance import lineage

log = logging.getLogger("epochreel")
# Columns of metric tables, and arrays of a history.
_RESERVED = (*TIMES, "sentence", "cast")


class Evaluator:
    """The test set of a run, loaded once for many snapshots.

    `sample` holds training examples; they are evaluated too if `train_sample` is above 0.
    """

    def __init__(
        self,
        experiment: Experiment,
        settings: dict[str, Any],
        test: Split,
        sample: Split,
    ):
        self._settings = settings["evaluation"]
        self._device = device.choose(self._settings["threads"])
        self.load(experiment)
        self._file = experiment.file("evaluation")
        self._network_settings = settings["network"], settings["data"]["settings"]
        # Built-in experiments change neither the network nor the examples: copies, which would take
        # a twentieth of the time, are not needed.
        self._shared_network = self._network() if experiment.is_builtin else None
        self._splits = [self._columns(test)]
        if self._settings["train_sample"]:
            if not _takes_sample(self._evaluate):
                raise UserError(
                    f"{self._file}: evaluate takes no training sample: set "
                    "evaluation.train_sample to 0, or add the parameter to evaluate"
                )
            self._splits.append(self._columns(sample, self._settings["train_sample"]))

    def load(self, experiment: Experiment) -> None:
        """Use the functions of this experiment from now on."""
        self._evaluate = experiment.load("evaluation").evaluate
        self._model = experiment.load("model")

    def _network(self) -> torch.nn.Module:
        """Return a new network. (A deep copy of one would share the closures of its hooks.)"""
        seeding.seed_all(0)
        network = device.put(self._model.Network(*self._network_settings), self._device).eval()
        seeding.hold(network=network)
        return network

    def _columns(self, split: Split, count: int | None = None) -> dict[str, torch.Tensor]:
        """Return the first `count` examples of a split, or all, as tensors on the device."""
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

        Opens the file once; `digest` is its expected SHA-256 (see `checkpoints.read`). Raises
        `UserError` if the checkpoint belongs to another snapshot.
        """
        started = time.monotonic()
        is_shared = self._shared_network is not None
        network = self._shared_network if is_shared else self._network()
        loaded = checkpoints.load_into(network, checkpoint, digest)
        lineage.check_position(checkpoint, loaded.snapshot, snapshot)
        seeding.seed_all(seeding.derive_seed(snapshot, what="evaluation"))
        size = self._settings["batch_size"]
        inputs = (batches(columns, size, copy=not is_shared) for columns in self._splits)
        # A gradient that `evaluate` computed for the snapshot before must not add to this one's.
        network.zero_grad(set_to_none=True)
        with torch.no_grad(), device.autocast(self._device, self._settings["precision"]):
            returned = self._evaluate(network, *inputs)
        columns, metrics = _checked(returned, f"{self._file}: evaluate")
        check_row_count(columns, self._splits, f"{self._file}: evaluate")
        metadata = {"snapshot": snapshot, "key": json.loads(key)}
        evaluations.write(target, columns, metrics, metadata)
        summary = ", ".join(
            f"{name} –" if value is None else f"{name} {value:.4f}"
            for name, value in metrics.items()
        )
        log.info(
            "snapshot %d: %s (%.2f s)",
            snapshot,
            summary,
            time.monotonic() - started,
            extra={"progress": {"snapshot": snapshot, "metrics": metrics}},
        )

    def check_repeatable(
        self,
        checkpoint: str | Path,
        target: str | Path,
        snapshot: int,
        key: str,
        digest: str | None = None,
    ) -> None:
        """Evaluate a snapshot again, as `evaluate` did, but after others; compare the results.

        Raises `UserError` if they differ: user code keeps state between snapshots. Does nothing on
        a GPU, which may not reproduce its results.
        """
        if self._device.type != "cpu":
            return
        before = Path(target).read_bytes()
        self.evaluate(checkpoint, target, snapshot, key, digest)
        if Path(target).read_bytes() != before:
            raise UserError(
                f"{self._file}: evaluate returns a different result for snapshot {snapshot} after "
                "other snapshots; expected the same: make it depend only on its arguments"
            )


def _takes_sample(evaluate: Callable) -> bool:
    """Return whether `evaluate` accepts a training sample as its third argument."""
    try:
        inspect.signature(evaluate).bind("network", "test", "sample")
    except TypeError:
        return False
    return True


def _checked(returned: Any, source: str) -> tuple[dict[str, pa.Array], dict[str, float | None]]:
    """Return columns of equal length and metrics; raise `UserError` for other results.

    Metrics are finite, or None where they are undefined. `source` is the file and the function that
    returned them.
    """
    pair = isinstance(returned, tuple | list) and len(returned) == 2
    if not pair or not all(isinstance(part, Mapping) for part in returned):
        raise UserError(
            f"{source} returns {shown(returned)}; expected two dicts, columns and metrics"
        )
    columns = {name: _column(name, values, source) for name, values in returned[0].items()}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise UserError(
            f"{source} returns columns of different lengths ({found}); expected one length"
        )
    return columns, {name: _metric(name, value, source) for name, value in returned[1].items()}


def _column(name: Any, values: Any, source: str) -> pa.Array | pa.ChunkedArray:
    try:
        if not isinstance(name, str):
            raise TypeError("column names are strings")
        return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        reason = first_line(error)
        raise UserError(f"{source} returns an invalid column {shown(name)}: {reason}") from error


def _metric(name: Any, value: Any, source: str) -> float | None:
    if not isinstance(name, str) or name in _RESERVED:
        raise UserError(
            f"{source} returns a metric named {shown(name)}; expected a string other than "
            f"{', '.join(_RESERVED)}"
        )
    try:
        number = math.nan if value is None else float(value)
    except (TypeError, ValueError, RuntimeError):
        number = math.inf
    if math.isinf(number):
        raise UserError(
            f"{source} returns {shown(value)} as {name}; expected a finite number, or None or NaN "
            "where the metric is undefined"
        )
    return None if math.isnan(number) else number


def check_row_count(
    columns: Mapping[str, Any], splits: Sequence[Mapping[str, Any]], source: str
) -> None:
    """Raise `UserError` unless the columns have the same number of rows for each example.

    `splits` are the columns of the test examples and, if they are evaluated too, of the training
    examples, for which an experiment may return no rows. `source` is the file and the function that
    returned the columns.
    """
    if not columns:
        return  # An experiment may return nothing but metrics.
    rows, *examples = (len(next(iter(part.values()))) for part in (columns, *splits))
    counts = {examples[0], sum(examples)}
    if not rows or all(rows % count for count in counts):
        raise UserError(
            f"{source} returns {rows} rows; expected a multiple of the number of examples, "
            f"{' or '.join(map(str, sorted(counts)))}"
        )


def batches(columns: Mapping[str, Any], size: int, copy: bool = False) -> Iterator[dict[str, Any]]:
    """Yield a split's columns in batches of `size`, in order; the last may be smaller.

    With `copy`, columns are tensors, and changes of a batch do not reach them.
    """
    count = len(next(iter(columns.values())))
    for start in range(0, count, size):
        batch = {name: column[start : start + size] for name, column in columns.items()}
        yield {name: part.clone() for name, part in batch.items()} if copy else batch
