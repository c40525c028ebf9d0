"""Projecting the snapshots of a run, block by block or all together."""

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

_NUMBERS = ("size", "trustworthiness", "neighbours_kept", "jitter", "still")


@dataclass(frozen=True)
class Block:
    """The evaluations of consecutive snapshots from `first` on, to be projected.

    `own` is the experiment's projection.py: its `activations` takes the N rows of an evaluation
    and gives (N, D) numbers.
    """

    own: ModuleType
    stage: Mapping[str, Any]
    first: int
    evaluations: Sequence[str]

    @property
    def key(self) -> str:
        """What the layouts note that they follow from."""
        return keys.key(self.stage)

    def project(self, before: Sequence[str], targets: Sequence[str]) -> None:
        """Write the layouts; `before` are evaluation and projection of the snapshot before."""
        settings = self.stage["settings"]
        made = project(_Read(self), settings["projection"], settings["seed"], self._before(before))
        for place, (projection, target) in enumerate(zip(made, targets, strict=False)):
            numbers = {name: getattr(projection, name) for name in _NUMBERS}
            projections.write(target, projection.layout, numbers, self.first + place, self.key)

    def fit(self, target: str) -> None:
        """Write the layouts of all snapshots to one file, a row each."""
        settings = self.stage["settings"]
        made = project(_Read(self), settings["projection"], settings["seed"])
        rows = [_row(projection) for projection in made]
        table = pa.Table.from_pylist(rows).replace_schema_metadata({"epochreel": self.key})
        parquet.write(target, table)

    def take(self, fit: str, targets: Sequence[str]) -> None:
        """Write the block's layouts as they are in a fit."""
        table = parquet.read(fit)
        lineage.check_key(fit, parquet.noted(table.schema), self.stage["reads"]["fit_projection"])
        rows = table.slice(self.first, len(self.evaluations)).to_pylist()
        for place, (row, target) in enumerate(zip(rows, targets, strict=False)):
            points = np.column_stack((row["x"], row["y"])).astype(np.float32)
            numbers = {name: row[name] for name in _NUMBERS}
            projections.write(target, points, numbers, self.first + place, self.key)

    def rows(self, place: int) -> np.ndarray:
        """The activations of one snapshot of the block."""
        return self._activations(self.evaluations[place], self.first + place)

    def _activations(self, path: str, snapshot: int) -> np.ndarray:
        predictions = evaluations.read_snapshot(path, snapshot, self.stage["reads"]["evaluate"])
        seeding.seed_all(seeding.derive_seed(snapshot, what="layout"))
        return _checked(self.own.activations(predictions), len(predictions), self.own)

    def _before(self, paths: Sequence[str]) -> Previous | None:
        if not paths:
            return None
        (evaluation, projection), snapshot = paths, self.first - 1
        layout = projections.read(projection, snapshot, keys.key_digest(self.stage))
        size = evaluations.read_metadata(projection)["metrics"]["size"]
        rows = self._activations(evaluation, snapshot)
        return Previous(np.asarray(rows, np.float64), layout, size)


class _Read(Sequence):
    """The activations of a block's snapshots, read when they are asked for."""

    def __init__(self, block: Block):
        self._block = block

    def __len__(self) -> int:
        return len(self._block.evaluations)

    def __getitem__(self, place: int) -> np.ndarray:
        return self._block.rows(place)


def _checked(given: Any, count: int, own: ModuleType) -> np.ndarray:
    """The activations as `own` gives them: numbers, a row for each of `count` predictions."""
    try:
        rows = np.asarray(given)
    except (TypeError, ValueError, RuntimeError):  # Rows of other lengths, or on the GPU.
        rows = np.empty(0, object)
    if rows.ndim != 2 or rows.dtype.kind not in "fiub" or len(rows) != count or not rows.size:
        wanted = f"an array of numbers, a row for each of the {count} predictions"
        raise_wrong_result(f"{own.__file__}: activations", given, wanted)
    return rows


def _row(projection: Projection) -> dict[str, Any]:
    x, y = projection.layout.T
    return {"x": x, "y": y} | {name: getattr(projection, name) for name in _NUMBERS}
