"""Snakemake's checksums: right, and read once."""

import asyncio
import os
from pathlib import Path

import pytest

from epochreel.runtime.patches import checksum_cache


class File(str):
    """As much of a Snakemake file as its checksum needs, counting how often it is read."""

    reads = 0

    async def checksum(self, threshold=None, force=False, algorithm=None):
        """The file's text, for a checksum."""
        File.reads += 1
        return Path(self).read_text()


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(checksum_cache, "_IOFile", File)
    monkeypatch.setattr(File, "checksum", File.checksum)
    monkeypatch.setattr(File, "reads", 0)
    checksum_cache.remember()
    (tmp_path / "file").write_text("one")
    return File(tmp_path / "file")


def ask(file, **how):
    return asyncio.run(file.checksum(1000, **how))


def test_a_file_that_stays_is_read_once(file):
    checksum_cache.remember()
    assert [ask(file) for _ in range(5)] == ["one"] * 5
    assert File.reads == 1


@pytest.mark.parametrize("text", ["two", "three"])
def test_a_file_that_changes_is_read_again(file, text):
    assert ask(file) == "one"
    before = os.stat(file).st_mtime_ns
    os.remove(file)
    Path(file).write_text(text)
    os.utime(file, ns=(before + 1, before + 1))
    assert ask(file) == text


def test_who_insists_gets_a_new_reading(file):
    assert [ask(file, force=True) for _ in range(2)] == ["one", "one"]
    assert File.reads == 2
