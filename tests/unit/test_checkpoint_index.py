"""Checkpoint index: checkpoints match it, or the error names the one that does not."""

import re

import pytest
import tools
from stage_world import redeclare

from epochreel.artifacts import checkpoint_index
from epochreel.core.errors import UserError
from epochreel.core.files import sha256

MADE = "a" * 64
STEPS = [10, 20, 30]


@pytest.fixture
def block(tmp_path):
    """A checkpoint index and its three checkpoints, snapshots 3 to 5."""
    paths = [tmp_path / f"{number:06d}.safetensors" for number in (3, 4, 5)]
    records = []
    for number, path in enumerate(paths, start=3):
        path.write_text(path.stem)
        records.append({"snapshot": number, "weights": sha256(path), "optimizer": "b" * 64})
    checkpoint_index.write(tmp_path / "00001.json", records, [0, 1, 2, *STEPS], MADE)
    return tmp_path / "00001.json", paths


def refusal(path, checkpoints, last=5, made=MADE, steps=STEPS) -> str:
    line = tools.refusal(checkpoint_index.check_checkpoints, path, checkpoints, steps, last, made)
    assert "delete it and run" in line
    return line


def test_the_listed_checkpoints_are_accepted(block):
    path, checkpoints = block
    checkpoint_index.check_checkpoints(path, checkpoints, STEPS, 5, MADE)
    checkpoint_index.check_last(path, checkpoints[-1], 5, MADE)


def test_a_different_checkpoint_is_reported(block):
    path, checkpoints = block
    checkpoints[1].write_text("other")
    words = f"{checkpoints[1]} is damaged, or not the checkpoint that its block's index lists"
    assert refusal(path, checkpoints).startswith(words)


def test_weights_other_than_the_last_checkpoint_are_reported(block):
    path, checkpoints = block
    with pytest.raises(UserError, match=f"^{checkpoints[1]} is damaged, or not the checkpoint"):
        checkpoint_index.check_last(path, checkpoints[1], 5, MADE)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_an_index_with_a_wrong_number_of_checkpoints_is_reported(block, count):
    path, checkpoints = block
    redeclare(path, checkpoints=["c" * 64] * count)
    words = f"{path} holds checkpoint count {count}, not 3: "
    assert refusal(path, checkpoints).startswith(words)


def test_an_index_of_other_steps_is_reported(block):
    words = f"{block[0]} holds steps [10, 20, 30], not [10, 21, 30]: "
    assert refusal(*block, steps=[10, 21, 30]).startswith(words)


def test_the_index_of_another_block_or_training_is_reported(block):
    path, checkpoints = block
    assert refusal(path, checkpoints, last=8).startswith(f"{path} holds snapshot 5, not 8: ")
    assert refusal(path, checkpoints, made="d" * 64).startswith(f"{path} was made with other sett")


@pytest.mark.parametrize("name", ["key", "snapshot", "optimizer", "checkpoints", "steps"])
def test_an_index_with_one_changed_digit_is_reported_as_damaged(block, name):
    path, checkpoints = block
    text = path.read_text()
    place = re.search(rf'"{name}": \W*\w', text).end() - 1
    path.write_text(f"{text[:place]}{'0' if text[place] != '0' else '1'}{text[place + 1 :]}")
    assert refusal(path, checkpoints).startswith(f"{path} is damaged: delete it and run: snakemak")


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"digest": 1}', "x"])
def test_a_file_that_is_not_an_index_is_reported_as_damaged(block, text):
    path, checkpoints = block
    path.write_text(text)
    assert refusal(path, checkpoints).startswith(f"{path} is damaged: delete it and run: snakemak")


def test_a_missing_index_is_reported_with_the_command_that_makes_it(block):
    path, checkpoints = block
    path.unlink()
    with pytest.raises(UserError, match=f"^{path} is missing: run: snakemake {path}$"):
        checkpoint_index.check_checkpoints(path, checkpoints, STEPS, 5, MADE)
