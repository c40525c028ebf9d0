"""Shards: examples on disk, read back unchanged, in the format of the Hugging Face libraries."""

import datetime
import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from epochreel.artifacts import dataset_shards
from epochreel.core.errors import UserError
from epochreel.provenance.keys import digest

KINDS = {
    "grey": lambda rng: rng.integers(0, 256, (5, 7), np.uint8),
    "rgb": lambda rng: rng.integers(0, 256, (4, 6, 3), np.uint8),
    "digits": lambda rng: rng.integers(0, 10, 3, np.uint8),
    "point": lambda rng: rng.normal(size=2).astype(np.float32),
    "label": lambda rng: int(rng.integers(2)),
    "weight": lambda rng: float(rng.normal()),
}


def examples(first, count):
    for index in range(first, first + count):
        rng = np.random.default_rng(index)
        yield {name: draw(rng) for name, draw in KINDS.items()}


@pytest.fixture
def split(tmp_path):
    """Seven examples in two shards."""
    for number, (first, count) in enumerate([(0, 4), (4, 3)]):
        dataset_shards.write(
            tmp_path / f"{number}.parquet", examples(first, count), {"first": first}
        )
    return dataset_shards.Split([tmp_path / "0.parquet", tmp_path / "1.parquet"])


@pytest.mark.parametrize("name", KINDS)
def test_examples_are_read_back_as_written(split, name):
    for index, example in enumerate(examples(0, 7)):
        assert np.array_equal(split[index][name], example[name])
        assert np.asarray(split[index][name]).dtype == np.asarray(example[name]).dtype


@pytest.mark.parametrize("name", KINDS)
def test_reading_all_at_once_equals_reading_one_by_one(split, name):
    together = split.arrays()[name]
    assert len(together) == len(split) == 7
    assert np.array_equal(together, np.stack([example[name] for example in split]))


def test_the_number_of_workers_changes_nothing(split):
    one, four = split.arrays(1), split.arrays(4)
    assert all(np.array_equal(one[name], four[name]) for name in KINDS)


# -- What an experiment yields


def alike(examples, count=2) -> list:
    return list(dataset_shards.checked_examples(examples, count, "data.py: generate"))


@pytest.mark.parametrize("kind", [iter, list, tuple])
def test_examples_with_the_same_columns_are_passed_on(kind):
    given = list(examples(0, 3))
    assert str(alike(kind(given), 3)) == str(given)


@pytest.mark.parametrize("buffer", [np.zeros(2), [0, 0], torch.zeros(2)])
def test_examples_in_a_buffer_that_is_filled_again_are_copied(buffer):
    def generate():
        for number in range(3):
            buffer[0] = number
            yield {"x": buffer}

    assert [float(example["x"][0]) for example in alike(generate(), 3)] == [0, 1, 2]


def test_the_last_example_must_be_the_same_when_generated_alone(tmp_path):
    given = [{"x": np.array([number, np.nan]), "y": number} for number in range(3)]
    dataset_shards.write(tmp_path / "shard", given, {})
    dataset_shards.check_last(tmp_path / "shard", given[2:], "data.py: generate")
    with pytest.raises(UserError, match=r"data\.py: generate yields a different example 2 when it"):
        dataset_shards.check_last(tmp_path / "shard", given[1:2], "data.py: generate")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "returns nothing; expected an iterable of dicts"),
        ([], "yields 0 examples; expected 2"),
        ([{"x": 1}], "yields 1 examples; expected 2"),
        ([{"x": 1}] * 3, "yields more than 2 examples; expected 2"),
        ([{"x": 1}, None], r"yields example 2 of 2 as nothing; expected a dict"),
        ([(1, 2)], r"example 1 of 2 as \(1, 2\); expected a dict"),
        ([{}, {}], r"as {}; expected a dict"),
        ([{1: 2}], "with the key 1; expected column names as strings"),
        (
            [{"x": [1]}, {"x": [1, 2]}],
            "'x' is a list of 1 in example 1 and a list of 2 in example 2",
        ),
        (
            [{"x": 1}, {"x": 1, "y": 2}],
            "'y' is missing in example 1 and a single value in example 2",
        ),
        (
            [{"x": 1, "y": 2}, {"y": 1}],
            "'x' is a single value in example 1 and missing in example 2",
        ),
        ([{"x": np.zeros(2)}, {"x": np.zeros(3)}], r"'x' is float64 \(2,\) in example 1"),
        ([{"x": np.zeros(2)}, {"x": np.zeros(2, "u1")}], r"and uint8 \(2,\) in example 2"),
    ],
)
def test_invalid_examples_are_refused_in_one_line(given, words):
    with pytest.raises(UserError, match=rf"^data\.py: generate .*{words}") as caught:
        alike(given)
    assert len(str(caught.value).splitlines()) == 1


