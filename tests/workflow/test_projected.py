"""A user-defined experiment outside the repository, with a film of moving points."""

from __future__ import annotations

import importlib
import pkgutil
import shutil

import numpy as np
import pytest
import yaml
from spirals import SPIRALS
from workflow import ARTIFACTS, Workplace

from epochreel.artifacts import evaluations, projections
from epochreel.artifacts import frames as frame_files
from epochreel.core.errors import UserError
from epochreel.film import encode, segments, timing
from epochreel.formats import png
from epochreel.plan import plan
from epochreel.plan.run_settings import FILM_WIDE
from epochreel.plan.stages import PROJECTIONS
from epochreel.projection import embed, methods

METHODS = {
    module.name: importlib.import_module(f"{methods.__name__}.{module.name}")
    for module in pkgutil.iter_modules(methods.__path__)
}
PROJECTION = """import numpy as np


def activations(predictions):
    names = ("x", "y", "probability")
    return np.column_stack([predictions[name].to_numpy() for name in names]).astype(np.float32)
"""
MOVED = "left, top = half * (1 + 0.95 * x), half * (1 - 0.95 * y)"
LAID = "left, top = half * (1 + 0.3 * frame_data.layout.T)"
SENTENCE = """

def sentence(story):
    return f"This is snapshot {story.snapshot}."
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workplace:
    """A working folder next to an experiment with a projection, with everything made."""
    folder = tmp_path_factory.mktemp("projected")
    shutil.copytree(SPIRALS, folder / "mine")
    (folder / "mine/projection.py").write_text(PROJECTION)
    text = (folder / "mine/figure.py").read_text()
    assert MOVED in text
    (folder / "mine/figure.py").write_text(text.replace(MOVED, LAID))
    with (folder / "mine/narration.py").open("a") as file:
        file.write(SENTENCE)
    config = yaml.safe_load((SPIRALS / "config.yaml").read_text())
    config["datasets"]["two_spirals"] |= {"experiment": "../mine/", "train": 100, "test": 40}
    config["runs"]["spirals"] |= {
        "epochs": 11,
        "figure": {"width": 480, "height": 270, "tweens": 2},
        "film": {
            "preset": "ultrafast",
            "seconds_per_snapshot": 0.25,
            "opening_seconds": 0,
            "hold_seconds": 0.5,
        },
    }
    linear = config["runs"]["spirals"] | {"projection": {"name": "linear"}}
    config["runs"]["linear"] = linear | {"figure": {"width": 480, "height": 270}}
    place = Workplace(folder / "work", config | {"snapshots_per_block": 10})
    place.make("all", "results/spirals/training.vtt")
    return place


def layout(place: Workplace, run: str, number: int) -> np.ndarray:
    path = place.path(f"{run}/projections/{number:06d}.parquet")
    made = plan.Plan(place.config, place.folder).runs[run].key_digest("project")
    return projections.read(path, number, made)


def test_each_snapshot_has_a_layout_with_its_metrics(place):
    path = place.path("spirals/projections/000011.parquet")
    assert layout(place, "spirals", 11).shape == (40, 2)
    assert 0.5 < evaluations.read_metadata(path)["metrics"]["trustworthiness"] <= 1
    assert evaluations.read_metadata(path)["metrics"]["jitter"] >= 0


@pytest.mark.parametrize("run, name", [("spirals", "causal"), ("linear", "linear")])
def test_projection_in_blocks_equals_projection_at_once(place, run, name):
    paths = [place.path(f"{run}/evaluations/{n:06d}.parquet") for n in range(12)]
    columns = [evaluations.read(path).to_pydict() for path in paths]
    points = [np.column_stack([c["x"], c["y"], c["probability"]]).astype("f4") for c in columns]
    made = plan.Plan(place.config, place.folder).runs[run].projection
    whole = list(embed.project(points, made, 1))
    for number in (0, 9, 10, 11):
        assert np.array_equal(layout(place, run, number), whole[number].layout)


def test_in_transitions_points_move_and_the_header_stays(place):
    pictures = list(png.series(place.path("spirals/transitions/000010.png").read_bytes()))
    frames = [png.decode(place.path(f"spirals/frames/{n:06d}.png").read_bytes()) for n in (9, 10)]
    first, second = (png.decode(picture) for picture in pictures)
    assert not np.array_equal(first, second)
    title = slice(0, 25)
    assert np.array_equal(first[title], frames[0][title])
    assert not np.array_equal(first[title], frames[1][title])


def test_an_experiment_outside_the_repository_gives_a_film(place):
    film = place.folder / "training.mp4"
    assert film.read_bytes() == place.path("spirals/training.mp4").read_bytes()


def test_transitions_are_in_the_film_and_do_not_count_as_snapshots(place):
    film = place.path("spirals/training.mp4")
    assert encode.count_frames(film, {"ffmpeg": "bundled"}) == 12 * 6 + 12 + 72
    frames = [place.path(f"spirals/frames/{n:06d}.png") for n in range(12)]
    transitions = [place.path(f"spirals/transitions/{n:06d}.png") for n in range(12)]
    sequence = frame_files.FrameSequence(frames, (480, 270), transitions)
    times = timing.Timeline([6] * 12)
    shown = list(segments.of_film(times, sequence.tweens).pictures(sequence))
    assert [count for _, count in shown] == [4, 1, 1] * 11 + [6]
    # Between two early snapshots, points may move by too little to be seen.
    assert len({picture for picture, _ in shown}) > 12 + 11


def test_captions_are_the_sentences_of_the_phases(place):
    assert "This is snapshot 0." in place.path("spirals/training.vtt").read_text()


@pytest.fixture
def copied(place, tmp_path) -> Workplace:
    """A copy of the working folder and the experiment, for changes."""
    shutil.copytree(place.folder.parent, tmp_path / "copy")
    return Workplace(tmp_path / "copy/work", place.config)


def test_a_longer_run_moves_no_point_of_earlier_snapshots(copied):
    config = yaml.safe_load(yaml.safe_dump(copied.config))
    config["runs"]["spirals"]["epochs"] = 12
    longer = Workplace(copied.folder, config)
    kept = longer.digests("spirals/projections/00000*")
    longer.make("results/spirals/projections/000012.parquet")
    assert longer.digests("spirals/projections/00000*") == kept
    assert layout(longer, "spirals", 12).shape == (40, 2)


def test_a_lost_projection_is_made_again_with_the_same_bytes(copied):
    before = copied.digests(*ARTIFACTS)
    copied.path("spirals/projections/000011.parquet").unlink()
    copied.make("all")
    assert copied.digests(*ARTIFACTS) == before


def test_tweens_without_a_projection_are_refused(place):
    config = yaml.safe_load(yaml.safe_dump(place.config))
    config["datasets"]["two_spirals"]["experiment"] = f"{SPIRALS}/"
    with pytest.raises(UserError, match=r"figure\.tweens is 2; .* has no projection"):
        plan.Plan(config, place.folder)


def test_exactly_the_methods_with_a_joint_fit_have_a_fit_function():
    assert {name for name, method in METHODS.items() if hasattr(method, "fit")} == set(FILM_WIDE)


def test_the_packages_of_every_method_are_declared():
    assert PROJECTIONS.keys() == METHODS.keys()
