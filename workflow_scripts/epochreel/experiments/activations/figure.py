"""The film of activations: how classes separate, and how each image is classified."""

from __future__ import annotations

from epochreel.drawing.frame import RunInfo
from epochreel.drawing.grid import Cell
from epochreel.experiments.activations.clouds import Clouds, listed
from epochreel.experiments.activations.legend import AccuracyCurve, Legend
from epochreel.experiments.activations.mistakes import Mistakes


def panels(run_info: RunInfo) -> list:
    """Return the panels of a frame."""
    legend = Legend(run_info, listed(run_info))
    if run_info.shape == "square":
        return [Cell(Clouds(run_info), size=2.4), Cell(legend, essential=False)]
    curve = Cell(AccuracyCurve(run_info), size=0.8, essential=False)
    return [Cell(Clouds(run_info), size=2.2), [legend, curve]]


def closing(run_info: RunInfo) -> Mistakes:
    """Return the panel of the closing picture: what is still wrong."""
    return Mistakes(run_info)
