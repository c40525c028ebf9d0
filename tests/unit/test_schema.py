"""Validation of the config: defaults are filled in; any error is one line that names the key."""

import copy
import datetime
import json
import math
import re
from pathlib import Path

import pytest
import reruns
import tools
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rerun_rows import EXPERIMENT_ROWS, SHARED
from schema_paths import MANUAL, paths_of, put, schema_of

from epochreel.config import schema, yaml_file
from epochreel.core.errors import UserError
from epochreel.plan import fingerprints, plan
from epochreel.provenance import keys as cache_keys

KINDS = ("snapshots", "optimizers", "schedules", "projections")


def defaults_of(part: str) -> dict:
    keys = MANUAL["$defs"][part]["properties"]
    return {key: value["default"] for key, value in keys.items()}


def refusal(config, rules=MANUAL, where="") -> str:
    return tools.refusal(schema.checked, config, rules, where)


def printed(value) -> str:
    return json.dumps(value) if value is None or value is True else repr(value)


# -- Defaults


def test_defaults_are_filled_in_at_all_depths(spirals):
    checked = schema.checked(spirals(), MANUAL)
    run = checked["runs"]["tiny"]
    assert checked["snapshots_per_block"] == MANUAL["properties"]["snapshots_per_block"]["default"]
    assert (run["seed"], run["training"]["precision"]) == (1, "float32")
    for part in ("evaluation", "figure", "film"):
        assert run[part] == defaults_of(part)


def test_the_config_overrides_defaults(spirals):
    config = spirals(film={"crf": 30})
    film = schema.checked(config, MANUAL)["runs"]["tiny"]["film"]
    assert film == defaults_of("film") | {"crf": 30} != defaults_of("film")


def test_the_config_itself_is_not_modified(spirals):
    config = spirals(film={})
    schema.checked(config, MANUAL)
    assert config == spirals(film={})


def test_defaults_are_not_shared_between_runs():
    rules = {"properties": {name: {"default": {}} for name in "ab"}}
    checked = schema.checked({}, rules)
    checked["a"]["x"] = 1
    assert checked["b"] == {}


def test_defaults_are_filled_in_separately_for_each_yaml_alias(spirals):
    shared = {}
    run = schema.checked(spirals(figure=shared, film=shared), MANUAL)["runs"]["tiny"]
    assert (run["figure"], run["film"]) == (defaults_of("figure"), defaults_of("film"))


def test_every_default_of_the_schema_is_valid():
    def parts(part):
        if isinstance(part, dict):
            yield part
            for value in part.values():
                yield from parts(value)

    defaults = [part for part in parts(MANUAL) if "default" in part and "$ref" not in part]
    assert len(defaults) > 30
    assert [schema.checked(part["default"], part) for part in defaults]


def test_every_key_of_the_schema_is_described():
    def undescribed(part, name=""):
        for key, value in part.get("properties", {}).items():
            reference = value.get("$ref", "#/$defs/none").split("/")[-1]
            if "description" not in value | MANUAL["$defs"].get(reference, {}):
                yield f"{name}.{key}"
            yield from undescribed(value, f"{name}.{key}")

    parts = [MANUAL, *MANUAL["$defs"].values()]
    parts += [MANUAL["$defs"][kinds][name] for kinds in KINDS for name in MANUAL["$defs"][kinds]]
    for experiment in ("sheets", "words", "activations"):
        own = schema_of(experiment)
        parts += [own["data"], own.get("figure"), *own["networks"].values()]
    assert [key for part in parts if isinstance(part, dict) for key in undescribed(part)] == []


# -- One line: the key, its value, the expected values

