"""Checkpoints: the weights of one snapshot, in safetensors format.

A checkpoint embeds no checksum. Its SHA-256 is in the block's checkpoint index and in the
snapshot's record in the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch.nn.parameter import is_lazy

from epochreel.core.errors import UserError, first_line, shown, single_line
from epochreel.core.files import sha256
from epochreel.provenance import lineage
from epochreel.provenance.keys import canonical


def pack(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, Any]) -> bytes:
    """Serialize named tensors; equal tensors and metadata produce equal bytes.

    The metadata is stored as JSON under the single key `epochreel`, because safetensors writes
    several keys in random order. Tensors that share memory, such as tied weights, are written once
    for each name.
    """
    return safetensors.torch.save(_unshared(tensors), {"epochreel": canonical(metadata)})


def _unshared(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Move the tensors to the CPU and copy those that share memory with an earlier one."""
    flat, used = {}, set()
    for name, tensor in tensors.items():
        tensor = tensor.detach().to("cpu").contiguous()
        memory = tensor.untyped_storage().data_ptr()
        flat[name] = tensor.clone() if memory in used else tensor
        used.add(memory)
    return flat


def check_tensors(tensors: Mapping[str, Any], source: str) -> None:
    """Raise `UserError` for the first tensor that a checkpoint cannot hold.

    A checkpoint holds dense tensors that have values and a dtype that safetensors supports.
    `source` is the file and the function that returned the tensors.
    """
    for name, tensor in tensors.items():
        reason = _unsupported_reason(tensor)
        if reason:
            raise UserError(
                f"{source}: state_dict entry {shown(name)} is {reason}; expected a dense tensor of "
                f"a dtype that safetensors supports: {_fix(name, tensor)}"
            )


def _fix(name: str, value: Any) -> str:
    if is_lazy(value):
        return "give its layer the size of its input"
    if name.endswith("_extra_state"):
        return "return a tensor from get_extra_state, or do not define it"
    return "convert it, or leave it out of state_dict"


def _unsupported_reason(value: Any) -> str | None:
    """Return why a checkpoint cannot hold a value, or None if it can."""
    if not isinstance(value, torch.Tensor):
        return f"{shown(value)}, not a tensor"
    if is_lazy(value):
        return "a lazy parameter without a shape"
    if value.is_meta:
        return "on the meta device, without values"
    if value.layout != torch.strided:
        return f"a tensor of layout {str(value.layout).removeprefix('torch.')}"
    try:
        safetensors.torch.save({"": torch.empty(0, dtype=value.dtype)})
    except (KeyError, ValueError, RuntimeError, SafetensorError):
        return f"a tensor of dtype {str(value.dtype).removeprefix('torch.')}"
    return None


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory: its tensors, on the CPU, and its metadata."""

    tensors: dict[str, torch.Tensor]
    metadata: dict[str, Any]

    @property
    def snapshot(self) -> int:
        """Number of the snapshot, from the metadata."""
        return self.metadata["snapshot"]


def read(path: str | Path, digest: str | None = None) -> Checkpoint:
    """Read a checkpoint.

    `digest` is the SHA-256 that the index lists, or None if the caller has already checked it.
    Raises `UserError` if the file is damaged or has a different checksum.
    """
    try:
        data = Path(path).read_bytes()
        if digest is not None:
            _check_digest(path, hashlib.sha256(data).hexdigest(), digest)
        return Checkpoint(safetensors.torch.load(data), _metadata(data))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} is damaged: delete it and run the same command again ({first_line(error)})"
        ) from error


def check(path: str | Path, digest: str) -> None:
    """Raise `UserError` unless the SHA-256 of a file is `digest`."""
    _check_digest(path, sha256(path), digest)


def _check_digest(path: str | Path, found: str, expected: str) -> None:
    if found != expected:
        raise UserError(
            f"{path} is damaged, or not the checkpoint that its block's index lists: {lineage.FIX}"
        )


def _metadata(data: bytes) -> dict[str, Any]:
    """Return the metadata. A safetensors file consists of a length, a JSON header and data."""
    # The first 8 bytes are the header's length.
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    return json.loads(header["__metadata__"]["epochreel"])


def load(path: str | Path) -> dict[str, torch.Tensor]:
    """Read named tensors to the CPU. Raises `UserError` as `read` does."""
    return read(path).tensors


def load_into(network: torch.nn.Module, path: str | Path, digest: str | None = None) -> Checkpoint:
    """Load a checkpoint into `network` and return it.

    Raises `UserError` as `read` does, and if names or shapes differ from those of the network.
    """
    loaded = read(path, digest)
    try:
        network.load_state_dict(loaded.tensors)
    except RuntimeError as error:
        # The first line of torch's message is a heading; each reason has a line below it.
        _, *reasons = str(error).splitlines()
        reason = single_line((reasons or [str(error)])[0]).removesuffix(".")[:300]
        raise UserError(f"{path} does not fit the network in the config: {reason}") from error
    return loaded
