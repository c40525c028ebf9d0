"""A run that does not fit on the disk is refused before it trains."""

import logging
import shutil
from types import SimpleNamespace

import pytest

from epochreel.core.errors import UserError
from epochreel.training import disk_space


@pytest.fixture
def free(monkeypatch):
    """Return the function that sets the free disk space in bytes."""
    return lambda count: monkeypatch.setattr(
        shutil, "disk_usage", lambda folder: SimpleNamespace(free=count)
    )


def test_too_little_disk_space_is_refused_with_figures_and_a_remedy(tmp_path, free):
    free(1_234_000_000)
    with pytest.raises(UserError) as caught:
        disk_space.check(tmp_path, 3.04e9, "mine")
    line = str(caught.value)
    assert "run 'mine' needs about 3.04 GB of disk space, and 1.23 GB are free" in line
    assert "keep_checkpoints: last" in line and len(line.splitlines()) == 1


def test_a_disk_with_just_enough_space_is_accepted(tmp_path, free, caplog):
    free(3_040_000_000)
    with caplog.at_level(logging.INFO, logger="epochreel"):
        disk_space.check(tmp_path, 3.04e9, "mine")
    assert "run 'mine' needs about 3.04 GB of disk" in caplog.text
    free(3_040_000_000 - 1)
    with pytest.raises(UserError):
        disk_space.check(tmp_path, 3.04e9, "mine")


def test_the_disk_checked_is_that_of_the_store(tmp_path, monkeypatch):
    asked = []
    usage = SimpleNamespace(free=10**12)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or usage)
    disk_space.check(tmp_path / "run" / "store", 1, "mine")
    assert asked == [tmp_path / "run" / "store"] and asked[0].is_dir()


@pytest.mark.parametrize("usage", [lambda _: (0, 0, 0), None])
def test_a_disk_of_unknown_free_space_is_accepted(tmp_path, monkeypatch, usage):
    def fails(folder):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(shutil, "disk_usage", usage or fails)
    disk_space.check(tmp_path, 3e9, "mine")
