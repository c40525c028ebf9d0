"""The data of a training: its splits, and the user's files that it draws from."""

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
    """The training and validation sets of a run, each shard read and hashed once.

    `sources` are the user's files that an unbounded training set is drawn from. Relative paths of
    the settings start from `base`. Raises `UserError` for shards that are damaged or not those
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
        self._is_stream = "train" in stage["settings"]["data"]
        self._train = None if self._is_stream else Split.of(stage, "train", train)
        self.validation = Split.of(stage, "validation", validation)
        stored = [split for split in (self._train, self.validation) if split is not None]
        digests = [digest for split in stored for digest in split.digests]
        self.digests = [*digests, *map(sha256, sources)]
        """The checksums of all files, in order: they name the training in the store."""

    def source(self, device: torch.device) -> Source:
        """The training set, on a device."""
        settings = self._stage["settings"]
        batch = settings["training"]["batch_size"]
        if self._train is not None:
            return ShardedSource(self._train, settings["seed"], batch, device)
        return stream(self._experiment, self._stage, self._base, batch, device)


def stream(
    experiment: loader.Experiment,
    stage: Mapping[str, Any],
    base: Path,
    batch: int,
    device: torch.device,
) -> GeneratedSource:
    """The unbounded training set of a stage."""
    data = stage["settings"]["data"]
    own = loader.resolved(data["settings"], stage["folders"], base)
    return GeneratedSource(experiment.load("data"), own, data["seed"], batch, device)
