"""From the settings of the stage `render` to what a figure is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.artifacts import evaluations, metrics
from epochreel.artifacts import projections as projection_files
from epochreel.core import seeding
from epochreel.core.errors import raise_wrong_result
from epochreel.core.files import atomic_write_bytes
from epochreel.drawing.frame import FrameData, RunInfo, Scene, Transition
from epochreel.film.timing import RATE
from epochreel.formats import png


@dataclass(frozen=True)
class FrameInputs:
    """The evaluations of snapshots from `first` on, and what shows them.

    `stage` says what all of it must follow from. `projections` are as many, or none where nothing
    is projected.
    """

    stage: Mapping[str, Any]
    first: int
    evaluations: Sequence[str]
    projections: Sequence[str]
    metrics: pa.Table

    def all_frame_data(self) -> Iterator[FrameData]:
        """All of them, one after the other; the next one's files are read meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._moment, 0)
            for place in range(len(self.evaluations)):
                now = ahead.result()
                if place + 1 < len(self.evaluations):
                    ahead = pool.submit(self._moment, place + 1)
                yield now

    def _moment(self, place: int) -> FrameData:
        snapshot, settings, reads = self.first + place, self.stage["settings"], self.stage["reads"]
        predictions = evaluations.of(self.evaluations[place], snapshot, reads["evaluate"])
        history = metrics.history(self.metrics, snapshot, settings["snapshots_per_epoch"])
        made = frame_data(settings, snapshot, predictions, history)
        if not self.projections:
            return made
        layout = projection_files.read(self.projections[place], snapshot, reads["project"])
        return replace(made, layout=layout)


def scene(figure: ModuleType, run_info: RunInfo) -> Scene:
    """The scene of the panels that an experiment's figure.py gives; `UserError` for others."""
    seeding.seed_all(0)
    panels, source = figure.panels(run_info), f"{figure.__file__}: panels"
    wanted = "a list of panels, which have the methods draw_static and draw"
    if not isinstance(panels, Iterable):
        raise_wrong_result(source, panels, wanted)
    panels = list(panels)
    for panel in panels:
        has_both = all(callable(getattr(panel, name, None)) for name in ("draw_static", "draw"))
        if isinstance(panel, type) or not has_both:
            raise_wrong_result(source, panel, wanted)
    return Scene(run_info.size, panels)


def draw(scene: Scene, shown: FrameInputs, frames: Sequence[str], key: str) -> None:
    """Draw the frames of all snapshots; each is written while the next one is drawn."""
    with _Writer(key) as writer:
        for frame_data, path in zip(shown.all_frame_data(), frames, strict=True):
            writer.write(path, frame_data.snapshot, png.encode, scene.draw(frame_data))


def draw_transitions(
    scene: Scene, shown: FrameInputs, transitions: Sequence[str], count: int, key: str
) -> None:
    """Draw the pictures that lead to each snapshot, `count` of them, one file a snapshot.

    `shown` begins with the snapshot before those of `transitions`, but for snapshot 0: to it leads
    nothing, and its file holds its own frame.
    """
    all_frame_data = shown.all_frame_data()
    before = next(all_frame_data) if len(shown.evaluations) > len(transitions) else None
    with _Writer(key) as writer:
        for frame_data, path in zip(all_frame_data, transitions, strict=True):
            pictures = [scene.draw(between) for between in _between(before, frame_data, count)]
            writer.write(path, frame_data.snapshot, _series, pictures)
            before = frame_data


def _between(before: FrameData | None, after: FrameData, count: int) -> Iterator[FrameData]:
    """The first of two moments with its points on their way to the second's places."""
    if before is None:
        yield after
        return
    for step in range(1, count + 1):
        way = Transition(before, after, step / (count + 1))
        layout = before.layout + np.float32(way.eased) * (after.layout - before.layout)
        yield replace(before, layout=layout, way=way)


def _series(pictures: Sequence[np.ndarray], noted: Mapping[str, str]) -> bytes:
    return png.encode_series(pictures, RATE, noted)


class _Writer:
    """Packs and writes pictures in a thread of its own, one at a time."""

    def __init__(self, key: str):
        self._key, self._pool, self._last = key, ThreadPoolExecutor(1), None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *raised: object) -> None:
        with self._pool:
            if self._last and raised[0] is None:
                self._last.result()

    def write(self, path: str, snapshot: int, pack: Callable[..., bytes], pixels: Any) -> None:
        """Write what `pack` makes of `pixels`, once the file before is written."""
        if self._last:
            self._last.result()
        noted = {"Snapshot": str(snapshot), "epochreel": self._key}
        self._last = self._pool.submit(lambda: atomic_write_bytes(path, pack(pixels, noted)))


def run_info(settings: Mapping[str, Any], test: Sequence[Mapping[str, Any]]) -> RunInfo:
    """What is the same for all frames of a run; `test` holds the test examples."""
    figure = settings["figure"]
    return RunInfo(
        title=settings["title"],
        size=(figure["width"], figure["height"]),
        data=settings["data"]["settings"],
        network=settings["network"],
        figure=figure["settings"],
        epochs=figure["time_axis"],
        examples_per_epoch=settings["batch_size"] * settings["steps_per_epoch"],
        test=test,
    )


def times(settings: Mapping[str, Any], snapshot: int) -> dict[str, float]:
    """When a snapshot was taken: its `epoch`, and the `examples` learned from so far."""
    steps = snapshot * settings["steps_per_epoch"] // settings["snapshots_per_epoch"]
    return {
        "epoch": snapshot / settings["snapshots_per_epoch"],
        "examples": steps * settings["batch_size"],
    }


def frame_data(
    settings: Mapping[str, Any],
    snapshot: int,
    predictions: pa.Table,
    history: Mapping[str, np.ndarray],
) -> FrameData:
    """One snapshot: its predictions, and the metrics of all snapshots up to it."""
    return FrameData(
        snapshot=snapshot,
        **times(settings, snapshot),
        predictions=predictions,
        history=history,
    )
