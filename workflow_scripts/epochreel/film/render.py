"""Rendering of frames and transitions from evaluations, projections and metrics."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.artifacts import evaluations, metrics, training_table
from epochreel.artifacts import projections as projection_files
from epochreel.artifacts.dataset_shards import Split
from epochreel.core import seeding
from epochreel.core.errors import UserError, raise_wrong_result
from epochreel.core.files import atomic_write_bytes
from epochreel.core.log import log
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene, Transition
from epochreel.drawing.grid import Cell, whole_frame
from epochreel.drawing.palette import THEMES
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api import declared_metrics, user_code
from epochreel.experiment_api.interface import Metric, Nouns
from epochreel.experiment_api.loader import Experiment
from epochreel.film.timing import RATE
from epochreel.formats import png
from epochreel.narration.narrator import Narrator


@dataclass(frozen=True)
class FrameInputs:
    """Inputs for the frames of consecutive snapshots that start with `first`.

    `projections` has one path per evaluation, or is empty if nothing is projected. `stage` has the
    key digests that all files must carry. `metrics` has all snapshots up to the last of these, as
    does `training`, the training table, if a panel shows it.
    """

    stage: Mapping[str, Any]
    first: int
    evaluations: Sequence[str]
    projections: Sequence[str]
    metrics: pa.Table
    training: pa.Table | None = None

    def all_frame_data(self) -> Iterator[FrameData]:
        """Yield the data of each frame in order; read the next one's files in the background."""
        # Absolute: a panel that is drawn meanwhile may change the working folder.
        files = {name: [*map(os.path.abspath, getattr(self, name))] for name in _FILES}
        read = replace(self, **files).frame_data
        with ThreadPoolExecutor(1) as pool:
            pending = pool.submit(read, 0)
            for slot in range(len(self.evaluations)):
                current = pending.result()
                if slot + 1 < len(self.evaluations):
                    pending = pool.submit(read, slot + 1)
                yield current

    def frame_data(self, slot: int) -> FrameData:
        """Return the data of the frame in a slot; its arrays are read-only."""
        snapshot, settings, reads = self.first + slot, self.stage["settings"], self.stage["reads"]
        predictions = evaluations.read_snapshot(self.evaluations[slot], snapshot, reads["evaluate"])
        history = metrics.history(self.metrics, snapshot, *lengths(settings))
        history = MappingProxyType(metrics.frozen(history))
        sentence = metrics.sentences(self.metrics.slice(snapshot, 1))[0]
        data = frame_data(settings, snapshot, predictions, history, sentence)
        if self.training is not None:
            data = replace(data, training=self.training.slice(0, snapshot + 1))
        if not self.projections:
            return data
        layout = projection_files.read(self.projections[slot], snapshot, reads["project"])
        return replace(data, layout=_frozen(layout))


_FILES = ("evaluations", "projections")
Drawn = tuple[FrameData, np.ndarray]
"""The data of a frame, and its pixels."""


def _frozen(array: np.ndarray) -> np.ndarray:
    """Make an array read-only: several panels and pictures share it."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True)
class _GuardedPanel:
    """A panel whose methods do not change the process state; see `user_code.guard`."""

    draw_static: Callable[[Canvas], None]
    draw: Callable[[Canvas, FrameData], None]


def figure_of(experiment: Experiment, settings: Mapping[str, Any]) -> ModuleType:
    """Load the module that arranges the panels: the experiment's figure.py, or the library's.

    The latter follows `figure.panels`; the settings have this key only if it is used.
    """
    if "panels" in settings["figure"]:
        return user_code.load("epochreel.drawing.panels.arrangement", "figure.panels")
    return experiment.load("figure")


def build_scene(figure: ModuleType, run_info: RunInfo) -> Scene:
    """Build the scene from the panels of an experiment's figure.py.

    Raises `UserError` unless it returns a nested list of panels.
    """
    seeding.seed_all(0)
    panels, source = figure.panels(run_info), f"{figure.__file__}: panels"
    guarded = _guarded(panels, source, f"{figure.__file__}: draw")
    seeding.hold(panels=panels)
    return Scene(run_info.size, whole_frame(run_info, guarded), run_info.theme)


def closing_panel(experiment: Experiment, run_info: RunInfo) -> _GuardedPanel | None:
    """Return the panel of the closing picture, if the experiment's figure.py defines one."""
    figure = experiment.load("figure") if experiment.file("figure").is_file() else None
    if not hasattr(figure, "closing"):
        return None
    seeding.seed_all(0)
    source = f"{figure.__file__}: closing"
    return _guarded(figure.closing(run_info), source, source)


