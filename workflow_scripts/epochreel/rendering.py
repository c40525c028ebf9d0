"""From the settings of the stage `render` to what a figure is drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel import evaluations, png, summaries
from epochreel.drawing.scene import Moment, Scene, Story
from epochreel.errors import refuse_another
from epochreel.files import write_whole


@dataclass(frozen=True)
class Block:
    """The evaluations and the frames of a block, and what its frames share."""

    settings: Mapping[str, Any]
    first: int
    evaluations: Sequence[str]
    frames: Sequence[str]
    summary: pa.Table
    key: str

    def draw(self, scene: Scene) -> None:
        """Draw all frames; the next evaluation is read and the last frame written meanwhile."""
        written = None
        with ThreadPoolExecutor(2) as pool:
            ahead = pool.submit(evaluations.read, self.evaluations[0])
            for place in range(len(self.frames)):
                predictions = ahead.result()
                if place + 1 < len(self.frames):
                    ahead = pool.submit(evaluations.read, self.evaluations[place + 1])
                pixels = scene.draw(self._moment(place, predictions))
                if written:
                    written.result()
                written = pool.submit(self._write, place, pixels)
            written.result()

    def _moment(self, place: int, predictions: pa.Table) -> Moment:
        snapshot = self.first + place
        noted = json.loads(predictions.schema.metadata[b"epochreel"])
        refuse_another(self.evaluations[place], noted["snapshot"], snapshot)
        per_epoch = self.settings["snapshots_per_epoch"]
        history = summaries.history(self.summary, snapshot, per_epoch)
        return moment(self.settings, snapshot, predictions, history)

    def _write(self, place: int, pixels: np.ndarray) -> None:
        noted = {"Snapshot": str(self.first + place), "epochreel": self.key}
        write_whole(self.frames[place], png.encode(pixels, noted))


def story(settings: Mapping[str, Any], test: Sequence[Mapping[str, Any]]) -> Story:
    """What is the same for all frames of a run; `test` holds the test examples."""
    figure = settings["figure"]
    return Story(
        title=settings["title"],
        size=(figure["width"], figure["height"]),
        data=settings["data"]["settings"],
        network=settings["network"],
        figure=figure["settings"],
        epochs=figure["time_axis"],
        examples_per_epoch=settings["batch"] * settings["batches_per_epoch"],
        test=test,
    )


def times(settings: Mapping[str, Any], snapshot: int) -> dict[str, float]:
    """When a snapshot was taken: its `epoch`, and the `examples` learned from so far."""
    batches = snapshot * settings["batches_per_epoch"] // settings["snapshots_per_epoch"]
    return {
        "epoch": snapshot / settings["snapshots_per_epoch"],
        "examples": batches * settings["batch"],
    }


def moment(
    settings: Mapping[str, Any],
    snapshot: int,
    predictions: pa.Table,
    history: Mapping[str, np.ndarray],
) -> Moment:
    """One snapshot: its predictions, and the metrics of all snapshots up to it."""
    return Moment(
        snapshot=snapshot,
        **times(settings, snapshot),
        predictions=predictions,
        history=history,
    )
