"""Check the artifacts of a finished run: damage, cache key and position."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from epochreel.artifacts import (
    checkpoint_index,
    dataset_shards,
    evaluations,
    frames,
    manifest,
    metrics,
    segment_files,
    timeline,
    training_table,
)
from epochreel.core.errors import UserError, first_line
from epochreel.formats import video
from epochreel.provenance import keys, lineage


@dataclass(frozen=True)
class RunArtifacts:
    """The artifacts of a run by kind, each in the order of snapshots.

    `stages` maps stages to their cache keys; `made_by` maps each kind whose files carry a key to
    its stage; `index` is the checkpoint index of the last block; `last_snapshots` lists the last
    snapshot of each block.
    """

    files: Mapping[str, Sequence[str]]
    stages: Mapping[str, Mapping[str, Any]]
    made_by: Mapping[str, str]
    index: str
    last_snapshots: Sequence[int]

    def check(self) -> None:
        """Raise `UserError` for the first file that is damaged, stale or out of order."""
        for kind, paths in self.files.items():
            if kind in _CHECKS:
                _CHECKS[kind](self, paths)
            elif kind in self.made_by:
                _check_keys(self.key_digest(self.made_by[kind]), paths)

    @cached_property
    def steps(self) -> Sequence[int]:
        """The training steps of all snapshots, as the last checkpoint index lists them."""
        last, key_digest = self.last_snapshots[-1], self.key_digest("train")
        return checkpoint_index.read(self.index, last, key_digest)["steps"]

    def key_digest(self, stage: str) -> str:
        """Return the digest of the cache key that a stage's artifacts carry."""
        return keys.digest(self.stages[stage])


def _check_keys(key_digest: str, paths: Sequence[str]) -> None:
    """Check only the cache key: for kinds of files that need no other check."""
    for path in paths:
        try:
            key = manifest.read_key(path)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} is damaged ({first_line(error)}): {lineage.FIX}") from None
        lineage.check_key(path, key, key_digest)


def _check_film(run: RunArtifacts, paths: Sequence[str]) -> None:
    video.check(paths[0], run.key_digest("encode"))


def _check_segments(run: RunArtifacts, paths: Sequence[str]) -> None:
    end = "encode_closing" if "encode_closing" in run.stages else None
    digests = run.key_digest("encode_segment"), run.key_digest(end) if end else None
    snapshots = run.last_snapshots[-1] + 1
    size = run.stages["encode_segment"]["settings"]["film"]["segment"]
    expected = segment_files.expected(snapshots, size, *digests)
    segment_files.check([*paths, *run.files.get("closing_segment", ())], expected)


def _check_network(run: RunArtifacts, paths: Sequence[str]) -> None:
    checkpoint_index.check_last(
        run.index, paths[0], run.last_snapshots[-1], run.key_digest("train")
    )


def _check_pictures(stage: str, what: str, run: RunArtifacts, paths: Sequence[str]) -> None:
    settings = run.stages["encode"]["settings"]
    frames.check_frames(paths, (settings["width"], settings["height"]), run.key_digest(stage), what)


def _check_evaluations(stage: str, run: RunArtifacts, paths: Sequence[str]) -> None:
    key_digest = run.key_digest(stage)
    for snapshot, path in enumerate(paths):
        evaluations.metrics(path, snapshot, key_digest)


def _check_metrics(run: RunArtifacts, paths: Sequence[str]) -> None:
    key_digest = run.key_digest("summarize")
    for path, last in zip(paths, run.last_snapshots, strict=True):
        metrics.read(path, last + 1, key_digest, run.steps[: last + 1])


def _check_timeline(run: RunArtifacts, paths: Sequence[str]) -> None:
    timeline.read(paths[0], run.last_snapshots[-1] + 1, run.key_digest("timeline"))


def _check_training(run: RunArtifacts, paths: Sequence[str]) -> None:
    key_digest, first = run.key_digest("train"), 0
    for path, last in zip(paths, run.last_snapshots, strict=True):
        training_table.read(path, first, run.steps[first : last + 1], key_digest)
        first = last + 1


def _check_indexes(run: RunArtifacts, paths: Sequence[str]) -> None:
    """Check the indexes, and with them all checkpoints."""
    key_digest, first = run.key_digest("train"), 0
    for path, last in zip(paths, run.last_snapshots, strict=True):
        checkpoints = run.files["checkpoints"][first : last + 1]
        steps = run.steps[first : last + 1]
        checkpoint_index.check_checkpoints(path, checkpoints, steps, last, key_digest)
        first = last + 1


def _check_shards(reader: str, split: str, run: RunArtifacts, paths: Sequence[str]) -> None:
    if not paths:
        return
    dataset_shards.check(run.stages[reader], split, paths)


_CHECKS: dict[str, Callable[[RunArtifacts, Sequence[str]], None]] = {
    "film": _check_film,
    "segments": _check_segments,
    "network": _check_network,
    "frames": partial(_check_pictures, "render", "frame"),
    "evaluations": partial(_check_evaluations, "evaluate"),
    "metrics": _check_metrics,
    "timeline": _check_timeline,
    "projections": partial(_check_evaluations, "project"),
    "transitions": partial(_check_pictures, "render_transitions", "transitions"),
    "checkpoint_index": _check_indexes,
    "training": _check_training,
    "train": partial(_check_shards, "train", "train"),
    "validation": partial(_check_shards, "train", "validation"),
    "test": partial(_check_shards, "evaluate", "test"),
}
