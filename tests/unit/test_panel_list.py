"""Panels in the config: what planning checks, and what the stages depend on."""

import re
import shutil

import numpy as np
import pyarrow as pa
import pytest
import yaml
from spirals import SPIRALS
from tools import refusal
from workflow import REPOSITORY

from epochreel.drawing.frame import FrameData
from epochreel.film import render
from epochreel.plan.plan import Plan
from epochreel.plan.stages import STAGES


@pytest.fixture
def planned(spirals, tmp_path):
    """Return a function that plans the spirals with these panels, with or without figure.py."""

    def plan(panels=None, has_figure=True, **about):
        folder = tmp_path / "mine"
        shutil.copytree(SPIRALS, folder, dirs_exist_ok=True)
        if not has_figure:
            (folder / "figure.py").unlink()
        config = spirals(figure={} if panels is None else {"panels": panels}, **about)
        config["datasets"]["points"]["experiment"] = f"{folder}/"
        return Plan(config | {"snapshots_per_block": 10}, tmp_path).runs["tiny"]

    return plan


SPIRAL = [{"point": np.array([n / 9, -n / 9], np.float32), "label": n % 2} for n in range(10)]


def spirals_at(snapshot):
    """Return the data of a frame of the spirals, whose network is right from snapshot 1 on."""
    labels = [example["label"] for example in SPIRAL]
    x, y = np.array([example["point"] for example in SPIRAL]).T
    said = labels if snapshot else [0] * 10
    steps = np.arange(snapshot + 1)
    history = {"step": steps, "epoch": steps * 1.0, "examples": steps, "accuracy": steps / 3}
    weights = {"name": "0.weight", "weight_minimum": -1.0, "weight_maximum": 1.0 + snapshot}
    layers = pa.array([[weights | {"weight_counts": [1, 4, 2]}]] * len(steps))
    return FrameData(
        snapshot,
        float(snapshot),
        snapshot,
        pa.table({"x": x, "y": y, "label": labels, "prediction": said}),
        history,
        training=pa.table({"layers": layers}),
    )


NESTED = [{"panel": "scatter", "size": 2}, [{"panel": "curve"}, {"panels": [{"panel": "table"}]}]]


@pytest.mark.parametrize(
    ("panels", "words"),
    [
        ([], " is []; expected a list of panels"),
        ([[]], ".0 is []; expected a list of panels"),
        ([3], ".0 is 3; expected a list of panels, or an object with the key panel or panels"),
        ([{"panel": "curv"}], ".0.panel is 'curv'; expected one of curve, images, comparison, "),
        ([[{"panel": "curve", "size": 0}]], ".0.0.size is 0; expected a number > 0 and ≤ 100"),
        ([{"panels": []}], ".0.panels is []; expected a list of panels"),
        ([{"size": 2}], ".0.panels is missing"),
        ([{"panel": "histogram", "of": "bias"}], ".0.of is 'bias'; expected one of weights, "),
        ([{"panel": "table", "title": "\u202e"}], ".0.title contains '\\u202e'"),
    ],
)
def test_a_wrong_list_of_panels_is_refused_with_its_key(planned, panels, words):
    assert refusal(planned, panels).startswith(f"config: runs.tiny.figure.panels{words}")


@pytest.mark.parametrize(
    ("panels", "key"),
    [([{"panel": "curve", "metric": "x"}], "metric"), ([{"panles": []}], "panles")],
)
def test_an_unknown_key_of_a_panel_is_refused(planned, panels, key):
    assert f"unknown key runs.tiny.figure.panels.0.{key}" in refusal(planned, panels)


def test_panels_are_a_setting_of_frames_only_if_they_are_drawn(planned):
    assert "panels" not in planned().stage_settings("render")["settings"]["figure"]
    listed = planned(NESTED).stage_settings("render")["settings"]["figure"]
    assert (listed["panels"], listed["train_sample"]) == (NESTED, 0)
    default = planned(has_figure=False).stage_settings("render")["settings"]["figure"]
    assert default["panels"] is None


@pytest.mark.parametrize(("panels", "has_figure"), [(None, False), (NESTED, True), (NESTED, False)])
def test_frames_without_figure_py_depend_on_the_panels_of_the_library(planned, panels, has_figure):
    found = []
    for arguments in ((None, True), (panels, has_figure)):
        made = planned(*arguments)
        found.append([made.has_own_figure, *map(made.key_digest, ("render", "evaluate"))])
    (first, frames, evaluation), (second, other_frames, same_evaluation) = found
    assert first and not second
    assert frames != other_frames and evaluation == same_evaluation


@pytest.mark.parametrize("stage", ["render", "render_transitions"])
def test_only_a_histogram_makes_frames_read_the_training_table(planned, stage):
    plain, nested = planned(NESTED), planned([[{"panels": [{"panel": "histogram"}]}]])
    assert not STAGES[stage].reads_if("train")(plain) and STAGES[stage].reads_if("train")(nested)
    assert plain.files.training_so_far("00000") == []
    assert nested.files.training_so_far("00000") == ["results/tiny/training/00000.parquet"]
    assert nested.stage_settings("render")["reads"]["train"] == nested.key_digest("train")


def test_the_training_tables_of_all_blocks_so_far_are_read(planned):
    run = planned([{"panel": "histogram"}], epochs=25)
    found = run.files.training_so_far("00001")
    assert found == [f"results/tiny/training/0000{block}.parquet" for block in (0, 1)]


def test_the_figure_in_yaml_of_the_documents_draws_the_spirals(planned):
    section = (REPOSITORY / "docs" / "experiments.md").read_text().partition("A figure in YAML")[2]
    listed = yaml.safe_load(re.search("```yaml\n(.+?)```", section, re.DOTALL)[1])["figure"][
        "panels"
    ]
    settings = planned(listed).stage_settings("render")["settings"]
    run = render.run_info(settings, SPIRAL, untrained=spirals_at(0))
    scene = render.build_scene(render.figure_of(None, settings), run)
    assert not np.array_equal(*(scene.draw(spirals_at(snapshot)) for snapshot in (0, 3)))


def test_the_closing_picture_does_not_depend_on_panels(planned):
    digests = {planned(panels).key_digest("render_closing") for panels in (None, NESTED)}
    assert len(digests) == 1
