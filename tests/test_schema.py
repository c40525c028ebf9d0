"""The check of the config: defaults filled in; whatever is wrong, one line that names it."""

import datetime
import math

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochreel import plan, provenance, schema
from epochreel.errors import UserError

MANUAL = yaml.safe_load(plan.SCHEMA.read_text())


def put(config: dict, path: str, value) -> dict:
    """`config` with `value` at the dotted `path`; keys that are not there are made."""
    *parents, key = path.split(".")
    part = config
    for name in parents:
        part = part.setdefault(name, {})
    part[key] = value
    return config


def defaults_of(part: str) -> dict:
    keys = MANUAL["$defs"][part]["properties"]
    return {key: value["default"] for key, value in keys.items()}


def refusal(config, rules=MANUAL, where="") -> str:
    with pytest.raises(UserError) as caught:
        schema.checked(config, rules, where)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# -- Defaults


def test_defaults_are_filled_in_at_all_depths(spirals):
    checked = schema.checked(spirals(), MANUAL)
    run = checked["runs"]["tiny"]
    assert checked["snapshots_per_block"] == MANUAL["properties"]["snapshots_per_block"]["default"]
    assert (run["seed"], run["training"]["rho"]) == (1, 0.95)
    for part in ("evaluation", "figure", "film"):
        assert run[part] == defaults_of(part)


def test_what_the_config_says_wins_over_defaults(spirals):
    config = spirals(film={"crf": 30})
    film = schema.checked(config, MANUAL)["runs"]["tiny"]["film"]
    assert film == defaults_of("film") | {"crf": 30} != defaults_of("film")


def test_the_config_itself_is_left_as_it_is(spirals):
    config = spirals(film={})
    schema.checked(config, MANUAL)
    assert config == spirals(film={})


def test_a_default_of_one_run_is_no_default_of_another():
    rules = {"properties": {name: {"default": {}} for name in "ab"}}
    checked = schema.checked({}, rules)
    checked["a"]["x"] = 1
    assert checked["b"] == {}


def test_what_a_yaml_anchor_repeats_is_filled_in_for_each_place(spirals):
    shared = {}
    run = schema.checked(spirals(figure=shared, film=shared), MANUAL)["runs"]["tiny"]
    assert (run["figure"], run["film"]) == (defaults_of("figure"), defaults_of("film"))


def test_every_default_of_the_manual_is_allowed_by_it():
    def parts(part):
        if isinstance(part, dict):
            yield part
            for value in part.values():
                yield from parts(value)

    defaults = [part for part in parts(MANUAL) if "default" in part and "$ref" not in part]
    assert len(defaults) > 30
    assert [schema.checked(part["default"], part) for part in defaults]


def test_every_key_of_the_manual_is_described():
    def undescribed(part, name=""):
        for key, value in part.get("properties", {}).items():
            reference = value.get("$ref", "#/$defs/none").split("/")[-1]
            if "description" not in value | MANUAL["$defs"].get(reference, {}):
                yield f"{name}.{key}"
            yield from undescribed(value, f"{name}.{key}")

    parts = [MANUAL, *MANUAL["$defs"].values(), *MANUAL["$defs"]["sheets"].values()]
    assert [key for part in parts if isinstance(part, dict) for key in undescribed(part)] == []


# -- One line: the key, what it holds, what it may hold

WRONG = [
    ("runs.tiny.epochs", "ten", "'ten'", "a whole number, at least 1, at most 999999"),
    ("runs.tiny.epochs", 0, "0", "at least 1"),
    ("runs.tiny.epochs", 2.0, "2.0", "a whole number"),
    ("runs.tiny.epochs", True, "True", "a whole number"),
    ("runs.tiny.epochs", None, "nothing", "a whole number"),
    ("runs.tiny.epochs", 10**6, "1000000", "at most 999999"),
    ("runs.tiny.epochs", 16**5000, "very many digits", "at most 18 digits"),
    ("runs.tiny.training.rate", "1e-3", "'1e-3'", "write a number as 1.0e-3"),
    ("runs.tiny.training.rate", math.nan, "nan", "a number, above 0"),
    ("runs.tiny.training.rate", math.inf, "inf", "a number, above 0"),
    ("runs.tiny.training.rate", True, "True", "a number, above 0"),
    ("runs.tiny.training.rate", 0, "0", "above 0"),
    ("runs.tiny.training.rho", 1, "1", "below 1"),
    ("runs.tiny.training.optimizer", "adan", "'adan'", "one of adadelta, sgd, adam, adamw"),
    ("runs.tiny.training.compile", "yes", "'yes'", "true or false"),
    ("runs.tiny.training.decay_batches", 0.5, "0.5", "a whole number or null"),
    ("runs.tiny.training", [], "[]", "keys with values"),
    ("runs.tiny.training", None, "nothing", "keys with values"),
    ("runs.tiny.figure.width", 641, "641", "a multiple of 2"),
    ("runs.tiny.title", "", "''", "at least 1 character"),
    ("runs.tiny.title", "x" * 81, "'xxx", "at most 80 characters"),
    ("runs.tiny.title", "two\nlines", r"'two\nlines'", "matching"),
    ("runs.tiny.title", "a line and its end\n", r"end\n'", "matching"),
    ("runs.tiny.title", "half\ud800", "half", "no Unicode"),
    ("runs.tiny.figure.settings.x", math.nan, "nan", "a finite number"),
    ("runs.tiny.figure.settings.x", datetime.date(2026, 1, 1), "2026", "text (in quotes)"),
    ("runs.tiny.figure.settings.x.1", {1}, "{1}", "text (in quotes)"),
    ("runs", {}, "{}", "at least 1 entry"),
    ("snapshots_per_block", 10.0, "10.0", "one of 1, 10, 100"),
    ("snapshots_per_block", True, "True", "one of 1, 10, 100"),
]


