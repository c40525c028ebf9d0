"""Rendering: what a figure knows about its run and its snapshot."""

import os
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.drawing.frame import FrameData
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api import user_code
from epochreel.film import render
from epochreel.plan.plan import Plan
from epochreel.provenance.keys import digest


@pytest.fixture(autouse=True)
def loaded():
    """Take the state of libraries, as loading an experiment does."""
    user_code._STATE.take()


@pytest.fixture
def settings(spirals, tmp_path):
    """Return the settings of `render`: three snapshots an epoch of ten batches of eight."""
    run = {"snapshots": {"per_epoch": 3}, "title": "Mine", "figure": {"width": 640, "height": 360}}
    config = spirals(training={"steps_per_epoch": 10}, **run)
    return Plan(config, tmp_path).runs["tiny"].stage_settings("render")["settings"]


def test_run_info_contains_what_is_constant_in_a_run(settings):
    run_info = render.run_info(settings, [{"label": 1}])
    assert (run_info.title, run_info.size, run_info.time_axis.end) == ("Mine", (640, 360), None)
    assert (run_info.examples_per_epoch, run_info.test) == (80, [{"label": 1}])
    assert (run_info.data["noise"], run_info.network["width"]) == (0.02, 4)


@pytest.mark.parametrize(
    ("step", "epoch", "examples"), [(0, 0, 0), (3, 0.3, 24), (6, 0.6, 48), (10, 1, 80)]
)
def test_frame_data_contains_its_step_its_epoch_and_the_examples_seen(
    settings, step, epoch, examples
):
    history = {"step": np.array([0, step])}
    frame_data = render.frame_data(settings, 1, pa.table({}), history)
    assert (frame_data.snapshot, frame_data.step, frame_data.examples) == (1, step, examples)
    assert frame_data.epoch == epoch


@pytest.mark.parametrize(
    ("figure", "axis"),
    [
        ({}, TimeAxis()),
        ({"time_axis": 40.5}, TimeAxis(end=40.5)),
        ({"time_unit": "steps", "time_scale": "log"}, TimeAxis("steps", "log")),
        ({"time_scale": "log"}, TimeAxis("epochs", "log", 0.01)),
        ({"time_unit": "examples", "time_axis": 1e6}, TimeAxis("examples", end=1e6)),
    ],
)
def test_the_figure_settings_set_the_time_axis(spirals, tmp_path, figure, axis):
    config = spirals(figure=figure, snapshots={"per_epoch": 25}, training={"steps_per_epoch": 50})
    settings = Plan(config, tmp_path).runs["tiny"].stage_settings("render")["settings"]
    assert render.run_info(settings, []).time_axis == axis


def test_a_transition_frame_has_both_snapshots_and_its_progress():
    first, second = (
        FrameData(k, k, k, pa.table({}), {}, np.full((2, 2), 4.0 * k, np.float32)) for k in (0, 1)
    )
    between = list(render._between(first, second, 3))
    assert [frame_data.way.share for frame_data in between] == [0.25, 0.5, 0.75]
    assert all(
        frame_data.way.start is first and frame_data.way.end is second for frame_data in between
    )
    assert [float(frame_data.layout[0, 0]) for frame_data in between] == [0.625, 2, 3.375]


@pytest.mark.parametrize(
    ("given", "words"),
    [(None, "nothing"), (3, "3"), ([3], "3"), ([[Curve]], "<class 'epochreel.+Curve'>")],
)
def test_an_invalid_list_of_panels_is_refused(settings, given, words):
    figure = SimpleNamespace(__name__="figure", __file__="figure.py", panels=lambda run_info: given)
    with pytest.raises(
        UserError, match=rf"^figure\.py: panels returns {words}; expected a nested list of"
    ):
        render.build_scene(figure, render.run_info(settings, []))


class Trail:
    """A panel that draws a disc for each frame that it keeps: none, all so far, or the first."""

    def __init__(self, keeps: str | None):
        self.keeps, self.frames = keeps, []

    def draw_static(self, canvas):
        """Keep the array."""
        self.static = canvas.pixels

    def draw(self, canvas, frame_data):
        """Draw discs, change the working folder and draw on the kept array."""
        os.chdir("/")
        self.static[:] = 0
        self.frames.append(frame_data.snapshot)
        kept = {"all": self.frames, "first": self.frames[:1], None: []}[self.keeps]
        for number in kept:
            canvas.disc(100 + 50 * number, 500, 20, canvas.palette.ink)


@pytest.mark.parametrize("keeps", [None, "all", "first"])
def test_a_panel_that_keeps_a_trail_is_refused(settings, tmp_path, monkeypatch, keeps):
    figure = SimpleNamespace(
        __name__="epochreel_experiment_0.figure",
        __file__="figure.py",
        panels=lambda run_info: [Trail(keeps)],
    )
    run_info = render.run_info(settings, [])
    scene = render.build_scene(figure, run_info)
    data = [render.frame_data(settings, n, pa.table({}), {"step": np.zeros(1)}) for n in (0, 1)]
    monkeypatch.setattr(render.FrameInputs, "frame_data", lambda inputs, slot: data[slot])
    monkeypatch.chdir(tmp_path)
    user_code._STATE.take()
    inputs = render.FrameInputs({}, 0, ["a", "b"], [], pa.table({}))
    drawn = render.draw(scene, inputs, ["0.png", "1.png"], "{}")
    words = r"^figure\.py: a panel draws snapshot 1 differently after other snapshots"
    with pytest.raises(UserError, match=words) if keeps else nullcontext():
        render.check_repeatable(figure, run_info, drawn)
    assert (tmp_path / "0.png").exists() and (tmp_path / "1.png").exists()


def test_the_data_of_a_frame_is_read_only(settings, tmp_path):
    evaluations.write(tmp_path / "0", {"x": np.zeros(3)}, {}, {"snapshot": 0, "key": {}})
    stage = {"settings": settings, "reads": {"evaluate": digest({})}}
    table = pa.table({"snapshot": [0], "step": [0], "accuracy": [0.5]})
    frame_data = render.FrameInputs(stage, 0, [tmp_path / "0"], [], table).frame_data(0)
    with pytest.raises(ValueError, match="read-only"):
        frame_data.history["accuracy"][0] = 1
    with pytest.raises(TypeError):
        frame_data.history["accuracy"] = 1


def test_run_info_holds_copies_of_the_settings(settings):
    run_info = render.run_info(settings, [])
    run_info.data.clear()
    assert settings["data"]["settings"]


def test_panels_may_be_a_generator(settings):
    figure = SimpleNamespace(
        __name__="figure",
        __file__="figure.py",
        panels=lambda run_info: (p for p in [Curve(run_info)]),
    )
    scene = render.build_scene(figure, render.run_info(settings, []))
    frame_data = render.frame_data(
        settings,
        0,
        pa.table({}),
        {"step": np.zeros(1), "epoch": np.zeros(1), "accuracy": np.zeros(1)},
    )
    assert np.ptp(scene.draw(frame_data)) > 0
