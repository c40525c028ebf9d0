"""Checkpoints: the weights of one snapshot, as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from safetensors import SafetensorError

from epochreel import seals
from epochreel.errors import UserError, first_line
from epochreel.provenance import canonical


def pack(tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> bytes:
    """Named tensors as sealed safetensors; the same tensors and `about` give the same bytes.

    `about` is noted in the file's metadata as JSON under the one name `epochreel`: safetensors
    writes several names in random order.
    """
    flat = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    noted = {"epochreel": canonical({**about, seals.NAME: seals.OPEN})}
    return seals.seal(safetensors.torch.save(flat, noted))


def load(path: str | Path) -> dict[str, torch.Tensor]:
    """Read named tensors on the CPU. Raises `UserError` where the file is no whole checkpoint."""
    try:
        return safetensors.torch.load(seals.read(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(
            f"{path} is damaged: delete it and run the same command again ({first_line(error)})"
        ) from error


def snapshot(path: str | Path) -> int:
    """The number of the snapshot that a checkpoint says it is."""
    with safetensors.safe_open(path, "pt") as file:
        return json.loads(file.metadata()["epochreel"])["snapshot"]


def load_into(network: torch.nn.Module, path: str | Path) -> None:
    """Give `network` the weights of a checkpoint. Raises `UserError` where they do not fit."""
    try:
        network.load_state_dict(load(path))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} does not fit the network of the config: {reason}") from error