@pytest.mark.parametrize(
    ("path", "value", "holds", "may"), WRONG, ids=[f"{row[0]}-{row[3]}" for row in WRONG]
)
def test_a_wrong_value_is_told_by_key_value_and_what_it_may_be(spirals, path, value, holds, may):
    line = refusal(put(spirals(), path, value))
    assert all(word in line for word in (f"'{path}'", holds, may)), line


@pytest.mark.parametrize(
    ("path", "key", "known"),
    [
        ("runs.tiny.training", "rtae", "rate"),
        ("", "rnus", "runs"),
        ("datasets.points", "x", "seed"),
    ],
)
def test_an_unknown_key_is_told_with_those_there_are(spirals, path, key, known):
    line = refusal(put(spirals(), f"{path}.{key}".lstrip("."), 1))
    assert f"unknown key '{key}'" in line and known in line and path in line


@pytest.mark.parametrize("missing", ["main_run", "datasets", "runs"])
def test_a_missing_key_is_named(spirals, missing):
    config = spirals()
    del config[missing]
    assert refusal(config) == f"config: the file lacks the key '{missing}'"


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", "a b", "-a", "ä", "", "datasets", "x" * 65, "end\n", "a\x00", 1, None, True],
)
def test_a_run_cannot_have_such_a_name(spirals, name):
    config = spirals()
    config["runs"][name] = config["runs"]["tiny"]
    line = refusal(config)
    assert "'runs'" in line and repr(name)[:40] in line.replace("nothing", "None")


def test_a_config_that_refers_to_itself_is_refused(spirals):
    loop = {}
    loop["again"] = loop
    assert "refers to itself" in refusal(spirals(figure={"settings": loop}))


def test_anchors_that_multiply_are_refused(spirals):
    laughs = ["ha"]
    for _ in range(12):
        laughs = [laughs] * 10
    assert "more than 100000 values" in refusal(spirals(figure={"settings": {"x": laughs}}))


def test_the_error_nearest_to_the_top_is_told(spirals):
    config = put(put(spirals(), "runs.tiny.training.rate", 0), "rnus", 1)
    assert "rnus" in refusal(config)


def test_errors_below_a_key_are_told_with_the_whole_path():
    rules = {"properties": {"noise": {"type": "number"}}}
    assert "'datasets.a.settings.noise'" in refusal({"noise": "x"}, rules, "datasets.a.settings")


def test_no_yaml_tag_makes_an_object():
    with pytest.raises(yaml.YAMLError):
        schema.load_yaml("!!python/object/apply:os.getcwd []")


def test_folders_are_the_keys_of_that_format():
    assert schema.folders(MANUAL["$defs"]["sheets"]["data"]) == ["fonts"]


# -- Whatever YAML holds in whatever key


def paths_of(part, prefix=""):
    """The dotted paths of all keys of the manual, the names of run and dataset filled in."""
    if "$ref" in part:
        part = MANUAL["$defs"][part["$ref"].split("/")[-1]]
    for name, value in part.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from paths_of(value, f"{prefix}{name}.")
    if isinstance(part.get("additionalProperties"), dict):
        name = {"datasets.": "points", "runs.": "tiny"}[prefix]
        yield f"{prefix}{name}"
        yield from paths_of(part["additionalProperties"], f"{prefix}{name}.")


PATHS = [*paths_of(MANUAL), "datasets.points.settings.noise", "runs.tiny.network.width"]
KEYS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["name", "seed", "settings", "experiment", "batch"]),
    st.integers(),
    st.none(),
    st.booleans(),
    st.floats(),
    st.dates(),
)
SCALARS = st.one_of(
    KEYS,
    st.text(st.characters(codec=None), max_size=90),
    st.sampled_from([10**30, 10**400, -(2**63), "1e-3", "../x", "a\0/b", "x" * 300 + "/", b"\xff"]),
    st.sampled_from(["spirals", "sheets", "tiny", "points", ".", "./", "/", "~/", {1, 2}]),
)
VALUES = st.recursive(
    SCALARS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(KEYS, parts, max_size=3),
    max_leaves=6,
)


LOOP: list = []
LOOP.append({"name": LOOP})


def plan_or_line(config, folder) -> str | None:
    """Everything that a start asks of the plan; the refusal, or None where there is none."""
    try:
        planned = plan.Plan(config, folder)
        for dataset in planned.datasets.values():
            dataset.files()
            provenance.digest(dataset.shard_settings("train", "00000"))
        for run in planned.runs.values():
            for stage in ("train", "evaluate", "summarize", "render", "encode", "write_captions"):
                provenance.digest(run.stage_settings(stage))
    except UserError as error:
        return str(error)


HURRIED = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@HURRIED
@given(path=st.sampled_from(PATHS), value=VALUES | st.just(LOOP))
def test_any_value_in_any_key_passes_or_is_refused_in_one_line(spirals, tmp_path, path, value):
    line = plan_or_line(put(spirals(), path, value), tmp_path)
    assert line is None or (len(line.splitlines()) == 1 and line.isprintable()), line


@HURRIED
@given(path=st.sampled_from(["", *PATHS]), key=KEYS, value=VALUES | st.just(LOOP))
def test_any_further_key_passes_or_is_refused_in_one_line(spirals, tmp_path, path, key, value):
    config = spirals()
    put(config, path, {key: value}) if path else config.update({key: value})
    line = plan_or_line(config, tmp_path)
    assert line is None or (len(line.splitlines()) == 1 and line.isprintable()), line
