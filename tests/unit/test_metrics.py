"""Metrics: the table of all snapshots so far."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from epochreel.artifacts import metrics as metrics_table
from epochreel.core.errors import UserError
from epochreel.provenance.keys import digest


def rows(*numbers):
    return [
        {"snapshot": n, "step": 5 * n, "accuracy": n / 10, "loss": 1.0 - n / 10} for n in numbers
    ]


def test_the_metrics_grow_block_by_block():
    first = metrics_table.extend(None, rows(0, 1, 2))
    assert metrics_table.extend(first, rows(3, 4)).to_pylist() == rows(0, 1, 2, 3, 4)


@pytest.mark.parametrize("numbers", [(1, 2), (0, 2), (0, 1, 1), (1, 0)])
def test_a_gap_in_the_snapshots_is_refused(numbers):
    with pytest.raises(UserError, match="the metrics skip a snapshot"):
        metrics_table.extend(None, rows(*numbers))


def test_a_gap_between_blocks_is_refused():
    first = metrics_table.extend(None, rows(0, 1))
    with pytest.raises(UserError, match="the metrics skip a snapshot"):
        metrics_table.extend(first, rows(3))


def test_metrics_are_read_back_as_written(tmp_path):
    summary = metrics_table.extend(None, rows(0, 1, 2))
    metrics_table.write(tmp_path / "file", summary, '{"code":"c"}')
    assert metrics_table.read(tmp_path / "file", 3, digest({"code": "c"})).equals(summary)
    assert pq.read_schema(tmp_path / "file").metadata[b"epochreel"] == b'{"code":"c"}'


def test_metrics_read_from_a_file_are_extended_the_same_way(tmp_path):
    summary = metrics_table.extend(None, rows(0, 1))
    metrics_table.write(tmp_path / "file", summary, "{}")
    read = metrics_table.extend(metrics_table.read(tmp_path / "file", 2, digest({})), rows(2))
    assert read.equals(metrics_table.extend(summary, rows(2)))


def test_a_damaged_file_is_reported_with_the_command_that_repairs_it(tmp_path):
    path = tmp_path / "0000.parquet"
    metrics_table.write(path, metrics_table.extend(None, rows(0, 1)), "{}")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=f"{path} is damaged: delete it and run: snakemake {path}"):
        metrics_table.read(path, 2, digest({}))


@pytest.mark.parametrize(
    ("count", "key", "words"),
    [
        (2, {"code": "c"}, "was made with other settings, code or versions than the config"),
        (3, {}, "holds the snapshots up to 1, not 2"),
        (1, {}, "holds the snapshots up to 1, not 0"),
    ],
)
def test_metrics_of_another_block_or_run_are_refused(tmp_path, count, key, words):
    path = tmp_path / "0000.parquet"
    metrics_table.write(path, metrics_table.extend(None, rows(0, 1)), "{}")
    with pytest.raises(UserError, match=f"^{path} {words}.*: delete it and run the same command"):
        metrics_table.read(path, count, digest(key))


def test_metrics_of_other_steps_are_refused(tmp_path):
    path = tmp_path / "0000.parquet"
    metrics_table.write(path, metrics_table.extend(None, rows(0, 1, 2)), "{}")
    assert metrics_table.read(path, 3, digest({}), [5, 10])["step"].to_pylist() == [0, 5, 10]
    with pytest.raises(UserError, match=r"holds the steps \[5, 10\], not \[5, 11\]: delete it"):
        metrics_table.read(path, 3, digest({}), [5, 11])


def test_the_history_ends_at_its_snapshot_and_has_its_times():
    history = metrics_table.history(metrics_table.extend(None, rows(*range(6))), 3, 10, 4)
    assert history["epoch"].tolist() == [0, 0.5, 1, 1.5]
    assert history["step"].tolist() == [0, 5, 10, 15]
    assert history["examples"].tolist() == [0, 20, 40, 60]
    assert history["accuracy"].tolist() == [0, 0.1, 0.2, 0.3]


def test_the_history_of_the_untrained_network_has_one_value():
    history = metrics_table.history(metrics_table.extend(None, rows(0, 1)), 0, 1, 1)
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(history, 1)
    assert isinstance(history["loss"], np.ndarray)


# -- Undefined metrics

GAPS = [{"loss": None}, {}, {"loss": 2.0}, {"f1": 0.5, "accuracy": None}, {"loss": 1.0, "f1": None}]
GAPS = [{"snapshot": n, "step": n} | metrics for n, metrics in enumerate(GAPS)]


@pytest.mark.parametrize("ends", [(5,), (1, 2, 3, 4, 5), (2, 5), (3, 4, 5)])
def test_undefined_metrics_are_null_and_blocks_do_not_change_the_bytes(tmp_path, ends):
    table, first = None, 0
    for end in ends:
        table = metrics_table.extend(table, GAPS[first:end])
        metrics_table.write(tmp_path / "file", table, "{}")
        table, first = metrics_table.read(tmp_path / "file", end, digest({})), end
    metrics_table.write(tmp_path / "whole", metrics_table.extend(None, GAPS), "{}")
    assert (tmp_path / "file").read_bytes() == (tmp_path / "whole").read_bytes()
    assert {
        name: str(column.type) for name, column in zip(table.column_names, table, strict=True)
    } == (
        {"snapshot": "int64", "step": "int64"} | dict.fromkeys(("loss", "f1", "accuracy"), "double")
    )
    assert table["f1"].to_pylist() == [None, None, None, 0.5, None]
    assert table["accuracy"].null_count == 5


def test_undefined_metrics_are_nan_for_figures_and_captions():
    table = metrics_table.extend(None, GAPS)
    history = metrics_table.history(table, 4, 1, 1)
    assert np.array_equal(history["f1"], [np.nan] * 3 + [0.5, np.nan], equal_nan=True)
    assert np.isnan(metrics_table.rows(table)[2]["f1"])
    assert metrics_table.rows(table)[3]["f1"] == 0.5


def test_a_history_depends_on_no_later_snapshot():
    early, whole = (metrics_table.extend(None, GAPS[:end]) for end in (3, 5))
    one, other = (metrics_table.history(table, 2, 1, 1) for table in (early, whole))
    assert list(one) == list(other) == ["snapshot", "step", "loss", "epoch", "examples"]
    assert np.isnan(other["f1"]).all() and len(other["f1"]) == 3
