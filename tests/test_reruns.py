"""The table of reruns: each row holds in both directions, and no key is left out."""

import copy

import pytest
import reruns
import test_schema
import yaml
from workflow import MINIATURE, REPOSITORY, Workplace

from epochreel import png
from epochreel.sheets import data

FORMS = ("training.webm", "training.gif", "poster.png", "training.vtt", "readings/mine.csv")
TARGETS = ("all", *(f"results/sheets/{name}" for name in FORMS))


def config() -> dict:
    """The miniature world, with another dataset that no run uses."""
    made = yaml.safe_load(MINIATURE.read_text())
    made["datasets"]["other_sheets"] = made["datasets"]["few_sheets"] | {"seed": 5}
    return made


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Workplace:
    """The world with all forms of the film and a reading made. Tests only plan in it."""
    place = Workplace(tmp_path_factory.mktemp("reruns"), config())
    (page,) = data.generate({"variant": "plain", "fonts": None}, 7, "test", range(1))
    (place.folder / "pages").mkdir()
    (place.folder / "pages/mine.png").write_bytes(png.encode(page["image"]))
    place.make(*TARGETS)
    assert place.planned(*TARGETS) == {}
    return place


def planned_with(world: Workplace, knob: str, value) -> set[str]:
    """The rules that would run with another value; `write_manifest` follows all and is left out."""
    world.config = copy.deepcopy(config())
    *path, last = knob.split(".")
    part = world.config
    for key in path:
        part = part.setdefault(key, {})
    part[last] = value
    world.write_config()
    return set(world.planned(*TARGETS)) - {"write_manifest"}


@pytest.mark.parametrize("knob", reruns.KNOBS)
def test_a_knob_reruns_the_rules_of_its_row_and_no_other(world, knob):
    value, touched = reruns.KNOBS[knob]
    expected = {rule.partition(" ")[0] for rule in reruns.following(touched)}
    assert planned_with(world, knob, value) == expected


def test_reordered_keys_and_defaults_written_out_rerun_nothing(world):
    world.config = copy.deepcopy(config())
    run = world.config["runs"]["sheets"]
    world.config["runs"]["sheets"] = dict(reversed(run.items()))
    run["training"] = dict(reversed(run["training"].items())) | {"weight_decay": 0}
    world.write_config()
    assert world.planned(*TARGETS) == {}


def test_every_key_of_the_schema_has_its_row():
    named = {_general(knob) for knob in (*reruns.KNOBS, *reruns.OTHERS)}
    keys = {_general(key) for key in test_schema.paths_of(test_schema.MANUAL)}
    whole = {key for key in keys if any(other.startswith(f"{key}.") for other in keys | named)}
    assert keys - whole <= named


def _general(key: str) -> str:
    """A key with the names of datasets and runs left out."""
    parts = key.split(".")
    return ".".join([*parts[:1], *parts[2:]]) if parts[0] in ("datasets", "runs") else key


def test_the_document_is_the_table():
    assert reruns.DOCUMENT.read_text() == reruns.document()


def test_the_shared_library_has_no_module_that_no_stage_runs():
    idle = {"plan", "schema", "manifest", "checksums", "checks"}
    files = (REPOSITORY / "workflow_scripts/epochreel").rglob("*.py")
    modules = {file.stem for file in files if file.stem != "__init__"}
    run = {name.rpartition(".")[2] for name in reruns.stages_of_modules()}
    assert modules - run <= idle
