"""Rendering: what a figure knows about its run and its snapshot."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from epochreel.core.errors import UserError
from epochreel.drawing.frame import FrameData
from epochreel.drawing.panels import TitleLine
from epochreel.film import render
from epochreel.plan.plan import Plan


@pytest.fixture
def settings(spirals, tmp_path):
    """Return the settings of `render`: three snapshots an epoch of ten batches of eight."""
    run = {"snapshots": {"per_epoch": 3}, "title": "Mine", "figure": {"width": 640, "height": 360}}
    config = spirals(training={"steps_per_epoch": 10}, **run)
    return Plan(config, tmp_path).runs["tiny"].stage_settings("render")["settings"]


def test_run_info_contains_what_is_constant_in_a_run(settings):
    run_info = render.run_info(settings, [{"label": 1}])
    assert (run_info.title, run_info.size, run_info.epochs) == ("Mine", (640, 360), 5)
    assert (run_info.examples_per_epoch, run_info.test) == (80, [{"label": 1}])
    assert (run_info.data["noise"], run_info.network["width"]) == (0.02, 4)


@pytest.mark.parametrize(
    ("snapshot", "epoch", "examples"), [(0, 0, 0), (1, 1 / 3, 24), (2, 2 / 3, 48), (3, 1, 80)]
)
def test_frame_data_contains_its_epoch_and_the_examples_seen(settings, snapshot, epoch, examples):
    frame_data = render.frame_data(settings, snapshot, pa.table({}), {"epoch": np.zeros(1)})
    assert (frame_data.snapshot, frame_data.examples) == (snapshot, examples)
    assert frame_data.epoch == pytest.approx(epoch)


def test_the_figure_settings_can_set_the_end_of_the_time_axis(spirals, tmp_path):
    config = spirals(figure={"time_axis": 40})
    settings = Plan(config, tmp_path).runs["tiny"].stage_settings("render")["settings"]
    assert render.run_info(settings, []).epochs == 40


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
    [(None, "nothing"), (3, "3"), ([3], "3"), ([TitleLine], "<class 'epochreel.+TitleLine'>")],
)
def test_an_invalid_list_of_panels_is_refused(settings, given, words):
    figure = SimpleNamespace(__file__="figure.py", panels=lambda run_info: given)
    with pytest.raises(
        UserError, match=rf"^figure\.py: panels returns {words}; expected a list of"
    ):
        render.build_scene(figure, render.run_info(settings, []))


def test_panels_may_be_a_generator(settings):
    figure = SimpleNamespace(
        __file__="figure.py", panels=lambda run_info: (p for p in [TitleLine(run_info)])
    )
    scene = render.build_scene(figure, render.run_info(settings, []))
    frame_data = render.frame_data(
        settings, 0, pa.table({}), {"epoch": np.zeros(1), "accuracy": np.zeros(1)}
    )
    assert np.ptp(scene.draw(frame_data)) > 0
