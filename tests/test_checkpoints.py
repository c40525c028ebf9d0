"""Checkpoints: the same weights give the same bytes, and a damaged file is named."""

import pytest
import torch

from epochreel import checkpoints
from epochreel.errors import UserError


def tensors():
    torch.manual_seed(0)
    return {"b": torch.randn(3, 4), "a": torch.tensor(7), "c": torch.randn(2, 3, 3, 3)}


def test_what_was_packed_is_loaded(tmp_path):
    (tmp_path / "file").write_bytes(checkpoints.pack(tensors(), {"snapshot": "1"}))
    loaded = checkpoints.load(tmp_path / "file")
    assert loaded.keys() == tensors().keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors().items())


def test_neither_order_nor_memory_format_change_the_bytes():
    other = dict(reversed(tensors().items()))
    other["c"] = other["c"].contiguous(memory_format=torch.channels_last)
    assert checkpoints.pack(other, {"n": "1"}) == checkpoints.pack(tensors(), {"n": "1"})


def test_nothing_is_packed_into_a_whole_file(tmp_path):
    (tmp_path / "file").write_bytes(checkpoints.pack({}, {}))
    assert checkpoints.load(tmp_path / "file") == {}


def damaged(tmp_path, data):
    (tmp_path / "000001.safetensors").write_bytes(data)
    with pytest.raises(UserError, match=r"000001\.safetensors is damaged: delete it") as caught:
        checkpoints.load(tmp_path / "000001.safetensors")
    return str(caught.value)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_cut_off_checkpoint_is_named(tmp_path, share):
    whole = checkpoints.pack(tensors(), {})
    assert len(damaged(tmp_path, whole[: int(share * len(whole))]).splitlines()) == 1


def test_a_file_of_something_else_is_named(tmp_path):
    damaged(tmp_path, b"\x80\x04pickle" * 10)


@pytest.mark.parametrize("other", [torch.nn.Linear(3, 2), torch.nn.Conv2d(1, 1, 1)])
def test_weights_of_another_network_are_refused_in_one_line(tmp_path, other):
    data = checkpoints.pack(torch.nn.Linear(2, 2).state_dict(), {})
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(UserError, match="file does not fit the network") as caught:
        checkpoints.load_into(other, tmp_path / "file")
    assert len(str(caught.value).splitlines()) == 1
