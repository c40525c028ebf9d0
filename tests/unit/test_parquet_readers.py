"""Parquet files open in DuckDB, pandas, polars and Hugging Face `datasets`, with equal values."""

import numpy as np
import pandas as pd
import parquet_readers
import pyarrow as pa
import pytest

from epochreel.artifacts import (
    dataset_shards,
    evaluations,
    layer_table,
    metrics,
    projections,
    system_log,
    training_table,
)

HALVES = np.linspace(0, 1, 6).astype(np.float16)
NAMES = ["T-shirt", "boat", "cat"]
KEY = "{}"


def lists(values):
    return pa.FixedSizeListArray.from_arrays(pa.array(values), 2)


COLUMNS = {
    "page": np.arange(3, dtype=np.int32),
    "truth": np.array([0, 200, 255], np.uint8),
    "half": HALVES[:3],
    "single": np.array([0.1, np.nan, 3], np.float32),
    "double": np.array([0.1, 2, 3]),
    "halves": lists(HALVES),
    "singles": lists(HALVES.astype(np.float32)),
    "nested halves": pa.array([[[1], []], None, [[2, 3]]], pa.list_(pa.list_(pa.float16()))),
    "halves by name": pa.array([{"h": HALVES[1]}, None, {"h": None}]),
    "label": evaluations.named(np.array([2, 0, 2]), NAMES),
    "letters": evaluations.named(np.array([[2, 1], [1, 0], [1, 1]]), NAMES),
    "word": ["a", None, ""],
    "mask": pa.array([[1, 2], None, None], pa.list_(pa.uint8())),
    "right": [True, False, None],
    "nothing": [None] * 3,
}


def evaluation(path):
    evaluations.write(path, COLUMNS, {"accuracy": None}, {"snapshot": 0, "key": {}})


def metric_table(path):
    rows = [{"snapshot": 0, "loss": None}, {"snapshot": 1, "loss": 0.5, "f": 0.1}]
    metrics.write(path, metrics.extend(None, rows), KEY)


def training(path):
    counts = {f"{kind}_counts": [1, 2] for kind in ("weight", "gradient")}
    rows = [{"snapshot": n, "loss": n or None, "layers": [{"name": "a", **counts}]} for n in (0, 1)]
    training_table.write(path, rows, KEY)


def layers(path):
    row = {"name": "a", "kind": "Linear", "parameters": 2**40}
    layer_table.write(path, [row | {"output_shape": shape} for shape in ([1, 2], None)], KEY)


def projection(path):
    projections.write(path, np.eye(3, 2, dtype=np.float32), {"size": 1.0}, 0, KEY)


def system(path):
    gpu = {"name": "H", "percent": 1.5, "memory_bytes": None}
    samples = [{"snapshot": n, "time": 1.5, "gpus": gpus} for n, gpus in enumerate(([gpu], []))]
    system_log.write(path, samples)


def shard(path):
    example = {
        "image": np.zeros((4, 4), np.uint8),
        "label": 3,
        "h": np.float16(0.1),
        "many": HALVES,
    }
    dataset_shards.write(path, [example, example], {"split": "test"})


WRITERS = (evaluation, metric_table, training, layers, projection, system, shard)


@pytest.mark.parametrize("reader", parquet_readers.READERS)
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_table_has_the_same_values_in_every_reader(tmp_path, write, reader):
    path = tmp_path / "x.parquet"
    write(path)
    assert parquet_readers.READERS[reader](path) == parquet_readers.expected(path) != []


def test_class_names_are_categories_in_the_order_of_the_classes(tmp_path):
    evaluation(tmp_path / "x.parquet")
    found = pd.read_parquet(tmp_path / "x.parquet")["label"]
    assert found.tolist() == ["cat", "T-shirt", "cat"]
    assert found.cat.categories.tolist() == NAMES
    assert found.cat.codes.tolist() == [2, 0, 2]


@pytest.mark.parametrize("shape", [(6,), (3, 2)])
@pytest.mark.parametrize("count", [3, 128, 129, 40_000])
def test_class_indices_are_read_back_from_a_column_of_names(tmp_path, shape, count):
    indices = np.linspace(0, count - 1, 6).astype(int).reshape(shape)
    column = evaluations.named(indices, [f"class {number}" for number in range(count)])
    evaluations.write(tmp_path / "x", {"label": column}, {}, {"snapshot": 0, "key": {}})
    table = evaluations.read(tmp_path / "x")
    assert np.array_equal(evaluations.indices(table["label"]), indices)
    assert np.array_equal(evaluations.indices(table["label"].slice(1)), indices[1:])


def test_a_column_of_numbers_is_its_own_indices():
    assert evaluations.indices(pa.chunked_array([[3, 1]])).tolist() == [3, 1]
