"""Seals: any byte that is altered or lost breaks them."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from epochreel.artifacts import checkpoints
from epochreel.core.errors import UserError
from epochreel.formats import checksum
from epochreel.formats import parquet as parquet_files


def parquet(path):
    parquet_files.write(path, pa.table({"a": list(range(50))}), compression="zstd")
    return parquet_files.read


def safetensors(path):
    path.write_bytes(checkpoints.pack({"w": torch.arange(50.0)}, {"snapshot": 1}))
    return checkpoints.load


@pytest.mark.parametrize("kind", [parquet, safetensors])
def test_a_flipped_bit_anywhere_is_noticed_and_the_file_named(tmp_path, kind):
    read, rng = kind(tmp_path / "file"), random.Random(1)
    whole = (tmp_path / "file").read_bytes()
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << rng.randrange(8)
        (tmp_path / "file").write_bytes(data)
        with pytest.raises(UserError, match=f"{tmp_path}/file is damaged: delete it") as caught:
            read(tmp_path / "file")
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("kind", [parquet, safetensors])
def test_a_lost_byte_at_the_end_or_the_beginning_is_noticed(tmp_path, kind):
    read = kind(tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    for data in (whole[:-1], whole[1:], whole + b"\0", b"\0" + whole, b"", whole[:100]):
        (tmp_path / "file").write_bytes(data)
        with pytest.raises(UserError, match="is damaged"):
            read(tmp_path / "file")


@pytest.mark.parametrize("kind", [parquet, safetensors])
def test_what_was_sealed_is_read(tmp_path, kind):
    kind(tmp_path / "file")
    assert checksum.read(tmp_path / "file") == (tmp_path / "file").read_bytes()


@pytest.mark.parametrize("kind", [parquet, safetensors])
def test_the_same_content_has_the_same_seal(tmp_path, kind):
    kind(tmp_path / "one")
    kind(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_seal_named_among_the_data_is_not_taken_for_it(tmp_path):
    text = f"{checksum.NAME}  {'0' * 64}"
    parquet_files.write(tmp_path / "file", pa.table({"a": [text] * 3}), compression="none")
    assert parquet_files.read(tmp_path / "file")["a"].to_pylist() == [text] * 3


def test_a_file_without_a_seal_is_not_read(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "file")
    with pytest.raises(UserError, match="not a whole file of Epochreel"):
        parquet_files.read(tmp_path / "file")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.parquet .*\(No such file or directory\)"):
        parquet_files.read(tmp_path / "none.parquet")