def test_an_endless_generator_is_stopped():
    with pytest.raises(UserError, match="more than 2 examples"):
        alike(iter(lambda: {"x": 1}, None))


def pixels(*shape) -> np.ndarray:
    return np.zeros(shape, np.uint8)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([np.zeros((2, 2), np.float32)], "pixels are float32; expected uint8"),
        ([pixels(2, 2, 2)], r"shape \(2, 2, 2\)"),
        ([pixels(4, 4, 3, 1)], r"shape \(4, 4, 3, 1\)"),
        ([pixels(4, 4, 3, 2)], r"shape \(4, 4, 3, 2\)"),
        ([pixels(4, 5, 1)], r"shape \(4, 5, 1\)"),
        ([pixels(0, 4)], r"shape \(0, 4\)"),
        ([object()], "Could not convert"),
        ([2**70], "too large|too big"),
        (["word"], "values of type string"),
        ([b"word"], "values of type binary"),
        ([None], "values of type null"),
        ([1, None], "None among the values"),
        ([[1, None]], "None among the values"),
        ([datetime.date(2020, 1, 1)], "values of type date32"),
        ([{"a": 1}], "{'a': 1}"),
        ([{"bytes": b"", "path": None}], "{'bytes': b'', 'path': None}"),
        ([np.array(["a", "b"])], "values of type string"),
        ([np.array([1, None], object)], "Unsupported numpy type"),
        ([np.array(3)], "1-dimensional"),
        ([["a"]], "values of type string"),
        ([[]], "values of type null"),
        ([[[1, 2]]], "values of type list"),
        ([[1], [1, 2]], "lists of different lengths"),
        ([[1], 2], "cannot mix list and non-list"),
        ([np.uint64(2**63)], "integers of more than 63 bits"),
    ],
)
def test_a_value_that_no_column_can_store_is_refused_before_writing(tmp_path, values, words):
    start = r"^data\.py: generate produces a value that column 'x' cannot hold"
    words = rf"{start} \(.*({words}).*\); expected"
    with pytest.raises(UserError, match=words) as caught:
        examples = [{"x": value} for value in values]
        dataset_shards.write(tmp_path / "a.parquet", examples, {}, "data.py: generate")
    assert len(str(caught.value).splitlines()) == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5], "float64"),
        ([True, False], "bool"),
        ([np.int16(1), np.int16(2)], "int64"),
        ([np.array([2**63], np.uint64)], "uint64"),
        ([[1, 2], (3, 4)], "int64"),
        ([[True], [False]], "bool"),
        ([np.zeros(2, bool), np.ones(2, bool)], "bool"),
        ([np.zeros(2, np.float16), np.ones(2, np.float16)], "float16"),
        ([np.zeros(2, np.uint16), np.ones(2, np.uint16)], "uint16"),
        ([np.zeros(0, np.float32)] * 2, "float32"),
        ([pixels(4, 5), pixels(4, 5) + 1], "uint8"),
        ([math.nan, math.inf], "float64"),
    ],
)
def test_a_column_of_numbers_is_read_as_one_trainable_array(tmp_path, values, kind):
    dataset_shards.write(tmp_path / "a", [{"x": value} for value in values], {})
    column = dataset_shards.Split([tmp_path / "a"]).arrays()["x"]
    assert np.array_equal(column, np.stack(values), equal_nan=kind == "float64")
    assert torch.from_numpy(column).dtype == getattr(torch, kind)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"x": 1}, {"x": 1, "y": 2}, "'y' is int64, but missing in "),
        ({"x": 1, "y": 2}, {"x": 1}, "'y' is missing, but int64 in "),
        ({"x": 1}, {"x": 1.5}, "'x' is double, but int64 in "),
        (
            {"x": np.zeros(2)},
            {"x": np.zeros(2, "f4")},
            r"'x' is float \(2,\), but double \(2,\) in ",
        ),
        ({"x": np.zeros(2)}, {"x": np.zeros(3)}, r"'x' is double \(3,\), but double \(2,\) in "),
        ({"x": pixels(2, 4)}, {"x": pixels(2, 5)}, r"image \(2, 5\), but an image \(2, 4\) in "),
        (
            {"x": pixels(2, 4)},
            {"x": pixels(2, 4, 3)},
            r"image \(2, 4, 3\), but an image \(2, 4\) in",
        ),
        ({"x": pixels(2, 4)}, {"x": pixels(4)}, r"'x' is uint8 \(4,\), but an image \(2, 4\) in "),
    ],
)
def test_shards_with_different_columns_are_reported_with_the_column(tmp_path, one, other, words):
    paths = [tmp_path / name for name in "abc"]
    for path, example in zip(paths, (one, one, other), strict=True):
        dataset_shards.write(path, [example], {})
    with pytest.raises(UserError, match=rf"^{paths[2]}: column .*{words}.*: generate in data"):
        dataset_shards.Split(paths).arrays()