WRONG = [
    ("runs.tiny.epochs", "ten", "'ten'", "expected an integer ≥ 1 and ≤ 999999"),
    ("runs.tiny.epochs", 0, "0", "an integer ≥ 1"),
    ("runs.tiny.epochs", 2.0, "2.0", "an integer"),
    ("runs.tiny.epochs", True, "true", "an integer"),
    ("runs.tiny.epochs", None, "null", "an integer"),
    ("runs.tiny.epochs", 10**6, "1000000", "≤ 999999"),
    ("runs.tiny.film.crf", "1e-3", "'1e-3'", "write 1e-3 as 1.0e-3"),
    ("runs.tiny.film.poster", math.nan, "nan", "a finite number"),
    ("runs.tiny.film.poster", math.inf, "inf", "a finite number"),
    ("runs.tiny.film.poster", True, "true", "a number ≥ 0 and ≤ 1"),
    ("runs.tiny.film.seconds_per_snapshot", 0, "0", "a number > 0 and ≤ 60"),
    ("runs.tiny.training.optimizer", "adam", "'adam'", "an object"),
    ("runs.tiny.training.gradient_clipping", 0, "0", "a number > 0 and ≤ 1000000 or null"),
    ("runs.tiny.snapshots.schedule", "early", "'early'", "one of uniform, log, list"),
    ("runs.tiny.training", [], "[]", "an object"),
    ("runs.tiny.training", None, "null", "an object"),
    ("runs.tiny.figure.width", 641, "641", "a multiple of 2"),
    ("runs.tiny.figure.height", 268, "268", "≥ 270"),
    ("runs.tiny.epochs", "3", "'3'", "(write it without quotes)"),
    ("runs.tiny.title", 7, "7", "as a number; write text in quotes)"),
    ("runs.tiny.title", False, "false", "as true or false; write text in quotes)"),
    ("runs.tiny.title", "", "''", "1 to 56 characters"),
    ("runs.tiny.title", "x" * 57, "'xxx", "1 to 56 characters"),
    ("runs.tiny.title", "two\nlines", r"'two\nlines'", "one line of text"),
    ("runs.tiny.title", "a line and its end\n", r"end\n'", "one line of text"),
    ("runs.tiny.title", "two\u2028lines", r"'two\u2028lines'", "one line of text"),
    ("runs.tiny.title", "two\u2029lines", r"'two\u2029lines'", "one line of text"),
    ("runs.tiny.title", "two\x85lines", r"'two\x85lines'", "one line of text"),
    ("runs.tiny.title", "a\x9bcontrol", r"'a\x9bcontrol'", "one line of text"),
    ("runs.tiny.figure.settings.x", math.nan, "nan", "a finite number"),
    ("runs.tiny.figure.settings.x", datetime.date(2026, 1, 1), "2026", "text (in quotes)"),
    ("runs.tiny.figure.settings.x.1", {1}, "{1}", "text (in quotes)"),
    ("runs", {}, "{}", "at least 1 entry"),
    ("snapshots_per_block", 10.0, "10.0", "one of 1, 10, 100"),
    ("snapshots_per_block", True, "true", "one of 1, 10, 100"),
]


@pytest.mark.parametrize(
    ("path", "value", "found", "expected"), WRONG, ids=[f"{row[0]}-{row[3]}" for row in WRONG]
)
def test_an_invalid_value_is_reported_with_its_key_and_what_was_expected(
    spirals, path, value, found, expected
):
    line = refusal(put(spirals(), path, value))
    value, words = line.removeprefix(f"config: {path} is ").split("; expected ")
    assert value != line and found in value and expected in f"expected {words}"


@pytest.mark.parametrize(
    ("path", "key", "known"),
    [
        ("runs.tiny.training", "btach_size", "batch_size"),
        ("", "rnus", "runs"),
        ("datasets.points", "x", "seed"),
    ],
)
def test_an_unknown_key_is_reported_with_the_known_ones(spirals, path, key, known):
    unknown = f"{path}.{key}".lstrip(".")
    line = refusal(put(spirals(), unknown, 1))
    assert line.startswith(f"config: unknown key {unknown}; expected one of ") and known in line


@pytest.mark.parametrize("missing", ["main_run", "datasets", "runs"])
def test_a_missing_key_is_reported(spirals, missing):
    config = spirals()
    del config[missing]
    assert refusal(config) == f"config: {missing} is missing"


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", "a b", "-a", "ä", "", "datasets", "x" * 65, "a\x00", 1, None, True],
)
def test_an_invalid_run_name_is_refused(spirals, name):
    config = spirals()
    config["runs"][name] = config["runs"]["tiny"]
    line = refusal(config)
    assert (
        line.startswith(f"config: runs has the key {printed(name)[:40]}") and "; expected" in line
    )


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "-a", "ä", "", "x" * 65, 1, None])
def test_an_invalid_dataset_name_is_refused(spirals, name):
    config = spirals(dataset=name)
    config["datasets"] = {name: config["datasets"]["points"]}
    line = refusal(config)
    assert line.startswith(f"config: datasets has the key {printed(name)[:40]}")


def test_the_topmost_error_is_reported(spirals):
    config = put(put(spirals(), "runs.tiny.training.threads", 0), "rnus", 1)
    assert "rnus" in refusal(config)


def test_errors_are_reported_with_the_whole_path_of_the_key():
    rules = {"properties": {"noise": {"type": "number"}}}
    assert "datasets.a.settings.noise is 'x'" in refusal(
        {"noise": "x"}, rules, "datasets.a.settings"
    )


