"""The film of activations: how classes separate, and how each image is classified."""

from __future__ import annotations

from epochreel.drawing.frame import Panel, RunInfo
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
)


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