@pytest.mark.parametrize("index", [-1, 7, 1000])
def test_an_index_beyond_the_split_is_refused(split, index):
    with pytest.raises(IndexError, match="of 7"):
        split[index]


def test_a_split_without_shards_is_empty():
    assert len(dataset_shards.Split([])) == 0 and dataset_shards.Split([]).arrays() == {}


def test_the_written_examples_are_counted(tmp_path):
    assert dataset_shards.write(tmp_path / "file", examples(0, 5), {}) == 5


def test_the_same_examples_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        dataset_shards.write(tmp_path / name, examples(0, 3), {"b": 1, "a": 2})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_image_is_stored_in_the_hugging_face_format(split, tmp_path):
    schema = pq.read_schema(tmp_path / "0.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    image = pq.read_table(tmp_path / "0.parquet")["grey"][0].as_py()
    assert image["bytes"].startswith(b"\x89PNG") and image["path"] is None
    assert features["grey"] == features["rgb"] == {"_type": "Image"}
    assert features["label"] == {"_type": "Value", "dtype": "int64"}
    assert (
        features["digits"]["_type"] == "List" and features["digits"]["feature"]["dtype"] == "uint8"
    )


def test_a_float_is_stored_with_its_hugging_face_type(split, tmp_path):
    schema = pq.read_schema(tmp_path / "0.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert features["weight"]["dtype"] == "float64"
    assert features["point"]["feature"]["dtype"] == "float32"


def test_the_key_of_a_shard_is_in_its_metadata(split, tmp_path):
    schema = pq.read_schema(tmp_path / "1.parquet")
    assert json.loads(schema.metadata[b"epochreel"]) == {"first": 4}


@pytest.mark.parametrize("place", [0, 0.3, 0.6, 0.9, 1])
def test_a_damaged_shard_is_reported_with_the_command_that_repairs_it(split, tmp_path, place):
    path = tmp_path / "0.parquet"
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 8
    path.write_bytes(data)
    with pytest.raises(UserError, match=rf"{path} is damaged: delete it and run: snakemake {path}"):
        dataset_shards.Split([path])


STAGE = {"settings": {"examples": {"train": 7}}, "reads": {"generate_dataset": digest("key")}}


def of(folder, *parts) -> list[str]:
    """Write shards from parts (split, first, count, key); return their paths."""
    paths = [str(folder / f"{number}.parquet") for number in range(len(parts))]
    for path, (split, first, count, key) in zip(paths, parts, strict=True):
        about = {"split": split, "first": first, "key": key}
        dataset_shards.write(path, examples(first, count), about)
    return paths


WHOLE = [("train", 0, 4, "key"), ("train", 4, 3, "key")]


def test_a_stage_reads_the_split_that_it_expects(tmp_path):
    assert len(dataset_shards.Split.of(STAGE, "train", of(tmp_path, *WHOLE))) == 7
    paths = of(tmp_path, *WHOLE)[:1]
    assert len(dataset_shards.Split.sample(STAGE, "train", paths, 3)) == 4
    assert len(dataset_shards.Split.sample(STAGE, "train", [], 0)) == 0


@pytest.mark.parametrize(
    ("place", "part", "words"),
    [
        (0, ("train", 0, 4, "other"), "was made with other settings, code or versions"),
        (1, ("train", 4, 3, "other"), "was made with other settings, code or versions"),
        (0, ("test", 0, 4, "key"), "holds the examples from test 0, not train 0"),
        (1, ("train", 0, 4, "key"), "holds the examples from train 0, not train 4"),
        (1, ("train", 4, 2, "key"), "holds the examples up to train 5, not train 6"),
        (1, ("train", 4, 9, "key"), "holds the examples up to train 12, not train 6"),
    ],
)
def test_a_shard_of_another_slot_or_dataset_is_refused(tmp_path, place, part, words):
    parts = list(WHOLE)
    parts[place] = part
    paths = of(tmp_path, *parts)
    with pytest.raises(UserError, match=f"^{paths[place]} {words}.*: delete it and run the same"):
        dataset_shards.Split.of(STAGE, "train", paths)


def test_shards_too_small_for_the_sample_are_refused(tmp_path):
    paths = of(tmp_path, *WHOLE)
    with pytest.raises(
        UserError, match=f"^{paths[1]} holds the examples up to train 6, not train 7"
    ):
        dataset_shards.Split.sample(STAGE, "train", paths, 8)


def test_a_failed_write_of_a_shard_leaves_no_file(tmp_path):
    def failing():
        yield from examples(0, 2)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        dataset_shards.write(tmp_path / "file", failing(), {})
    assert list(tmp_path.iterdir()) == []