def test_the_only_allowed_value_is_reported():
    with pytest.raises(UserError, match=r"^config: x is 4; expected 3$"):
        schema.checked(4, {"const": 3}, "x")


def test_yaml_tags_cannot_create_objects():
    with pytest.raises(yaml.YAMLError):
        yaml_file.load_yaml("!!python/object/apply:os.getcwd []")


def test_folder_settings_are_the_keys_of_that_format():
    assert schema.folders(schema_of("sheets")["data"]) == ["fonts"]


# -- A schema for each name

NETWORKS = schema_of("sheets")["network"]


@pytest.mark.parametrize(("name", "channels"), [("local", 2), ("tuned", 5), ("deep", 6)])
def test_an_object_gets_the_defaults_of_its_name_and_no_others(name, channels):
    filled = schema.checked({"name": name}, NETWORKS)
    assert len(filled["channels"]) == channels
    assert set(filled) == {"name", *schema_of("sheets")["networks"][name]["properties"]}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "config: network.name is missing"),
        (3, "config: network is 3; expected an object"),
        ({"name": "vast"}, "network.name is 'vast'; expected one of local, tuned, deep"),
        ({"name": ["local"]}, "one of local, tuned, deep, cells"),
        (
            {"name": "local", "dense": [4]},
            "unknown key network.dense; expected one of name, channels, patch",
        ),
        ({"name": "cells", "dense": [0]}, "network.dense.0 is 0; expected an integer ≥ 1"),
        ({"name": "deep", "dropout": 1}, "network.dropout is 1; expected a number ≥ 0 and < 1"),
    ],
)
def test_a_key_that_does_not_belong_to_the_name_is_refused_in_one_line(value, words):
    assert words in refusal(value, NETWORKS, "network")


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["balls"], "is ['balls']; expected a list or null, at least 2 entries, at most 100"),
        (["balls", "balls"], "entries, all different"),
        (["a", 0], "classes.1 is 0; expected text of 1 to 40 characters (no slashes, "),
        (["a", "b/c"], "classes.1 is 'b/c'; expected text of 1 to 40"),
    ],
)
def test_invalid_classes_are_reported_with_what_was_expected(classes, words):
    of_data = schema_of("activations")["data"]
    assert words in refusal({"classes": classes}, of_data, "settings")
    assert "at least 1 entry," in refusal([], {"type": "array", "minItems": 1, "maxItems": 9})


# -- Files


@pytest.fixture
def written(tmp_path):
    """Return the function that writes a settings schema."""

    def of(text: str | bytes):
        path = tmp_path / "settings.schema.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return of


def refused(read, path) -> str:
    with pytest.raises(UserError) as caught:
        read(path)
    line = str(caught.value)
    assert len(line.splitlines()) == 1 and str(path) in line
    return line


@pytest.mark.parametrize("text", ["a: {b: [1]}", '{"a": {"b": [1]}}', '{\n\t"a": {"b": [1]}}'])
def test_a_file_is_yaml_or_json(written, text):
    assert yaml_file.load_file(written(text)) == {"a": {"b": [1]}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; expected an object"),
        ("# all of it\n", "is empty"),
        ("- 1\n", "is [1]"),
        ("text", "is 'text'"),
        (
            "a:\n\tb: 1\n",
            r"line 2: invalid YAML: found character '\t' that cannot start any token (ind",
        ),
        ("a: 1\nb: [1\nc: 2\n", "line 3: invalid YAML: "),
        ("a: 1\nb: 2\na: 3\n", "line 3: invalid YAML: duplicate key 'a'"),
        ("a: {b: 1, c: 2, b: 1}\n", "line 1: invalid YAML: duplicate key 'b'"),
        ('{"a": 1, "a": 2}', "line 1: invalid YAML: duplicate key 'a'"),
        ("a: 1\n b: 2\n", "line 2: invalid YAML: mapping values are not allowed here"),
        ("a: !!python/name:os.system\n", "line 1: invalid YAML: could not determine a constructor"),
        ("[1]: 2\n", "line 1: invalid YAML: found unhashable key"),
        ("a: 2020-99-99\n", "invalid YAML: month must be in 1..12"),
        ("a: *b\n", "line 1: invalid YAML: found undefined alias"),
        ("a: 1\0\n", "invalid YAML: unacceptable character #x0000"),
        (b"a: \xff\n", "invalid YAML: 'utf-8' codec can't decode"),
        ("[" * 5000, "invalid YAML: "),
    ],
)
def test_a_file_without_keys_is_reported_with_its_name_and_line(written, text, words):
    assert words in refused(yaml_file.load_file, written(text))


