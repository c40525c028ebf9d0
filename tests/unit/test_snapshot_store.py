"""The store: whatever it holds is complete, and it keeps no more than needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tools import flip_bit

from epochreel.core.errors import UserError
from epochreel.training import snapshot_store as stores
from epochreel.training.snapshot_store import Store

PATHS = os.environ | {"PYTHONPATH": str(Path(stores.__file__).parents[2])}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, "f" * 64)


def add(store, *snapshots):
    for n in snapshots:
        store.add(
            n,
            {"w": torch.full((3,), n)},
            {"0.step": torch.tensor(n)},
            {"training": {"snapshot": n}, "system": {}},
        )
    return store


def states(store):
    return sorted(int(path.stem) for path in (store.folder / "optimizer").iterdir())


def test_a_snapshot_is_in_the_store_once_it_was_added(store):
    add(store, 0)
    assert store.has_weights(0) and not store.has_weights(1)
    assert store.record(0)["training"] == {"snapshot": 0}


def test_only_the_two_newest_optimizer_states_are_kept_but_all_weights(store):
    add(store, *range(5))
    assert states(store) == [3, 4]
    assert [store.has_weights(n) for n in range(5)] == [True] * 5


def test_the_state_before_the_current_block_is_kept_until_the_next(store):
    add(store, *range(5))
    add(Store(store.folder.parent, store.training, before=4), *range(5, 9))
    assert states(store) == [4, 7, 8]
    add(Store(store.folder.parent, store.training, before=8), *range(9, 13))
    assert states(store) == [8, 11, 12]


def test_training_resumes_from_the_newest_state(store):
    assert Store(store.folder, "e" * 64).latest_state(9) is None
    add(store, *range(5))
    assert [store.latest_state(n) for n in (9, 4, 3, 2)] == [4, 4, 3, None]


@pytest.mark.parametrize("kind", ["weights", "optimizer"])
def test_a_damaged_newest_state_falls_back_to_the_previous_one(store, kind, caplog):
    add(store, *range(5))
    flip_bit(getattr(store, kind)(4))
    assert store.latest_state(9) == 3
    assert str(getattr(store, kind)(4)) in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"weights": "x"}', "\xff"])
def test_a_damaged_record_counts_as_missing(store, text):
    add(store, *range(3))
    (store.folder / "records" / "000002.json").write_bytes(text.encode("latin-1"))
    assert store.record(2) is None and not store.has_weights(2) and store.latest_state(2) == 1


def test_a_snapshot_without_its_record_counts_as_missing(store):
    add(store, 0, 1)
    (store.folder / "records" / "000001.json").unlink()
    assert not store.has_weights(1) and store.latest_state(1) == 0


def test_the_record_is_written_last(store, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stores.checked_json, "write", full)
    with pytest.raises(OSError, match="No space"):
        add(store, 0)
    assert store.weights(0).exists() and store.optimizer(0).exists() and not store.has_weights(0)


def test_remaking_lost_snapshots_does_not_lose_the_newest_state(store):
    add(store, *range(9))
    add(store, 0, 1, 2)
    assert states(store) == [1, 2, 7, 8]
    assert (store.latest_state(5), store.latest_state(9)) == (2, 8)
    assert states(add(store, 9)) == [8, 9]


def test_a_snapshot_added_again_stays_the_same_file(store, tmp_path):
    add(store, 0).link(0, tmp_path / "checkpoint")
    add(store, 0)
    assert os.path.samefile(store.weights(0), tmp_path / "checkpoint")


def test_a_damaged_snapshot_is_repaired_when_added_again(store):
    flip_bit(add(store, 0).weights(0))
    assert not store.has_weights(0)
    assert add(store, 0).has_weights(0)


def test_all_weights_are_deleted_except_those_to_resume_from(store):
    add(store, *range(6)).prune_weights()
    assert [n for n in range(6) if store.weights(n).exists()] == [4, 5]
    assert store.latest_state(9) == 5


def test_only_the_newest_of_the_previous_trainings_is_kept(tmp_path):
    for age, name in enumerate("cab"):
        folder = add(Store(tmp_path, name * 64), 0).folder
        os.utime(folder, (1000 - age, 1000 - age))
    now = add(Store(tmp_path, "d" * 64), 0)
    now.prune_other_trainings()
    assert {path.name[0] for path in tmp_path.iterdir()} == {"c", "d"}


def test_a_previous_training_that_is_running_is_kept(tmp_path):
    for name in "ab":
        add(Store(tmp_path, name * 64), 0)
    busy = "import sys, time; from pathlib import Path;"
    busy += "from epochreel.training.snapshot_store import Store\n"
    busy += "with Store(Path(sys.argv[1]), 'b' * 64).lock(): print(1, flush=True); time.sleep(60)"
    command = [sys.executable, "-c", busy, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=PATHS) as process:
        process.stdout.readline()
        for name in "ab":
            os.utime(tmp_path / (name * 16), (1000 - ord(name), 1000 - ord(name)))
        add(Store(tmp_path, "c" * 64), 0).prune_other_trainings()
        process.kill()
    assert (tmp_path / ("b" * 16)).exists()


def test_two_trainings_do_not_share_a_store(tmp_path):
    add(Store(tmp_path, "a" * 64), 0)
    assert not Store(tmp_path, "b" * 64).has_weights(0)


def test_a_retrained_snapshot_keeps_its_row_of_the_system_log(tmp_path):
    store = Store(tmp_path, "a" * 64)
    for time in (1.0, 2.0):
        rows = {"training": {}, "system": {"time": time}}
        store.add(0, {"w": torch.ones(3)}, {"0.step": torch.tensor(0)}, rows)
    assert store.record(0)["system"] == {"time": 1.0}


def test_a_retrained_snapshot_that_differs_is_refused(tmp_path):
    store = Store(tmp_path, "a" * 64)
    rows = {"training": {}, "system": {}}
    store.add(0, {"w": torch.ones(3)}, {"0.step": torch.tensor(0)}, rows)
    with pytest.raises(UserError, match="snapshot 0 differs from its first training"):
        store.add(0, {"w": torch.zeros(3)}, {"0.step": torch.tensor(0)}, rows)
