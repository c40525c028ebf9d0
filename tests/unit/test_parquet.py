"""Parquet files embed a checksum: a reader detects any byte that was changed or lost."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epochreel.core.errors import UserError
from epochreel.formats import parquet


@pytest.fixture
def path(tmp_path):
    parquet.write(tmp_path / "file", pa.table({"a": list(range(50))}))
    return tmp_path / "file"


def test_a_flipped_bit_anywhere_is_detected_and_the_file_reported(path):
    whole, rng = path.read_bytes(), random.Random(1)
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        with pytest.raises(UserError, match=f"{path} is damaged: delete it") as caught:
            parquet.read(path)
        assert len(str(caught.value).splitlines()) == 1


def test_a_lost_or_added_byte_at_either_end_is_detected(path):
    whole = path.read_bytes()
    for data in (whole[:-1], whole[1:], whole + b"\0", b"\0" + whole, b"", whole[:100]):
        path.write_bytes(data)
        with pytest.raises(UserError, match="is damaged"):
            parquet.read(path)


def test_a_table_is_read_back_as_written(path):
    assert parquet.read(path)["a"].to_pylist() == list(range(50))


def test_the_same_table_gives_the_same_bytes(path, tmp_path):
    parquet.write(tmp_path / "other", pa.table({"a": list(range(50))}))
    assert path.read_bytes() == (tmp_path / "other").read_bytes()


def test_a_checksum_in_the_data_is_not_mistaken_for_that_of_the_file(tmp_path):
    text = f"{parquet._NAME}  {'0' * 64}"
    parquet.write(
        tmp_path / "file", pa.table({"a": [text] * 3}), compression="none", compression_level=None
    )
    assert parquet.read(tmp_path / "file")["a"].to_pylist() == [text] * 3


def test_a_file_without_a_checksum_is_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "file")
    with pytest.raises(UserError, match="not a complete Parquet file"):
        parquet.read(tmp_path / "file")


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"none\.parquet .*\(No such file or directory\)"):
        parquet.read(tmp_path / "none.parquet")
