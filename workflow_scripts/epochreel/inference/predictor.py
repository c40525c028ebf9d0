"""Prediction on a user's image with the network of a run."""

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
    """The network of a run and one image.

    Raises `UserError` unless the network is the last checkpoint in the index of the run's last
    block. Runs on the CPU with one thread, so that an image gives the same bytes on a machine
    with a GPU.
    """

    def __init__(
        self,
        experiment: Experiment,
        stage: Mapping[str, Any],
        path_to_image: str | Path,
        path_to_network: str | Path,
        path_to_index: str | Path,
    ):
        settings, key_digest = stage["settings"], stage["reads"]["train"]
        index = checkpoint_index.read(path_to_index, settings["snapshot"], key_digest)
        torch.set_num_threads(1)
        self._data = settings["data"]["settings"]
        model = experiment.load("model")
        seeding.seed_all(0)
        self._network = model.Network(settings["network"], self._data)
        checkpoints.load_into(self._network, path_to_network, index["checkpoints"][-1])
        self._image, self._path = open_image(path_to_image), path_to_image
        self._module = experiment.load("inference")
        seeding.hold(network=self._network)

    def call(self, function: str) -> Any:
        """Call `function` of the experiment's inference.py and return its result.

        `predict` returns a table, `draw_prediction` returns pixels. A `UserError` that it raises,
        such as for an image without a table, is re-raised with the image's path.
        """
        predict = getattr(self._module, function)
        seeding.seed_all(0)
        try:
            return predict(self._network.eval(), self._image, self._data)
        except UserError as error:
            raise UserError(f"{self._path}: {error}") from error
