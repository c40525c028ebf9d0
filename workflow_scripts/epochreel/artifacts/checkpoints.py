"""Checkpoints: the weights of one snapshot, as safetensors.

They embed no checksum: the index of their block, or the record in the store, holds their SHA-256.
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


def pack(tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> bytes:
    """Named tensors as safetensors; the same tensors and `about` give the same bytes.

    `about` is noted in the file's metadata as JSON under the one name `epochreel`: safetensors
    writes several names in random order. Tensors that share memory, such as tied weights, are
    written once for each name.
    """
    return safetensors.torch.save(_apart(tensors), {"epochreel": canonical(about)})


def _apart(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors on the CPU, none in the memory of another: only those are copied that were."""
    flat, used = {}, set()
    for name, tensor in tensors.items():
        tensor = tensor.detach().to("cpu").contiguous()
        memory = tensor.untyped_storage().data_ptr()
        flat[name] = tensor.clone() if memory in used else tensor
        used.add(memory)
    return flat


def check_tensors(tensors: Mapping[str, Any], source: str) -> None:
    """Refuse what no checkpoint holds; `source`, a file and its function, makes it (`UserError`).

    A checkpoint holds tensors that are dense, have values, and are of a type that it knows.
    """
    for name, tensor in tensors.items():
        reason = _reason_against(tensor)
        if reason:
            raise UserError(
                f"{source} has {shown(name)}, which is {reason}: a checkpoint holds dense tensors "
                "of common types alone; make it one, or leave it out of state_dict"
            )


def _reason_against(tensor: Any) -> str | None:
    if not isinstance(tensor, torch.Tensor):
        return f"no tensor but {shown(tensor)}"
    if is_lazy(tensor):
        return "lazy, without a shape"
    if tensor.is_meta:
        return "on the device meta, without values"
    if tensor.layout != torch.strided:
        return f"of the layout {str(tensor.layout).removeprefix('torch.')}"
    try:
        safetensors.torch.save({"": torch.empty(0, dtype=tensor.dtype)})
    except (KeyError, ValueError, RuntimeError, SafetensorError):
        return f"of the type {str(tensor.dtype).removeprefix('torch.')}"
    return None


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory: its tensors on the CPU, and its metadata."""

    tensors: dict[str, torch.Tensor]
    about: dict[str, Any]

    @property
    def snapshot(self) -> int:
        """The number of the snapshot, from the metadata."""
        return self.about["snapshot"]


def read(path: str | Path, digest: str | None = None) -> Checkpoint:
    """Read a checkpoint.

    `digest` is the SHA-256 that its index lists; None if the caller has compared it. Raises
    `UserError` for a file of another digest, and for one that is not a whole checkpoint.
    """
    try:
        data = Path(path).read_bytes()
        if digest is not None:
            _check_digest(path, hashlib.sha256(data).hexdigest(), digest)
        return Checkpoint(safetensors.torch.load(data), _about(data))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} is damaged: delete it and run the same command again ({first_line(error)})"
        ) from error


def check(path: str | Path, digest: str) -> None:
    """Raise `UserError` unless a file is the checkpoint of this SHA-256."""
    _check_digest(path, sha256(path), digest)


def _check_digest(path: str | Path, found: str, listed: str) -> None:
    if found != listed:
        raise UserError(
            f"{path} is damaged, or not the checkpoint that its block's index lists: {lineage.FIX}"
        )


def _about(data: bytes) -> dict[str, Any]:
    """The metadata. A safetensors file starts with the length of a JSON header, then the header."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    return json.loads(header["__metadata__"]["epochreel"])


def load(path: str | Path) -> dict[str, torch.Tensor]:
    """Read named tensors on the CPU. Raises as `predict` does."""
    return read(path).tensors


def load_into(network: torch.nn.Module, path: str | Path, digest: str | None = None) -> Checkpoint:
    """Give `network` the weights of a checkpoint. Raises `UserError` where they do not fit."""
    loaded = read(path, digest)
    try:
        network.load_state_dict(loaded.tensors)
    except RuntimeError as error:
        # The first line only says that there are reasons, which follow in lines of their own.
        _, *reasons = str(error).splitlines()
        reason = single_line((reasons or [str(error)])[0]).removesuffix(".")[:300]
        raise UserError(f"{path} does not fit the network of the config: {reason}") from error
    return loaded