def _guarded(content: Any, source: str, where: str) -> Any:
    """Return a nested list of panels with each panel guarded; raise `UserError` for others.

    Empty lists are left out.
    """
    if isinstance(content, Cell):
        return replace(content, content=_guarded(content.content, source, where))
    if isinstance(content, list | tuple | Iterator):
        parts = [_guarded(each, source, where) for each in content]
        return [part for part in parts if part != []]
    has_both = all(callable(getattr(content, name, None)) for name in ("draw_static", "draw"))
    if isinstance(content, type) or not has_both:
        expected = "a nested list of panels with the methods draw_static and draw"
        raise_wrong_result(source, content, expected)
    return _GuardedPanel(*(user_code.guard(f, where) for f in (content.draw_static, content.draw)))


def draw(scene: Scene, inputs: FrameInputs, frames: Sequence[str], key: str) -> list[Drawn]:
    """Draw the frames of all snapshots; write each while the next one is drawn.

    Returns the first and the last, for `check_repeatable`.
    """
    drawn = []
    with _Writer(key) as writer:
        for frame_data, path in zip(inputs.all_frame_data(), frames, strict=True):
            pixels = scene.draw(frame_data)
            writer.write(path, frame_data.snapshot, png.encode, pixels)
            log.debug("%s", path, extra={"progress": {"snapshot": frame_data.snapshot}})
            drawn[1:] = [(frame_data, pixels)]
    return drawn


def draw_transitions(
    scene: Scene, inputs: FrameInputs, transitions: Sequence[str], count: int, key: str
) -> list[Drawn]:
    """Draw the `count` transitions before each snapshot, one file per snapshot.

    `inputs` starts with the snapshot before those of `transitions`. Snapshot 0 has none before it:
    its file holds its own frame. Returns the first and the last, for `check_repeatable`.
    """
    all_frame_data = inputs.all_frame_data()
    previous = next(all_frame_data) if len(inputs.evaluations) > len(transitions) else None
    drawn = []
    with _Writer(key) as writer:
        for frame_data, path in zip(all_frame_data, transitions, strict=True):
            all_data = list(_between(previous, frame_data, count))
            pictures = [scene.draw(data) for data in all_data]
            writer.write(path, frame_data.snapshot, _encode_series, pictures)
            log.debug("%s", path, extra={"progress": {"snapshot": frame_data.snapshot}})
            previous, drawn[1:] = frame_data, [(all_data[-1], pictures[-1])]
    return drawn


def check_repeatable(figure: ModuleType, run_info: RunInfo, drawn: Sequence[Drawn]) -> None:
    """Check that what was drawn looks the same when it is drawn in the opposite order.

    `figure` is the experiment's figure.py, loaded again. Raises `UserError` if a panel keeps state
    between frames.
    """
    scene = build_scene(figure, run_info)
    for frame_data, pixels in reversed(drawn):
        if not np.array_equal(scene.draw(frame_data), pixels):
            raise UserError(
                f"{figure.__file__}: a panel draws snapshot {frame_data.snapshot} differently "
                "after other snapshots; expected the same picture: make draw depend only on its "
                "arguments"
            )


def _between(before: FrameData | None, after: FrameData, count: int) -> Iterator[FrameData]:
    """Yield `before` `count` times, with its points moving towards those of `after`."""
    if before is None:
        yield after
        return
    for step in range(1, count + 1):
        way = Transition(before, after, step / (count + 1))
        layout = before.layout + np.float32(way.eased) * (after.layout - before.layout)
        yield replace(before, layout=_frozen(layout), way=way)


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
        path = os.path.abspath(path)  # A panel that is drawn meanwhile may change the folder.
        self._pending = self._pool.submit(lambda: atomic_write_bytes(path, encode(pixels, texts)))


_NOUNS = Nouns()


