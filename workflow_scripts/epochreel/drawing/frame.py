"""The data that a film is drawn from, the protocol of a panel, and the scene that draws frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from epochreel.core import seeding
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.time_axis import TimeAxis

if TYPE_CHECKING:
    import pyarrow as pa


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
    nouns: Any = None  # plain words for the examples and the answers
    examples: tuple[int, ...] | None = None  # numbers of the test examples to show; None: any


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
    sentence: str = ""  # that of the phase


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
    """A part of the frame, drawn at a fixed position."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the parts that never change; called once, before any `draw`."""

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw `frame_data` over the static part, independent of earlier calls."""


class Scene:
    """Panels on one canvas. Draws snapshots in any order, with the same result each time."""

    def __init__(self, size: tuple[int, int], panels: Sequence[Panel]):
        self._canvas = Canvas(*size)
        self._panels = panels
        for panel in panels:
            panel.draw_static(self._canvas)
        self._static = self._canvas.pixels.copy()  # A panel may keep the array and draw on it.

    def draw(self, frame_data: FrameData) -> np.ndarray:
        """Draw a frame; return a new array, uint8 (H, W, 3)."""
        seeding.seed_all(seeding.derive_seed(frame_data.snapshot, what="frame"))
        self._canvas.pixels = self._static.copy()
        for panel in self._panels:
            panel.draw(self._canvas, frame_data)
        return self._canvas.pixels
