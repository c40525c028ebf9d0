"""From the settings of the stage `render` to what a figure is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.drawing.scene import Moment, Story


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
