"""Blocks: the same bytes however training is split, interrupted, lost or extended."""

import contextlib
import os
import shutil
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from spirals import Training
from stage_world import redeclare
from tools import flip_bit

from epochreel.artifacts import checkpoints
from epochreel.core import lock
from epochreel.core.errors import UserError
from epochreel.formats import checked_json, parquet
from epochreel.provenance import keys
from epochreel.training import telemetry, training_data
from epochreel.training.block import Block
from epochreel.training.trainer import Trainer


@pytest.fixture(scope="module")
def whole(tmp_path_factory, shards):
    """Snapshots 0 to 5, trained in one go."""
    return Training(tmp_path_factory.mktemp("whole"), shards, size=10).make()


def trained(monkeypatch):
    """Return a list that collects the numbers of the snapshots actually trained."""
    numbers, advance = [], Trainer.advance

    def counted(self):
        sample = advance(self)
        numbers.append(sample.training["snapshot"])
        return sample

    monkeypatch.setattr(Trainer, "advance", counted)
    return numbers


def store(training):
    return training.block(0).store


# -- The same bytes


def test_blocks_of_one_give_the_same_bytes_as_one_block(training, whole):
    assert training(size=1).make(range(6)).bytes() == whole.bytes()


def test_another_seed_gives_other_bytes(training, whole):
    other = training(size=10, run={"seed": 2}).make()
    assert all(one != two for one, two in zip(other.bytes(), whole.bytes(), strict=True))


def test_snapshots_differ_from_each_other(whole):
    assert len(set(whole.bytes())) == 6


def test_an_extended_run_gives_the_same_bytes_as_one_long_run(training, whole, monkeypatch):
    training(size=10, epochs=2).make()
    numbers = trained(monkeypatch)
    assert training(size=10, epochs=5).make().bytes() == whole.bytes()
    assert numbers == [3, 4, 5]


SCHEDULES = {
    "uniform": [{"per_epoch": 2}] * 2,
    "log": [{"schedule": "log", "per_decade": 5}] * 2,
    "list": [{"schedule": "list", "steps": steps} for steps in ([1, 3, 8], [1, 3, 8, 11, 20])],
}


