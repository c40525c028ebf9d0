"""Trying snapshots on the test set, whatever the experiment."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from epochreel import checkpoints, devices, evaluations
from epochreel.experiments import Experiment
from epochreel.shards import Split

log = logging.getLogger("epochreel")


class Evaluator:
    """The network of a run and its test set, both loaded once for many snapshots."""

    def __init__(self, experiment: Experiment, settings: dict[str, Any], test: Sequence[str]):
        self._how = settings["evaluation"]
        self._device = devices.choose(self._how["threads"])
        self._evaluate = experiment.load("evaluation").evaluate
        model = experiment.load("model")
        network = model.Network(settings["network"], settings["data"]["settings"])
        self._network = devices.put(network, self._device).eval()
        columns = Split(test).arrays(os.cpu_count() or 1)
        self._columns = {
            name: torch.from_numpy(array).to(self._device) for name, array in columns.items()
        }

    def evaluate(self, checkpoint: str | Path, target: str | Path, snapshot: int, key: str) -> None:
        """Evaluate one checkpoint and write what comes out to `target`."""
        started = time.monotonic()
        checkpoints.load_into(self._network, checkpoint)
        batches = evaluations.batches(self._columns, self._how["batch"])
        with torch.inference_mode(), devices.arithmetic(self._device, self._how["precision"]):
            columns, metrics = self._evaluate(self._network, batches)
        about = {"snapshot": snapshot, "key": json.loads(key)}
        evaluations.write(target, columns, metrics, about)
        said = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        log.info("snapshot %d: %s (%.2f s)", snapshot, said, time.monotonic() - started)