def run_info(
    settings: Mapping[str, Any],
    test: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, Metric] = MappingProxyType({}),
    nouns: Nouns = _NOUNS,
    untrained: FrameData | None = None,
) -> RunInfo:
    """Return the data that all frames of a run share; `test` holds the test examples.

    `untrained` is the untrained network's frame data, from `untrained_data`.
    """
    settings = user_code.copied(settings)
    figure = settings["figure"]
    return RunInfo(
        title=settings["title"],
        size=(figure["width"], figure["height"]),
        data=settings["data"]["settings"],
        network=settings["network"],
        figure=figure["settings"],
        time_axis=TimeAxis(
            unit=figure["time_unit"],
            scale=figure["time_scale"],
            start=figure["time_start"],
            end=figure["time_axis"],
        ),
        examples_per_epoch=settings["batch_size"] * settings["steps_per_epoch"],
        test=test,
        metrics=metrics,
        nouns=nouns,
        examples=None if figure["examples"] is None else tuple(figure["examples"]),
        theme=THEMES[figure["theme"]].with_colours(figure["palette"]),
        untrained=untrained,
        rows_per_example=_rows_per_example(settings, untrained, len(test)),
        panels=figure.get("panels"),
    )


def run_info_maker(
    stage: Mapping[str, Any],
    experiment: Experiment,
    paths_to_test: Sequence[str],
    path_to_untrained: str | None = None,
) -> Callable[[], RunInfo]:
    """Read what the frames of a run share; return a function that returns it, new each time.

    A figure that is loaded again gets a new one, since the first figure may have changed its own.
    """
    settings = stage["settings"]
    return partial(
        run_info,
        settings,
        Split.of(stage, "test", paths_to_test),
        declared_metrics.read(experiment.file("evaluation")),
        Narrator(experiment, settings["data"]["settings"]).nouns,
        path_to_untrained and untrained_data(stage, path_to_untrained),
    )


def untrained_data(stage: Mapping[str, Any], path: str) -> FrameData:
    """Return the frame data of snapshot 0 from its evaluation; all its metrics are listed.

    It tells the figure of each block which columns and metrics all snapshots have.
    """
    key_digest = stage["reads"]["evaluate"]
    numbers = evaluations.metrics(path, 0, key_digest)
    history = {name: np.zeros(1) for name in times(stage["settings"], 0)}
    for name, value in numbers.items():
        history[name] = _frozen(np.array([math.nan if value is None else value]))
    predictions = evaluations.read_snapshot(path, 0, key_digest)
    return frame_data(stage["settings"], 0, predictions, MappingProxyType(history))


def training_of(
    stage: Mapping[str, Any], paths: Sequence[str], metrics: pa.Table
) -> pa.Table | None:
    """Read the training tables of all blocks so far; None if the figure shows none of them.

    `metrics` has the steps of the same snapshots.
    """
    if not paths:
        return None
    return training_table.read_all(paths, metrics["step"].to_pylist(), stage["reads"]["train"])


def _rows_per_example(settings: Mapping[str, Any], untrained: FrameData | None, test: int) -> int:
    """Return the number of rows of an evaluation for each test example.

    The rows of a training sample, if there is one, come last.
    """
    if untrained is None or not test:
        return 1
    rows, sample = untrained.predictions.num_rows, settings["figure"].get("train_sample", 0)
    return rows // (test if rows % (test + sample) else test + sample)


def lengths(settings: Mapping[str, Any]) -> tuple[int, int]:
    """Return the steps of an epoch and the examples of a step."""
    return settings["steps_per_epoch"], settings["batch_size"]


def times(settings: Mapping[str, Any], step: int) -> dict[str, float]:
    """Return a snapshot's `step`, `epoch` and number of training `examples` before it."""
    return metrics.times(step, *lengths(settings))


def frame_data(
    settings: Mapping[str, Any],
    snapshot: int,
    predictions: pa.Table,
    history: Mapping[str, np.ndarray],
    sentence: str = "",
) -> FrameData:
    """Return the data of one frame: its predictions, its sentence, and the metrics so far."""
    return FrameData(
        snapshot=snapshot,
        **times(settings, int(history["step"][-1])),
        predictions=predictions,
        history=history,
        sentence=sentence,
    )