def test_a_missing_file_is_reported(tmp_path):
    assert "No such file" in refused(yaml_file.load_file, tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dta: {}", ": unknown part 'dta'; expected one of data, networks, figure"),
        ("1: {}", ": unknown part 1"),
        ("data: [1]", ": data is [1]; expected a JSON Schema"),
        ("figure: true", ": figure is true"),
        ("networks: [a]", ": networks is ['a']"),
        ("networks: {small: 1}", ": networks.small is 1"),
        ("data: {type: intger}", ": data.type: invalid JSON Schema: 'intger' is not valid"),
        (
            "networks: {a: {properties: {w: {type: no}}}}",
            ": networks.a.properties.w.type: invalid JSON",
        ),
        (
            "data: {properties: {x: {minimum: low}}}",
            "x.minimum: invalid JSON Schema: 'low' is not of",
        ),
        ("data: {properties: {x: {pattern: (}}}", "x.pattern: invalid JSON Schema: '(' is not a"),
        ("data: {properties: [x]}", "properties: invalid JSON Schema: ['x'] is not of type"),
        ("data: {default: 2020-01-01}", "invalid JSON Schema: Object of type date is not"),
        ("data: &a {not: *a}", "invalid JSON Schema: Circular reference"),
    ],
)
def test_an_invalid_settings_schema_is_reported_with_its_file_and_place(written, text, words):
    assert words in refused(schema.load_parts, written(text))


def test_settings_schemas_are_loaded_as_written(written):
    text = "data: {properties: {1: {default: 2}, x: true}}\nnetworks: {a: {}}\n"
    data = {"properties": {"1": {"default": 2}, "x": True}}
    assert schema.load_parts(written(text)) == {"data": data, "networks": {"a": {}}}


def test_a_boolean_schema_allows_or_forbids_a_key():
    rules = {"properties": {"yes": True, "no": False}}
    assert schema.checked({"yes": 1}, rules) == {"yes": 1}
    assert "is 1; expected nothing" in refusal({"no": 1}, rules)
    assert schema.folders(rules) == []


@pytest.mark.parametrize("reference", ["#/$defs/none", "other.yaml", "http://127.0.0.1:9/none"])
def test_an_unresolvable_reference_in_a_schema_is_reported(reference):
    rules = {"properties": {"x": {"$ref": reference}}}
    line = refusal({"x": 1}, rules, "a.settings")
    assert "a.settings has an unknown reference: " in line and line.endswith(reference[-6:])


# -- Any YAML value in any key


PATHS = [*paths_of(MANUAL), "datasets.points.settings.noise", "runs.tiny.network.width"]
PATHS += ["runs.tiny.training.optimizer.betas", "runs.tiny.training.schedule.warmup_steps"]
KEYS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["name", "seed", "settings", "experiment", "batch_size"]),
    st.integers(),
    st.none(),
    st.booleans(),
    st.floats(),
    st.dates(),
)
SCALARS = st.one_of(
    KEYS,
    st.text(max_size=90),
    st.sampled_from([10**30, -(2**63), "1e-3", "../x", "a\0/b", "x" * 300 + "/", b"\xff"]),
    st.sampled_from(["spirals", "sheets", "tiny", "points", ".", "./", "/", "~/", {1, 2}]),
)
VALUES = st.recursive(
    SCALARS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(KEYS, parts, max_size=3),
    max_leaves=6,
)


def plan_or_line(config, folder) -> str | None:
    """Make a plan with all its keys; return the error, or None if there is none."""
    try:
        planned = plan.Plan(config, folder)
        for dataset in planned.datasets.values():
            dataset.files()
            cache_keys.digest(fingerprints.of_shard(dataset, "train", "00000"))
        for run in planned.runs.values():
            for stage in ("train", "evaluate", "summarize", "render", "encode", "write_captions"):
                cache_keys.digest(run.stage_settings(stage))
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
@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_value_of_any_key_passes_or_is_refused_in_one_line(spirals, tmp_path, path, value):
    line = plan_or_line(put(spirals(), path, value), tmp_path)
    assert line is None or (len(line.splitlines()) == 1 and line.isprintable()), line


