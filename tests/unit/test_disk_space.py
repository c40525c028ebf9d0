"""Space: what a run will need is said, and refused where it is not there."""

import logging
import shutil
from types import SimpleNamespace

import pytest
import torch

from epochreel.core.errors import UserError
from epochreel.training import disk_space

NETWORK = torch.nn.Linear(999, 1000)  # a million weights of 4 bytes
NEEDED = disk_space.Need(checkpoints=3_000_000_000, states=40_000_000, evaluations=5_000, frames=60)


@pytest.fixture
def free(monkeypatch):
    """The function that sets how much is free."""
    return lambda count: monkeypatch.setattr(
        shutil, "disk_usage", lambda folder: SimpleNamespace(free=count)
    )


def test_a_run_needs_what_it_will_write():
    need = disk_space.need(NETWORK, snapshots=100, kept=100, test_bytes=1000, pixels=10_000)
    assert (need.checkpoints, need.evaluations) == (400_000_000, 100_000)
    assert need.states == 2 * 4 * 4_000_000 and need.frames == 150_000
    assert need.total == 400_000_000 + 32_000_000 + 100_000 + 150_000


def test_checkpoints_that_are_not_kept_need_no_room():
    few = disk_space.need(NETWORK, snapshots=100, kept=2, test_bytes=1000, pixels=10_000)
    assert few.checkpoints == 8_000_000 and few.evaluations == 100_000


def test_a_short_disk_is_refused_with_figures_and_a_way_out(tmp_path, free):
    free(1_234_000_000)
    with pytest.raises(UserError) as caught:
        disk_space.refuse_if_short(tmp_path, NEEDED, "mine")
    line = str(caught.value)
    assert "run 'mine' needs about 3.0 GB of disk and 1.2 GB are free" in line
    assert "keep_checkpoints: last" in line and len(line.splitlines()) == 1


def test_a_disk_that_just_holds_it_is_not_refused(tmp_path, free):
    free(NEEDED.total)
    disk_space.refuse_if_short(tmp_path, NEEDED, "mine")
    free(NEEDED.total - 1)
    with pytest.raises(UserError):
        disk_space.refuse_if_short(tmp_path, NEEDED, "mine")


@pytest.mark.parametrize("quietly", [True, False])
def test_what_is_needed_is_said_by_kind(tmp_path, free, caplog, quietly):
    free(10**12)
    with caplog.at_level(logging.INFO, logger="epochreel"):
        disk_space.refuse_if_short(tmp_path, NEEDED, "mine", quietly)
    kinds = "checkpoints 3.0 GB, states 40 MB, evaluations 5.0 kB, frames 60 B"
    assert kinds in caplog.text
    assert (caplog.records[0].levelno > logging.INFO) is not quietly


def test_the_disk_is_that_of_the_store_made_if_need_be(tmp_path, monkeypatch):
    asked = []
    usage = SimpleNamespace(free=10**12)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or usage)
    disk_space.refuse_if_short(tmp_path / "run" / "store", NEEDED, "mine")
    assert asked == [tmp_path / "run" / "store"] and asked[0].is_dir()
