"""The data that a film is drawn from, the protocol of a panel, and the scene that draws frames.

A frame has a header (`header`) and a grid of panels (`grid`) below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from epochreel.core import seeding
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.palette import THEMES, Theme
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api.interface import Nouns

if TYPE_CHECKING:
    import pyarrow as pa


_WIDE = 1.2  # width ÷ height above which a frame is wide


@dataclass(frozen=True)
class RunInfo:
    """The data that all frames of a film share."""

    title: str
    size: tuple[int, int]  # width, height in px
    data: Mapping  # the dataset's settings
    network: Mapping  # the network's settings
    figure: Mapping  # the figure's settings
    time_axis: TimeAxis  # of curves
    examples_per_epoch: int
    test: Sequence[Mapping]  # test examples, decoded on access
    # The `Metric` of each name: label, direction, group, unit.
    metrics: Mapping = field(default_factory=dict)
    nouns: Nouns = field(default_factory=Nouns)
    examples: tuple[int, ...] | None = None  # the test examples to show; None: the figure chooses
    theme: Theme = THEMES["light"]
    # The untrained network's frame: its columns and metrics are those of all snapshots.
    untrained: FrameData | None = None
    rows_per_example: int = 1  # of an evaluation
    panels: Sequence | None = None  # `figure.panels` in the config

    @property
    def shape(self) -> str:
        """The shape of a frame: "wide", "square" or "upright"."""
        return shape_of(self.size)


def shape_of(size: tuple[int, int]) -> str:
    """Return the shape of a frame of `size`: "wide", "square" or "upright"."""
    share = size[0] / size[1]
    return "wide" if share > _WIDE else "square" if share > 1 / _WIDE else "upright"


@dataclass(frozen=True)
class FrameData:
    """The data of one snapshot's frame."""

    snapshot: int
    epoch: float
    examples: int  # number of training examples seen so far
    predictions: pa.Table  # the rows of its evaluation
    history: Mapping[str, np.ndarray]  # each metric at snapshots 0 … this one, (n,)
    # Position of each row in the plane, (N, 2), centred, with a root mean square radius of 1. In a
    # picture between two snapshots it is interpolated; all fields except this and `way` are the
    # first snapshot's.
    layout: np.ndarray | None = None
    way: Transition | None = None  # set in pictures between two snapshots
    step: int = 0  # number of training steps so far
    sentence: str = ""  # what the network has learned, in plain words
    # The training table up to this snapshot, if a panel of `figure.panels` shows it.
    training: pa.Table | None = None


@dataclass(frozen=True)
class Transition:
    """The two snapshots that a picture lies between, and how much of the time has passed.

    Points move along `eased`. Anything that would seem to jump in a transition of few pictures
    follows `share`, which is linear.
    """

    start: FrameData
    end: FrameData
    share: float  # 0 … 1

    @property
    def eased(self) -> float:
        """Fraction of their path that points have covered, 0 … 1; they start and stop gently."""
        return self.share * self.share * (3 - 2 * self.share)


class Panel(Protocol):
    """A part of the frame. It draws on its own canvas, whose size depends on the grid."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the parts that never change; called once, before any `draw`."""

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw `frame_data` over the static part, independent of earlier calls."""


class Scene:
    """Panels on one canvas. Draws snapshots in any order, with the same result each time.

    `places` has the panels and their regions, as (x, y, width, height) in units.
    """

    def __init__(
        self,
        size: tuple[int, int],
        places: Sequence[tuple[Panel, tuple[float, float, float, float]]],
        theme: Theme = THEMES["light"],
    ):
        self._canvas = Canvas(*size, theme.palette, theme.units)
        self._panels = [(panel, self._canvas.region(*place)) for panel, place in places]
        for panel, canvas in self._panels:
            panel.draw_static(canvas)
        self._static = self._canvas.pixels.copy()

    def draw(self, frame_data: FrameData) -> np.ndarray:
        """Draw a frame; return a new array, uint8 (H, W, 3)."""
        seeding.seed_all(seeding.derive_seed(frame_data.snapshot, what="frame"))
        # In place, since the regions of the panels are views of these pixels.
        np.copyto(self._canvas.pixels, self._static)
        for panel, canvas in self._panels:
            panel.draw(canvas, frame_data)
        return self._canvas.pixels.copy()
