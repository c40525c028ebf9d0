"""The film of activations: how classes separate, and how each image is classified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.panels import TitleLine
from epochreel.experiments.activations import classes
from epochreel.experiments.activations.clouds import (
    MOST_BELOW_CLOUD,
    SECOND,
    SECOND_WIDTH,
    AccuracyCurve,
    Legend,
    SmallCloud,
    TestClouds,
    classified,
)
from epochreel.experiments.activations.clouds import (
    rows as rows_of,
)
from epochreel.experiments.activations.sentences import remark
from epochreel.film.sentences import confusions


def panels(run_info: RunInfo) -> list[Panel]:
    """Return the panels of a frame."""
    names = classes.names(run_info.data)
    return [
        TitleLine(run_info, "images seen"),
        TestClouds(run_info, names),
        *([] if len(names) > MOST_BELOW_CLOUD else [SmallCloud(names)]),
        Legend(run_info, names),
        AccuracyCurve(run_info, (SECOND, 804.0, SECOND_WIDTH, 194.0)),
    ]


def mistakes(run_info: RunInfo, frame_data: FrameData) -> list[str]:
    """Say how many test images are misclassified, and which classes are confused most often."""
    table = frame_data.predictions
    truth, prediction = classified(table, rows_of(table, "test"))
    names = [f"“{name}”" for name in classes.names(run_info.data)]
    return confusions(truth, prediction, names, "test images")


def sentences(rows: Sequence[Mapping[str, float]], data: Mapping, figure: Mapping) -> list[str]:
    """Return the sentence above each snapshot's frame, for the captions.

    `rows` holds the metrics of snapshots 0, 1, …; `data` and `figure` are the settings of the
    dataset and of the figure.
    """
    names, hold = classes.names(data), int(figure["sentence_snapshots"])
    metrics = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    begun = range(0, len(rows), hold)
    so_far = ({name: all_[: k + 1] for name, all_ in metrics.items()} for k in begun)
    of_phases = [remark(each, names, hold).sentence for each in so_far]
    return [of_phases[k // hold] for k in range(len(rows))]
