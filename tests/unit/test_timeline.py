"""The timeline of a run: its file, and the metrics that set its pace."""

import numpy as np
import pyarrow as pa
import pytest

from epochreel.artifacts import metrics, timeline
from epochreel.core.errors import UserError
from epochreel.experiment_api import declared_metrics
from epochreel.formats import parquet
from epochreel.provenance.keys import canonical, digest

KEY = {"settings": {}}
COLUMNS = ["snapshot", "first_frame", "frames"]


def written(path, frames=(3, 1, 5), closing=0):
    timeline.write(path, list(frames), closing, canonical(KEY))
    return path


def test_it_has_a_row_per_snapshot_and_one_for_the_closing_picture(tmp_path):
    table = parquet.read(written(tmp_path / "a", closing=24))
    assert table.schema.types == [pa.int32()] * 3
    assert table.to_pydict() == {
        "snapshot": [0, 1, 2, None],
        "first_frame": [0, 3, 4, 9],
        "frames": [3, 1, 5, 24],
    }


@pytest.mark.parametrize("closing", [0, 24])
def test_what_was_written_is_read(tmp_path, closing):
    path = written(tmp_path / "a", closing=closing)
    assert timeline.read(path, 3, digest(KEY)) == ([3, 1, 5], closing)


@pytest.mark.parametrize("count", [2, 4])
def test_a_timeline_of_other_snapshots_is_refused(tmp_path, count):
    path = written(tmp_path / "a")
    with pytest.raises(UserError, match=f"holds the snapshots up to 2, not {count - 1}: delete it"):
        timeline.read(path, count, digest(KEY))


def test_a_timeline_with_other_settings_is_refused(tmp_path):
    with pytest.raises(UserError, match="was made with other settings"):
        timeline.read(written(tmp_path / "a"), 3, digest({}))


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 0, 3), (2, 3, 1), (1, 4, 5)],
        [(0, 0, 3), (1, 3, 1), (2, 5, 5)],
        [(0, 0, 3), (1, 3, 0), (2, 3, 5)],
        [(0, 1, 3), (1, 4, 1), (2, 5, 5)],
        [(0, 0, 3), (None, 3, 1), (1, 4, 5), (2, 9, 1)],
        [(0, 0, 3), (1, 3, 1), (2, 4, 5), (None, 9, 1), (None, 10, 1)],
    ],
)
def test_inconsistent_times_are_refused(tmp_path, rows):
    table = pa.table([pa.array(c, pa.int32()) for c in zip(*rows, strict=True)], COLUMNS)
    parquet.write(tmp_path / "a", table.replace_schema_metadata({"epochreel": canonical(KEY)}))
    with pytest.raises(UserError, match="does not show every snapshot in turn: delete it"):
        timeline.read(tmp_path / "a", 3, digest(KEY))


def test_metrics_are_named_without_the_columns_of_their_time():
    rows = pa.table({"snapshot": [0, 1], "step": [0, 5], "loss": [1.0, 2.0]})
    assert metrics.names(rows) == ["loss"]
    assert np.array_equal(rows["loss"].to_numpy(), [1, 2])


@pytest.mark.parametrize(
    ("declared", "names", "paced"),
    [
        ("", ["loss", "accuracy"], ["accuracy"]),
        ("", ["loss", "f1"], ["loss"]),
        ("", [], []),
        ('METRICS = {"a": Metric("A"), "b": Metric("B", pace=True)}', ["a", "b"], ["b"]),
        ('METRICS = {"a_*": Metric("A {}", pace=True)}', ["b", "a_1", "a_2"], ["a_1", "a_2"]),
        ('METRICS = {"a_*": Metric("{}", pace=True), "a_1": Metric("1")}', ["a_1", "a_2"], ["a_2"]),
    ],
)
def test_marked_metrics_set_the_pace_or_else_the_accuracy(tmp_path, declared, names, paced):
    (tmp_path / "evaluation.py").write_text(declared)
    assert declared_metrics.pace(tmp_path / "evaluation.py", names) == paced


@pytest.mark.parametrize(("names", "returned"), [(["a", "c"], "a, c"), ([], "it returns none")])
def test_a_pace_by_metrics_that_do_not_exist_is_refused(tmp_path, names, returned):
    file = tmp_path / "evaluation.py"
    file.write_text('METRICS = {"b": Metric("B", pace=True)}')
    words = rf"^{file}: METRICS marks .* expected one that it returns \({returned}\)$"
    with pytest.raises(UserError, match=words):
        declared_metrics.pace(file, names)
