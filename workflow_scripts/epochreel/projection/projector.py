"""Projection of the snapshots of a run, block by block or all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.artifacts import evaluations, projections
from epochreel.core import seeding
from epochreel.core.errors import raise_wrong_result
from epochreel.formats import parquet
from epochreel.projection.embed import Projection, project
from epochreel.projection.previous import Previous
from epochreel.provenance import keys, lineage

_METRICS = ("size", "trustworthiness", "neighbours_kept", "jitter", "still")


@dataclass(frozen=True)
class Block:
    """The evaluations of consecutive snapshots that start with `first`.

    `user_module` is the experiment's projection.py: its function `activations` takes an evaluation
    of N rows and returns numbers (N, D).
    """

    user_module: ModuleType
    stage: Mapping[str, Any]
    first: int
    evaluations: Sequence[str]

    @property
    def key(self) -> str:
        """Cache key of the layouts."""
        return keys.key(self.stage)

    def project(self, before: Sequence[str], targets: Sequence[str]) -> None:
        """Write the layouts.

        `before` is empty or the evaluation and the projection of the snapshot before the block.
        """
        settings = self.stage["settings"]
        projected = project(
            _LazyActivations(self), settings["projection"], settings["seed"], self._before(before)
        )
        for slot, (projection, target) in enumerate(zip(projected, targets, strict=False)):
            quality = {name: getattr(projection, name) for name in _METRICS}
            projections.write(target, projection.layout, quality, self.first + slot, self.key)

    def fit(self, target: str) -> None:
        """Write the layouts of all snapshots to one file, one row each."""
        settings = self.stage["settings"]
        projected = project(_LazyActivations(self), settings["projection"], settings["seed"])
        rows = [_row(projection) for projection in projected]
        table = pa.Table.from_pylist(rows).replace_schema_metadata({"epochreel": self.key})
        parquet.write(target, table)

    def write_from_fit(self, fit: str, targets: Sequence[str]) -> None:
        """Write the block's layouts from a fit of the whole film."""
        table = parquet.read(fit)
        lineage.check_key(
            fit, parquet.metadata(table.schema), self.stage["reads"]["fit_projection"]
        )
        rows = table.slice(self.first, len(self.evaluations)).to_pylist()
        for slot, (row, target) in enumerate(zip(rows, targets, strict=False)):
            points = np.column_stack((row["x"], row["y"])).astype(np.float32)
            quality = {name: row[name] for name in _METRICS}
            projections.write(target, points, quality, self.first + slot, self.key)

    def activations(self, slot: int) -> np.ndarray:
        """Return the activations of the snapshot in a slot of the block."""
        return self._read_activations(self.evaluations[slot], self.first + slot)

    def _read_activations(self, path: str, snapshot: int) -> np.ndarray:
        predictions = evaluations.read_snapshot(path, snapshot, self.stage["reads"]["evaluate"])
        seeding.seed_all(seeding.derive_seed(snapshot, what="layout"))
        return _checked(
            self.user_module.activations(predictions), len(predictions), self.user_module
        )

    def _before(self, paths: Sequence[str]) -> Previous | None:
        if not paths:
            return None
        (evaluation, projection), snapshot = paths, self.first - 1
        layout = projections.read(projection, snapshot, keys.key_digest(self.stage))
        size = evaluations.read_metadata(projection)["metrics"]["size"]
        rows = self._read_activations(evaluation, snapshot)
        return Previous(np.asarray(rows, np.float64), layout, size)


class _LazyActivations(Sequence):
    """The activations of a block's snapshots, read on access."""

    def __init__(self, block: Block):
        self._block = block

    def __len__(self) -> int:
        return len(self._block.evaluations)

    def __getitem__(self, slot: int) -> np.ndarray:
        return self._block.activations(slot)


def _checked(returned: Any, count: int, user_module: ModuleType) -> np.ndarray:
    """Return the activations as a numeric array with one row for each of `count` predictions."""
    try:
        rows = np.asarray(returned)
    except (TypeError, ValueError, RuntimeError):  # Rows of different lengths, or on the GPU.
        rows = np.empty(0, object)
    if rows.ndim != 2 or rows.dtype.kind not in "fiub" or len(rows) != count or not rows.size:
        expected = f"an array of numbers with one row for each of the {count} predictions"
        raise_wrong_result(f"{user_module.__file__}: activations", returned, expected)
    return rows


def _row(projection: Projection) -> dict[str, Any]:
    x, y = projection.layout.T
    return {"x": x, "y": y} | {name: getattr(projection, name) for name in _METRICS}
