"""Predictor an image of one's own with the network of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from epochreel.artifacts import checkpoint_index, checkpoints
from epochreel.core import seeding
from epochreel.core.errors import UserError
from epochreel.experiment_api.loader import Experiment
from epochreel.formats.user_images import open_image


class Predictor:
    """What a run's network makes of one image.

    The network is the checkpoint that the state of the run's last block tells of; `UserError` for
    any other. The CPU reads, with one thread, so that the same image gives the same bytes on a
    machine with a GPU.
    """

    def __init__(
        self,
        experiment: Experiment,
        stage: Mapping[str, Any],
        path_to_image: str | Path,
        path_to_network: str | Path,
        path_to_index: str | Path,
    ):
        settings, trained = stage["settings"], stage["reads"]["train"]
        index = checkpoint_index.read(path_to_index, settings["snapshot"], trained)
        torch.set_num_threads(1)
        self._data = settings["data"]["settings"]
        self._network = experiment.load("model").Network(settings["network"], self._data)
        checkpoints.load_into(self._network, path_to_network, index["checkpoints"][-1])
        self._image, self._path = open_image(path_to_image), path_to_image
        self._functions = experiment.load("inference")

    def call(self, function: str) -> Any:
        """What `function` of the experiment's inference.py gives: `predict` a table, `picture` pixels.

        Raises `UserError` with the image's path where it cannot be read.
        """
        make = getattr(self._functions, function)
        seeding.seed_all(0)
        try:
            return make(self._network.eval(), self._image, self._data)
        except UserError as error:
            raise UserError(f"{self._path}: {error}") from error