@HURRIED
@given(path=st.sampled_from(["", *PATHS]), key=KEYS, value=VALUES)
def test_any_additional_key_passes_or_is_refused_in_one_line(spirals, tmp_path, path, key, value):
    config = spirals()
    put(config, path, {key: value}) if path else config.update({key: value})
    line = plan_or_line(config, tmp_path)
    assert line is None or (len(line.splitlines()) == 1 and line.isprintable()), line


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
RESERVED = ["datasets", "logs", "benchmarks"]
ANY_NAME = st.one_of(
    st.text(st.characters(exclude_characters="\n"), max_size=12),
    st.text("aZ09_-./ \\\0é", max_size=6),
    st.from_regex(NAME, fullmatch=True),
    st.sampled_from([*RESERVED, "", ".", "..", "../x", "-a", "_a", " a", "a ", "all", "~"]),
    st.integers(60, 70).map("x".__mul__) | st.just("x" * 5000),
)


@HURRIED
@given(name=ANY_NAME)
def test_a_run_name_is_valid_or_refused_in_one_line(spirals, tmp_path, name):
    config = spirals()
    config |= {"main_run": name, "runs": {name: config["runs"]["tiny"]}}
    line = plan_or_line(config, tmp_path)
    assert (line is None) == (NAME.fullmatch(name) is not None and name not in RESERVED), line
    assert line is None or (len(line.splitlines()) == 1 and line.isprintable()), line


@HURRIED
@given(name=ANY_NAME)
def test_a_dataset_name_is_valid_or_refused_in_one_line(spirals, tmp_path, name):
    config = spirals(dataset=name)
    config["datasets"] = {name: config["datasets"]["points"]}
    line = plan_or_line(config, tmp_path)
    assert (line is None) == (NAME.fullmatch(name) is not None), line
    assert line is None or (len(line.splitlines()) == 1 and line.isprintable()), line


WORLD = reruns.world_config()
EVERY_KEY = [
    row.key for rows in (SHARED, *EXPERIMENT_ROWS.values()) for row in rows if "." in row.key
]


def alone_with(key: str) -> dict:
    """Return the miniature config with only the run and the dataset that a key belongs to."""
    part, name = key.split(".")[:2]
    runs = WORLD["runs"]
    users = (run for run in runs if runs[run]["dataset"] == name)
    run = name if part == "runs" else next(users)
    dataset = runs[run]["dataset"]
    datasets = {dataset: WORLD["datasets"][dataset]}
    return copy.deepcopy({"main_run": run, "datasets": datasets, "runs": {run: runs[run]}})


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """A folder with the folders that the miniature config names, empty."""
    folder = tmp_path_factory.mktemp("folders")
    for dataset in WORLD["datasets"].values():
        for value in dataset.get("settings", {}).values():
            if isinstance(value, str):
                (folder / value).mkdir(exist_ok=True)
    return folder


def any_value_anywhere(folders, key, value):
    line = plan_or_line(put(alone_with(key), key, value), folders)
    assert line is None or (len(line.splitlines()) == 1 and line.isprintable()), line


@HURRIED
@given(key=st.sampled_from(EVERY_KEY), value=VALUES)
def test_any_value_of_an_experiment_key_passes_or_is_refused_in_one_line(folders, key, value):
    any_value_anywhere(folders, key, value)


@pytest.mark.long
@settings(HURRIED, max_examples=5000, derandomize=False)
@given(key=st.sampled_from(EVERY_KEY), value=VALUES)
def test_five_thousand_more_values_pass_or_are_refused_in_one_line(folders, key, value):
    any_value_anywhere(folders, key, value)


@pytest.mark.parametrize("key", sorted({key.rpartition(".")[0] for key in EVERY_KEY}))
def test_any_missing_key_has_a_default_or_is_refused_in_one_line(folders, key):
    config = alone_with(key)
    part = config
    for name in key.split("."):
        part = part.get(name, {})
    for missing in list(part):
        less = copy.deepcopy(config)
        inner = less
        for name in key.split("."):
            inner = inner[name]
        del inner[missing]
        line = plan_or_line(less, folders)
        assert line is None or (len(line.splitlines()) == 1 and line.isprintable()), line


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"renamed": {"old": "a.new"}}, "config: x.old is now x.a.new"),
        ({"renamed": 5}, "config: unknown key x.old; expected no keys"),
    ],
)
def test_a_schema_may_list_renamed_keys(rules, words):
    assert refusal({"old": 1}, rules | {"additionalProperties": False}, "x") == words


def test_a_schema_may_describe_what_it_expects():
    rules = {"pattern": "^a+$", "expected": "the letter a"}
    assert refusal("b", rules, "x") == "config: x is 'b'; expected the letter a"
