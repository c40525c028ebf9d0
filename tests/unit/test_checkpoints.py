"""Checkpoints: the same weights give the same bytes, and a damaged file is reported."""

from pathlib import Path

import pytest
import torch

from epochreel.artifacts import checkpoints
from epochreel.core.errors import UserError
from epochreel.core.files import sha256


def tensors():
    torch.manual_seed(0)
    return {"b": torch.randn(3, 4), "a": torch.tensor(7), "c": torch.randn(2, 3, 3, 3)}


def test_packed_tensors_are_loaded_unchanged(tmp_path):
    (tmp_path / "file").write_bytes(checkpoints.pack(tensors(), {"snapshot": "1"}))
    loaded = checkpoints.load(tmp_path / "file")
    assert loaded.keys() == tensors().keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors().items())


def test_neither_order_nor_memory_format_changes_the_bytes():
    other = dict(reversed(tensors().items()))
    other["c"] = other["c"].contiguous(memory_format=torch.channels_last)
    assert checkpoints.pack(other, {"n": "1"}) == checkpoints.pack(tensors(), {"n": "1"})


def test_an_empty_checkpoint_is_a_valid_file(tmp_path):
    (tmp_path / "file").write_bytes(checkpoints.pack({}, {}))
    assert checkpoints.load(tmp_path / "file") == {}


def damaged(tmp_path, data):
    (tmp_path / "000001.safetensors").write_bytes(data)
    with pytest.raises(UserError, match=r"000001\.safetensors is damaged: delete it") as caught:
        checkpoints.load(tmp_path / "000001.safetensors")
    return str(caught.value)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_truncated_checkpoint_is_reported(tmp_path, share):
    whole = checkpoints.pack(tensors(), {})
    assert len(damaged(tmp_path, whole[: int(share * len(whole))]).splitlines()) == 1


def test_a_file_of_another_format_is_reported(tmp_path):
    damaged(tmp_path, b"\x80\x04pickle" * 10)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (torch.nn.Linear(3, 2), r"size mismatch for weight: .*\[2, 2\].*\[2, 3\]\)$"),
        (torch.nn.Linear(2, 2, bias=False), 'Unexpected key.s. in state_dict: "bias"$'),
        (torch.nn.Sequential(torch.nn.Linear(2, 2)), 'Missing key.s. in state_dict: "0.weight"'),
    ],
)
def test_weights_of_another_network_are_refused_with_the_mismatch(tmp_path, other, words):
    data = checkpoints.pack(torch.nn.Linear(2, 2).state_dict(), {})
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(UserError, match=f"file does not fit the network in the config: {words}"):
        checkpoints.load_into(other, tmp_path / "file")


def tied() -> torch.nn.Module:
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    net[1].weight = net[0].weight
    return net


def test_tied_weights_are_loaded_and_stay_tied(tmp_path):
    one, other = tied(), tied()
    (tmp_path / "file").write_bytes(checkpoints.pack(one.state_dict(), {}))
    checkpoints.load_into(other, tmp_path / "file")
    assert other[0].weight is other[1].weight
    assert all(torch.equal(value, other.state_dict()[n]) for n, value in one.state_dict().items())


def test_views_of_one_tensor_are_packed_like_separate_tensors():
    whole = torch.arange(6.0)
    parts = {"a": whole[:3], "b": whole[1:], "c": whole[:1].expand(4)}
    alone = {name: torch.tensor(part.tolist()) for name, part in parts.items()}
    assert checkpoints.pack(parts, {}) == checkpoints.pack(alone, {})


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        ({"n": 1}, "{'n': 1}, not a tensor"),
        (torch.eye(2).to_sparse(), "a tensor of layout sparse_coo"),
        (torch.zeros(2, dtype=torch.complex128), "a tensor of dtype complex128"),
        (torch.zeros(2, device="meta"), "on the meta device, without values"),
        (torch.nn.LazyLinear(2).weight, "a lazy parameter without a shape"),
    ],
)
def test_a_tensor_that_no_checkpoint_can_store_is_refused_by_name(tensor, words):
    words = rf"^model\.py: Network: state_dict entry 'x\.y' is {words}; expected a dense"
    with pytest.raises(UserError, match=words):
        checkpoints.check_tensors({"a": torch.zeros(1), "x.y": tensor}, "model.py: Network")


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.bool, torch.complex64])
def test_every_accepted_tensor_type_can_be_packed(tmp_path, kind):
    tensors = {"x": torch.ones(2, dtype=kind), "y": torch.ones((), dtype=kind)}
    checkpoints.check_tensors(tensors, "model.py: Network")
    (tmp_path / "file").write_bytes(checkpoints.pack(tensors, {}))
    assert torch.equal(checkpoints.load(tmp_path / "file")["x"], tensors["x"])


def test_a_checkpoint_is_opened_once_per_evaluation(tmp_path, monkeypatch):
    path, opened, read = tmp_path / "file", [], Path.read_bytes
    path.write_bytes(checkpoints.pack({"x": torch.ones(2)}, {"snapshot": 3}))
    digest = sha256(path)
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened.append(self) or read(self))
    loaded = checkpoints.read(path, digest)
    assert loaded.snapshot == 3 and loaded.tensors["x"].tolist() == [1, 1] and opened == [path]


def test_a_checkpoint_with_another_digest_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(checkpoints.pack({"x": torch.ones(2)}, {"snapshot": 3}))
    for read in (checkpoints.read, checkpoints.check):
        with pytest.raises(UserError, match=f"^{path} is damaged, or not the checkpoint that its"):
            read(path, "0" * 64)
