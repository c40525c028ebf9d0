"""Rendering of frames and transitions from evaluations, projections and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.artifacts import evaluations, metrics
from epochreel.artifacts import projections as projection_files
from epochreel.core import seeding
from epochreel.core.errors import raise_wrong_result
from epochreel.core.files import atomic_write_bytes
from epochreel.drawing.frame import FrameData, RunInfo, Scene, Transition
from epochreel.experiment_api.interface import Metric
from epochreel.film.timing import RATE
from epochreel.formats import png


@dataclass(frozen=True)
class FrameInputs:
    """Inputs for the frames of consecutive snapshots that start with `first`.

    `projections` has one path per evaluation, or is empty if nothing is projected. `stage` has the
    key digests that all files must carry. `metrics` has all snapshots up to the last of these.
    """

    stage: Mapping[str, Any]
    first: int
    evaluations: Sequence[str]
    projections: Sequence[str]
    metrics: pa.Table

    def all_frame_data(self) -> Iterator[FrameData]:
        """Yield the data of each frame in order; read the next one's files in the background."""
        with ThreadPoolExecutor(1) as pool:
            pending = pool.submit(self._read_frame_data, 0)
            for slot in range(len(self.evaluations)):
                current = pending.result()
                if slot + 1 < len(self.evaluations):
                    pending = pool.submit(self._read_frame_data, slot + 1)
                yield current

    def _read_frame_data(self, slot: int) -> FrameData:
        snapshot, settings, reads = self.first + slot, self.stage["settings"], self.stage["reads"]
        predictions = evaluations.read_snapshot(self.evaluations[slot], snapshot, reads["evaluate"])
        history = metrics.history(self.metrics, snapshot, settings["snapshots_per_epoch"])
        data = frame_data(settings, snapshot, predictions, history)
        if not self.projections:
            return data
        layout = projection_files.read(self.projections[slot], snapshot, reads["project"])
        return replace(data, layout=layout)


def build_scene(figure: ModuleType, run_info: RunInfo) -> Scene:
    """Build the scene from the panels of an experiment's figure.py.

    Raises `UserError` unless it returns a list of panels.
    """
    seeding.seed_all(0)
    panels, source = figure.panels(run_info), f"{figure.__file__}: panels"
    expected = "a list of panels with the methods draw_static and draw"
    if not isinstance(panels, Iterable):
        raise_wrong_result(source, panels, expected)
    panels = list(panels)
    for panel in panels:
        has_both = all(callable(getattr(panel, name, None)) for name in ("draw_static", "draw"))
        if isinstance(panel, type) or not has_both:
            raise_wrong_result(source, panel, expected)
    return Scene(run_info.size, panels)


def draw(scene: Scene, inputs: FrameInputs, frames: Sequence[str], key: str) -> None:
    """Draw the frames of all snapshots; write each while the next one is drawn."""
    with _Writer(key) as writer:
        for frame_data, path in zip(inputs.all_frame_data(), frames, strict=True):
            writer.write(path, frame_data.snapshot, png.encode, scene.draw(frame_data))


def draw_transitions(
    scene: Scene, inputs: FrameInputs, transitions: Sequence[str], count: int, key: str
) -> None:
    """Draw the `count` transitions before each snapshot, one file per snapshot.

    `inputs` starts with the snapshot before those of `transitions`. Snapshot 0 has none before it:
    its file holds its own frame.
    """
    all_frame_data = inputs.all_frame_data()
    previous = next(all_frame_data) if len(inputs.evaluations) > len(transitions) else None
    with _Writer(key) as writer:
        for frame_data, path in zip(all_frame_data, transitions, strict=True):
            pictures = [scene.draw(between) for between in _between(previous, frame_data, count)]
            writer.write(path, frame_data.snapshot, _encode_series, pictures)
            previous = frame_data


def _between(before: FrameData | None, after: FrameData, count: int) -> Iterator[FrameData]:
    """Yield `before` `count` times, with its points moving towards those of `after`."""
    if before is None:
        yield after
        return
    for step in range(1, count + 1):
        way = Transition(before, after, step / (count + 1))
        layout = before.layout + np.float32(way.eased) * (after.layout - before.layout)
        yield replace(before, layout=layout, way=way)


def _encode_series(pictures: Sequence[np.ndarray], texts: Mapping[str, str]) -> bytes:
    return png.encode_series(pictures, RATE, texts)


class _Writer:
    """Encodes and writes pictures in a background thread, one at a time."""

    def __init__(self, key: str):
        self._key, self._pool, self._pending = key, ThreadPoolExecutor(1), None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *raised: object) -> None:
        with self._pool:
            if self._pending and raised[0] is None:
                self._pending.result()

    def write(self, path: str, snapshot: int, encode: Callable[..., bytes], pixels: Any) -> None:
        """Wait for the previous file, then write `encode(pixels, texts)` in the background."""
        if self._pending:
            self._pending.result()
        texts = {"Snapshot": str(snapshot), "epochreel": self._key}
        self._pending = self._pool.submit(lambda: atomic_write_bytes(path, encode(pixels, texts)))


def run_info(
    settings: Mapping[str, Any],
    test: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, Metric] = MappingProxyType({}),
) -> RunInfo:
    """Return the data that all frames of a run share; `test` holds the test examples."""
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
        metrics=metrics,
    )


def times(settings: Mapping[str, Any], snapshot: int) -> dict[str, float]:
    """Return a snapshot's `epoch` and the number of training `examples` before it."""
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
    """Return the data of one frame: its predictions and the metrics up to its snapshot."""
    return FrameData(
        snapshot=snapshot,
        **times(settings, snapshot),
        predictions=predictions,
        history=history,
    )
