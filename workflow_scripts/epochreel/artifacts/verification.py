"""What is kept of a finished run, looked at as its readers look: wholeness, origin and place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from epochreel.artifacts import (
    checkpoint_index,
    dataset_shards,
    evaluations,
    frames,
    manifest,
    metrics,
    training_table,
)
from epochreel.formats import mp4
from epochreel.provenance import keys, lineage


@dataclass(frozen=True)
class RunArtifacts:
    """The files that are kept of a run, by kind, in the order of snapshots.

    `stages` are the cache keys of the stages that made them; `made_by` names the stage for each
    kind whose files carry its key; `index` is that of the last block, and `last_snapshots` are the numbers of
    the blocks' last snapshots.
    """

    files: Mapping[str, Sequence[str]]
    stages: Mapping[str, Mapping[str, Any]]
    made_by: Mapping[str, str]
    index: str
    last_snapshots: Sequence[int]

    def check(self) -> None:
        """Raise `UserError` with the first file that is damaged, foreign or in another's place."""
        for kind, paths in self.files.items():
            if kind in _CHECKS:
                _CHECKS[kind](self, paths)
            elif kind in self.made_by:
                _carries_key(self.key_digest(self.made_by[kind]), paths)

    def key_digest(self, stage: str) -> str:
        """The digest of the key that the artifacts of a stage carry."""
        return keys.digest(self.stages[stage])


def _carries_key(key_digest: str, paths: Sequence[str]) -> None:
    """Files of a kind that needs no check but that of the key which they carry."""
    for path in paths:
        lineage.check_key(path, manifest.carried_key(path), key_digest)


def _film(kept: RunArtifacts, paths: Sequence[str]) -> None:
    mp4.check(paths[0], kept.key_digest("encode"))


def _network(kept: RunArtifacts, paths: Sequence[str]) -> None:
    checkpoint_index.check_last(
        kept.index, paths[0], kept.last_snapshots[-1], kept.key_digest("train")
    )


def _pictures(stage: str, what: str, kept: RunArtifacts, paths: Sequence[str]) -> None:
    settings = kept.stages["encode"]["settings"]
    frames.check_frames(
        paths, (settings["width"], settings["height"]), kept.key_digest(stage), what
    )


def _of_snapshots(stage: str, kept: RunArtifacts, paths: Sequence[str]) -> None:
    key_digest = kept.key_digest(stage)
    for snapshot, path in enumerate(paths):
        evaluations.metrics(path, snapshot, key_digest)


def _summaries(kept: RunArtifacts, paths: Sequence[str]) -> None:
    key_digest = kept.key_digest("summarize")
    for path, end in zip(paths, kept.last_snapshots, strict=True):
        metrics.read(path, end + 1, key_digest)


def _training(kept: RunArtifacts, paths: Sequence[str]) -> None:
    key_digest, first = kept.key_digest("train"), 0
    for path, end in zip(paths, kept.last_snapshots, strict=True):
        training_table.read(path, first, end - first + 1, key_digest)
        first = end + 1


def _states(kept: RunArtifacts, paths: Sequence[str]) -> None:
    """States, and with them all checkpoints."""
    key_digest, first = kept.key_digest("train"), 0
    for path, end in zip(paths, kept.last_snapshots, strict=True):
        checkpoints = kept.files["checkpoints"][first : end + 1]
        checkpoint_index.check_checkpoints(path, checkpoints, end, key_digest)
        first = end + 1


def _shards(reader: str, split: str, kept: RunArtifacts, paths: Sequence[str]) -> None:
    if not paths:
        return
    dataset_shards.check(kept.stages[reader], split, paths)


_CHECKS: dict[str, Callable[[RunArtifacts, Sequence[str]], None]] = {
    "film": _film,
    "network": _network,
    "frames": partial(_pictures, "render", "frame"),
    "evaluations": partial(_of_snapshots, "evaluate"),
    "metrics": _summaries,
    "projections": partial(_of_snapshots, "project"),
    "transitions": partial(_pictures, "render_transitions", "transitions"),
    "checkpoint_index": _states,
    "training": _training,
    "train": partial(_shards, "train", "train"),
    "validation": partial(_shards, "train", "validation"),
    "test": partial(_shards, "evaluate", "test"),
}
