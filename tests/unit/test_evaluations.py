"""Evaluations: predictions, metrics and cache key in one file."""

import contextlib

import numpy as np
import pytest

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.evaluation import evaluator
from epochreel.provenance.keys import digest

COLUMNS = {
    "place": np.arange(6, dtype=np.int16),
    "probability": np.linspace(0, 1, 6).astype(np.float16),
    "prediction": np.array([0, 1, 2, 3, 4, 9], np.uint8),
}
KEY = {"settings": {"batch": 1}, "code": "c", "versions": {}, "reads": {}}
ABOUT = {"snapshot": 42, "key": KEY}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "000042.parquet"
    evaluations.write(path, COLUMNS, {"accuracy": np.float64(0.5), "loss": 2}, ABOUT)
    return path


def test_predictions_are_read_back_as_written(written):
    table = evaluations.read(written)
    for name, column in COLUMNS.items():
        assert np.array_equal(table[name].to_numpy(), column)
        assert table[name].to_numpy().dtype == column.dtype


def test_snapshot_metrics_and_key_are_recorded(written):
    assert evaluations.read_metadata(written) == ABOUT | {"metrics": {"accuracy": 0.5, "loss": 2.0}}


def test_the_same_predictions_give_the_same_bytes(written, tmp_path):
    evaluations.write(tmp_path / "other", COLUMNS, {"loss": 2, "accuracy": 0.5}, ABOUT)
    assert (tmp_path / "other").read_bytes() == written.read_bytes()


@pytest.mark.parametrize("read", [evaluations.read, evaluations.read_metadata])
@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: b"", lambda d: b"x" + d[1:]])
def test_a_damaged_file_is_reported_with_the_command_that_repairs_it(written, read, damage):
    written.write_bytes(damage(written.read_bytes()))
    words = f"{written} is damaged: delete it and run: snakemake {written}"
    with pytest.raises(UserError, match=words) as caught:
        read(written)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("read", [evaluations.read_snapshot, evaluations.metrics])
@pytest.mark.parametrize(
    ("snapshot", "key", "words"),
    [(41, KEY, "holds snapshot 42, not 41"), (42, {}, "was made with other settings")],
)
def test_an_evaluation_of_another_snapshot_or_run_is_refused(written, read, snapshot, key, words):
    with pytest.raises(UserError, match=f"^{written} {words}.*: delete it and run the same comm"):
        read(written, snapshot, digest(key))
    assert read(written, 42, digest(KEY))


@pytest.mark.parametrize("size", [1, 2, 4, 6, 10])
def test_batches_contain_each_example_once_and_in_order(size):
    parts = list(evaluator.batches(COLUMNS, size))
    assert [len(part["place"]) for part in parts[:-1]] == [size] * (len(parts) - 1)
    assert np.concatenate([part["place"] for part in parts]).tolist() == list(range(6))


@pytest.mark.parametrize(
    ("rows", "fits"), [(20, True), (25, True), (40, True), (0, False), (3, False), (5, False)]
)
def test_columns_need_a_row_for_each_example_of_a_split_or_of_both(rows, fits):
    tried = [{"x": np.zeros(20)}, {"x": np.zeros(5)}]
    told = pytest.raises(UserError, match=f"^evaluate returns {rows} rows; .* examples, 20 or 25")
    with contextlib.nullcontext() if fits else told:
        evaluator.check_row_count({"column": np.zeros(rows)}, tried, "evaluate")