@pytest.mark.parametrize("size", [1, 10])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_an_extended_run_equals_one_made_at_once(training, monkeypatch, schedule, size):
    short, long = (
        {"size": size, "epochs": epochs, "run": {"snapshots": snapshots}}
        for epochs, snapshots in zip((2, 5), SCHEDULES[schedule], strict=True)
    )
    made, *counts = training(**short), count(short, training), count(long, training)
    made.make(range(-(-counts[0] // size)))
    numbers, more = trained(monkeypatch), training(**long)
    more.make(range(counts[0] // size, -(-counts[1] // size)))
    assert numbers == list(range(counts[0], counts[1]))
    fresh = training("fresh", **long).make(range(-(-counts[1] // size)))
    assert more.bytes(range(counts[1])) == fresh.bytes(range(counts[1]))
    last = (counts[1] - 1) // size
    assert more.state(last).read_bytes() == fresh.state(last).read_bytes()


def count(settings, training) -> int:
    """Return the number of snapshots of a training with these settings."""
    return training(**settings).block(0).run_size.snapshots


def listed(*steps, training, size=1):
    return training(size=size, run={"snapshots": {"schedule": "list", "steps": list(steps)}})


def test_snapshots_are_taken_at_the_steps_of_a_list(training):
    made = listed(1, 3, 8, size=10, training=training).make()
    rows = pq.read_table(made.folder / "training" / "0.parquet").to_pylist()
    assert [(row["step"], row["epoch"]) for row in rows] == [(0, 0), (1, 0.25), (3, 0.75), (8, 2)]
    assert [row["examples"] for row in rows] == [0, 8, 24, 64]
    uniform = training("other", size=10).make()
    assert _tensors(made.checkpoint(3)) == _tensors(uniform.checkpoint(2))  # after eight steps


def _tensors(path) -> dict[str, list]:
    return {name: tensor.tolist() for name, tensor in checkpoints.load(path).items()}


def test_a_lost_store_of_a_list_is_made_again_with_the_same_bytes(training, tmp_path):
    made = listed(1, 3, 8, training=training).make(range(4))
    before = made.bytes(range(4))
    shutil.rmtree(tmp_path / "one" / "store")
    assert made.make([3]).bytes(range(4)) == before


@pytest.mark.parametrize("steps", [(1, 2, 3, 8), (3, 8), (1, 4, 8)])
def test_a_list_changed_below_its_end_is_refused_by_its_store(training, steps):
    listed(1, 3, 8, size=10, training=training).make()
    with pytest.raises(UserError, match=r"was taken at step \d; expected step \d: steps may only"):
        listed(*steps, size=10, training=training).make()


def test_a_shortened_run_trains_nothing(training, monkeypatch):
    training(size=10).make()
    numbers = trained(monkeypatch)
    shortened = training(size=10, epochs=3).make()
    assert numbers == [] and len(set(shortened.bytes(range(10)))) == 4


@pytest.mark.parametrize("fails_at", [1, 3, 5])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_training_resumes_where_it_stopped(
    training, whole, monkeypatch, caplog, fails_at, error
):
    calls, layers = [], telemetry.layer_statistics

    def failing(network):
        calls.append(1)
        if len(calls) == fails_at + 1:
            raise error
        return layers(network)

    monkeypatch.setattr(telemetry, "layer_statistics", failing)
    with pytest.raises(error):
        training(size=10).make()
    assert not training(size=10).checkpoint(0).exists()
    monkeypatch.undo()
    numbers = trained(monkeypatch)
    with caplog.at_level("INFO", "epochreel"):
        assert training(size=10).make().bytes() == whole.bytes()
    assert numbers == list(range(fails_at, 6))
    assert f"resuming: snapshots up to {fails_at - 1} are already in the store" in caplog.text


LOSSES = {
    "the newest weights": lambda s: s.weights(5).unlink(),
    "the newest state": lambda s: s.optimizer(5).unlink(),
    "both states": lambda s: [s.optimizer(n).unlink() for n in (4, 5)],
    "the newest record": lambda s: (s.folder / "records" / "000005.json").unlink(),
    "an early record": lambda s: (s.folder / "records" / "000001.json").unlink(),
    "an early snapshot": lambda s: s.weights(2).unlink(),
    "a bit of the newest weights": lambda s: flip_bit(s.weights(5)),
    "a bit of the newest state": lambda s: flip_bit(s.optimizer(5)),
    "a bit of early weights": lambda s: flip_bit(s.weights(1)),
    "the first snapshot": lambda s: s.weights(0).unlink(),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_the_store_lost_is_made_again_with_the_same_bytes(training, whole, loss):
    LOSSES[loss](store(training(size=10, epochs=5).make()))
    training(size=10, epochs=5).make()
    longer = training(size=10, epochs=7).make()
    assert longer.bytes() == whole.bytes()
    assert longer.bytes() == training("fresh", size=10, epochs=7).make().bytes()


def test_a_lost_store_is_made_again_with_the_same_bytes(training, whole, tmp_path):
    one = training(size=1).make(range(5))
    shutil.rmtree(tmp_path / "one" / "store")
    assert one.make([5]).bytes() == whole.bytes()


def test_a_lost_checkpoint_is_linked_from_the_store_without_training(training, monkeypatch):
    made = training(size=10).make()
    made.checkpoint(3).unlink()
    numbers = trained(monkeypatch)
    made.make()
    assert numbers == [] and made.checkpoint(3).exists()


def test_a_lost_late_snapshot_is_trained_from_the_one_before(training, monkeypatch):
    made = training(size=10).make()
    store(made).weights(5).unlink()
    numbers = trained(monkeypatch)
    made.make()
    assert numbers == [5]


# -- Outputs


def test_checkpoints_are_hard_links_into_the_store(training):
    made = training(size=1).make(range(3))
    for snapshot in range(3):
        assert os.path.samefile(made.checkpoint(snapshot), store(made).weights(snapshot))


def test_slots_after_the_last_snapshot_are_hard_links_to_it(whole):
    assert os.path.samefile(whole.checkpoint(9), whole.checkpoint(5))


def test_no_temporary_files_are_left(whole):
    names = [name for _, _, files in os.walk(whole.folder) for name in files]
    assert [name for name in names if name.startswith(".")] == []


def declared_by(made, number):
    """Return what a checkpoint index lists, without its checksum."""
    return checked_json.read(made.state(number))


def test_the_index_lists_the_checkpoints_and_the_last_snapshot(training):
    made = training(size=10).make()
    declared = declared_by(made, 0)
    records = [store(made).record(number) for number in range(6)]
    weights = [record["weights"] for record in records]
    about = {"snapshot": 5, "steps": [0, 4, 8, 12, 16, 20], "optimizer": records[-1]["optimizer"]}
    about["key"] = keys.key_digest(made.block(0).stage)
    assert declared == {"checkpoints": weights} | about


def test_blocks_of_another_size_list_the_same_checkpoints_and_end(training, whole):
    made = training(size=1).make(range(6))
    single = [declared_by(made, number) for number in range(6)]
    declared = declared_by(whole, 0)
    assert [one.pop("checkpoints")[0] for one in single] == declared.pop("checkpoints")
    assert single[-1] == declared


def test_the_training_table_has_a_row_per_snapshot(whole):
    rows = pq.read_table(whole.folder / "training" / "0.parquet").to_pylist()
    assert [row["snapshot"] for row in rows] == list(range(6))
    assert [row["step"] for row in rows] == [0, 4, 8, 12, 16, 20]
    assert (
        rows[0]["loss"] is None
        and rows[5]["loss"] < rows[1]["loss"]
        and rows[5]["learning_rate"] == 0.01
    )
    assert all(row["validation_loss"] > 0 for row in rows)


def test_the_system_log_has_a_row_and_a_time_per_snapshot(whole):
    rows = pq.read_table(whole.folder / "logs" / "0.parquet").to_pylist()
    assert [row["snapshot"] for row in rows] == list(range(6))
    assert all(row["device"] == "cpu" and row["memory_bytes"] > 0 for row in rows)
    times = [row["time"] for row in rows]
    assert times == sorted(times) and times[0] > 1.7e9


def test_an_interrupted_training_loses_no_row_of_its_tables(training, whole):
    made = training("other", size=10, epochs=3).make()
    first = pq.read_table(made.folder / "logs" / "0.parquet")
    made.epochs = 5
    made.make()
    table, system = (
        pq.read_table(made.folder / name / "0.parquet") for name in ("training", "logs")
    )
    assert table.equals(pq.read_table(whole.folder / "training" / "0.parquet"))
    assert system.slice(0, 4).equals(first)


def test_blocks_of_one_have_the_columns_of_blocks_of_ten(training, whole):
    made = training("single", size=1).make(range(2))
    table = pq.read_table(made.folder / "training" / "0.parquet")
    assert table.schema.equals(pq.read_table(whole.folder / "training" / "0.parquet").schema)


def test_each_training_file_is_read_and_hashed_once(training, monkeypatch):
    read, hashed = [], []
    original, counted = parquet._checked, training_data.sha256
    monkeypatch.setattr(parquet, "_checked", lambda path: read.append(path) or original(path))
    monkeypatch.setattr(training_data, "sha256", lambda path: hashed.append(path) or counted(path))
    made = training().make()
    shards = [path for split in ("train", "validation") for path in made.shards[split]]
    assert [path for path in read if path in shards] == shards and not hashed


# -- Blocks of different trainings


def test_a_previous_block_of_another_training_is_refused(training):
    made = training(size=1).make(range(2))
    redeclare(made.state(1), checkpoints=["0" * 64])
    with pytest.raises(UserError, match="differs from the one listed in") as caught:
        made.make([2])
    assert str(made.state(1)) in str(caught.value) and not made.checkpoint(2).exists()


@pytest.mark.parametrize(
    ("block", "run", "words"),
    [(0, {}, "holds snapshot 0, not 1"), (1, {"seed": 2}, "was made with other setti")],
)
def test_the_checkpoint_index_of_another_block_or_run_is_refused(training, block, run, words):
    made, other = training(size=1).make(range(2)), training("other", run=run).make(range(2))
    made.state(1).write_bytes(other.state(block).read_bytes())
    with pytest.raises(UserError, match=f"^{made.state(1)} {words}.*: delete it and run the same"):
        made.make([2])


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_shard_of_another_split_is_refused(training, shards, split):
    made = training(size=10)
    made.shards = shards | {split: shards["test"]}
    words = f"holds the examples from test 0, not {split} 0: delete it and run the same"
    with pytest.raises(UserError, match=f"^{shards['test'][0]} {words}"):
        made.make()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3"])
def test_a_damaged_checkpoint_index_is_reported(training, text):
    made = training(size=1).make(range(2))
    made.state(1).write_text(text)
    with pytest.raises(UserError, match=r"1-1\.json is damaged: delete it and run: snakemake"):
        made.make([2])


@pytest.mark.parametrize(
    "run", [{"seed": 2}, {"training": {"batch_size": 9}}, {"network": {"name": "perceptron"}}]
)
def test_each_training_has_its_own_store(training, run):
    assert store(training(run=run)).folder != store(training()).folder


def test_a_training_on_other_data_has_its_own_store(training):
    one = training().block(0)
    data = SimpleNamespace(digests=[*one.data.digests[1:], "0" * 64])
    other = Block(one.experiment, one.stage, data, one.outputs, one.run_size)
    assert other.store.folder != one.store.folder


def test_epochs_and_block_size_do_not_change_the_store(training):
    longer = training(size=10, epochs=9)
    assert store(longer).folder == store(training(size=1)).folder


def test_a_block_trains_and_links_while_holding_the_lock(training, monkeypatch):
    made, existed = training(size=10), []

    @contextlib.contextmanager
    def held(path):
        existed.append(made.checkpoint(0).exists())
        yield
        existed.append(made.checkpoint(0).exists())

    monkeypatch.setattr(lock, "hold", held)
    numbers = trained(monkeypatch)
    made.make()
    assert (existed, len(numbers)) == ([False, True], 5)


# -- Disk


def test_keep_last_deletes_earlier_weights_and_gives_the_same_bytes(training, whole):
    made = training(size=1, keep="last").make(range(6))
    kept = [n for n in range(6) if store(made).weights(n).exists()]
    assert kept == [4, 5] and made.bytes() == whole.bytes()


def test_with_keep_last_a_longer_run_retrains_only_its_last_block(training, monkeypatch):
    training(size=10, epochs=12, keep="last").make([0, 1])
    numbers = trained(monkeypatch)
    longer = training(size=10, epochs=15, keep="last").make([1])
    assert numbers == list(range(10, 16))
    fresh = training("fresh", size=10, epochs=15).make([0, 1])
    assert longer.bytes(range(10, 16)) == fresh.bytes(range(10, 16))


def test_with_keep_last_a_remade_block_trains_no_block_before_it(training, monkeypatch):
    made = training(size=10, epochs=12, keep="last").make([0, 1])
    shutil.rmtree(made.folder / "checkpoints")
    numbers = trained(monkeypatch)
    made.make([1])
    assert numbers == [10]  # the two newest are kept


def test_a_run_too_large_for_the_disk_is_refused_before_it_trains(training, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10))
    numbers = trained(monkeypatch)
    with pytest.raises(UserError, match="run 'tiny' needs about"):
        training(size=10).make()
    assert numbers == []
