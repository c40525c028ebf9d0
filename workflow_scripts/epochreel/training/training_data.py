"""The data that a run trains on: its splits, and the user's files that they depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from epochreel.artifacts.dataset_shards import Split
from epochreel.core.files import sha256
from epochreel.experiment_api import loader
from epochreel.training.data_source import GeneratedSource, ShardedSource, Source


class TrainingData:
    """Training and validation sets of a run, with each shard read and hashed once.

    `sources` are the user's files that an unbounded training set is generated from. Relative paths
    in the settings start from `base`. Raises `UserError` for shards that are damaged or not those
    that the stage expects.
    """

    def __init__(
        self,
        experiment: loader.Experiment,
        stage: Mapping[str, Any],
        base: Path,
        train: Sequence[str],
        validation: Sequence[str],
        sources: Sequence[str],
    ):
        self._experiment, self._stage, self._base = experiment, stage, base
        self._is_unbounded = "train" in stage["settings"]["data"]
        self._train_split = None if self._is_unbounded else Split.of(stage, "train", train)
        self.validation = Split.of(stage, "validation", validation)
        splits = [split for split in (self._train_split, self.validation) if split is not None]
        digests = [digest for split in splits for digest in split.digests]
        self.digests = [*digests, *map(sha256, sources)]
        """Checksums of all files, in order: part of the training's digest in the store."""

    def source(self, device: torch.device) -> Source:
        """Return the training set on a device."""
        settings = self._stage["settings"]
        batch = settings["training"]["batch_size"]
        if self._train_split is not None:
            return ShardedSource(self._train_split, settings["seed"], batch, device)
        return stream(self._experiment, self._stage, self._base, batch, device)


def stream(
    experiment: loader.Experiment,
    stage: Mapping[str, Any],
    base: Path,
    batch: int,
    device: torch.device,
) -> GeneratedSource:
    """Return the unbounded training set of a stage."""
    data = stage["settings"]["data"]
    settings = loader.resolve_paths(data["settings"], stage["folders"], base)
    return GeneratedSource(experiment.load("data"), settings, data["seed"], batch, device)
