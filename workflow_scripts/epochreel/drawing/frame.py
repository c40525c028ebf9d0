"""What a film is drawn from: its story, its moments, and the panels of its scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from epochreel.core import seeding
from epochreel.drawing.canvas import Canvas

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class RunInfo:
    """What is the same for all frames of a film."""

    title: str
    size: tuple[int, int]  # width, height in px
    data: Mapping  # the dataset's settings
    network: Mapping  # the network's settings
    figure: Mapping  # the figure's settings
    epochs: float  # right end of the time axis
    examples_per_epoch: int
    test: Sequence[Mapping]  # test examples, decoded on access


@dataclass(frozen=True)
class FrameData:
    """One snapshot: what its frame tells."""

    snapshot: int
    epoch: float
    examples: int  # training examples seen so far
    predictions: pa.Table  # the rows of its evaluation
    history: Mapping[str, np.ndarray]  # metrics of snapshots 0 … this one, (n,) each
    # where the rows lie in the plane, (N, 2), about the origin and of root mean square radius 1;
    # between two snapshots it is between theirs, and all else but `way` is the first one's
    layout: np.ndarray | None = None
    way: Transition | None = (
        None  # of a moment between two snapshots: the way from one to the other
    )


@dataclass(frozen=True)
class Transition:
    """Between which two snapshots a moment lies, and how much of the time is over, 0 … 1.

    Points set out and arrive gently; what is not to leap where there are few pictures goes evenly.
    """

    start: FrameData
    end: FrameData
    share: float

    @property
    def eased(self) -> float:
        """How much of their way points have gone, 0 … 1."""
        return self.share * self.share * (3 - 2 * self.share)


class Panel(Protocol):
    """A part of the frame."""

    def draw_static(self, canvas: Canvas) -> None:
        """Draws what never changes; called once, before any `draw`."""

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draws what `frame_data` says over what was settled, whatever was drawn before."""


class Scene:
    """Panels on one ground: draws the frame of any moment, in any order, always alike."""

    def __init__(self, size: tuple[int, int], panels: Sequence[Panel]):
        self._canvas = Canvas(*size)
        self._panels = panels
        for panel in panels:
            panel.draw_static(self._canvas)
        self._settled = self._canvas.pixels

    def draw(self, frame_data: FrameData) -> np.ndarray:
        """The frame of `frame_data`: a fresh array, uint8 (H, W, 3)."""
        seeding.seed_all(seeding.derive_seed(frame_data.snapshot, what="frame"))
        self._canvas.pixels = self._settled.copy()
        for panel in self._panels:
            panel.draw(self._canvas, frame_data)
        return self._canvas.pixels
