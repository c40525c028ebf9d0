"""The cache for Snakemake's checksums, tested against the installed Snakemake."""

import asyncio
import hashlib
import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.io import _IOFile
from workflow import REPOSITORY

from epochreel.runtime.patches import checksum_cache

# A job with three outputs in a workflow that prints when Snakemake opens the job's input.
SNAKEFILE = """\
import sys

if {patched}:
    from epochreel.runtime.patches import checksum_cache
    checksum_cache.apply()
sys.addaudithook(lambda event, of: event == "open" and of[0] == "input" and print("read input"))

rule copy:
    input: "input"
    output: "a", "b", "c"
    shell: "touch {{output}}"
"""


@pytest.fixture
def file(tmp_path, monkeypatch) -> _IOFile:
    """An input file that holds `one`, as Snakemake sees it outside its own cache."""
    monkeypatch.setattr(_IOFile, "checksum", _IOFile.checksum)  # Undone after the test.
    monkeypatch.setattr(checksum_cache, "_known", {})
    (tmp_path / "file").write_text("one")
    workflow = SimpleNamespace(iocache=SimpleNamespace(active=False))
    made = _IOFile(str(tmp_path / "file"), rule=None)
    made.rule = SimpleNamespace(workflow=workflow)
    return made


def checksum(file: _IOFile, **how) -> str:
    return asyncio.run(file.checksum(1000, **how))


def replace_unseen(file: _IOFile, text: str = "two") -> None:
    """Change the content of the file, but not its time, size or inode."""
    state = os.stat(file)
    Path(file).write_text(text)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("patched", [False, True])
def test_an_input_is_read_once_instead_of_once_per_output(tmp_path, patched):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(patched=patched))
    (tmp_path / "input").write_text("one")
    said = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow_scripts")},
    ).stdout
    assert said.count("read input") == (1 if patched else 3)


def test_the_patched_method_has_the_expected_signature(file):
    assert inspect.iscoroutinefunction(_IOFile.checksum)
    assert [*inspect.signature(_IOFile.checksum).parameters] == (
        ["self", "threshold", "force", "algorithm"]
    )


def test_without_the_patch_snakemake_reads_a_file_each_time(file):
    before = checksum(file)
    replace_unseen(file)
    assert checksum(file) != before


def test_an_unchanged_file_is_read_once(file):
    without = checksum(file)
    checksum_cache.apply()
    assert checksum(file) == without
    replace_unseen(file)
    assert checksum(file) == without


@pytest.mark.parametrize("text", ["two", "three"])
def test_a_changed_file_is_read_again(file, text):
    checksum_cache.apply()
    before, mtime = checksum(file), os.stat(file).st_mtime_ns
    os.remove(file)
    Path(file).write_text(text)
    os.utime(file, ns=(mtime + 1, mtime + 1))
    assert checksum(file) != before


@pytest.mark.parametrize("how", [{"force": True}, {"algorithm": hashlib.sha256}])
def test_a_forced_checksum_is_computed_again(file, how):
    checksum_cache.apply()
    before = checksum(file)
    replace_unseen(file)
    assert checksum(file, **how) != before


def test_the_patch_is_applied_once(file):
    checksum_cache.apply()
    patched = _IOFile.checksum
    checksum_cache.apply()
    assert _IOFile.checksum is patched
