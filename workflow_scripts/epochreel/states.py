"""States: what a block of checkpoints declares of itself, a small JSON file.

snapshot     the number of the block's last snapshot
checkpoints  the SHA-256 of each of its checkpoints, in order
weights, optimizer  the SHA-256 of the last snapshot's files in the store
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from epochreel.errors import UserError
from epochreel.files import sha256, write_whole


def write(path: str | Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Declare the snapshots of these records of the store."""
    last = records[-1]
    declared = {name: last[name] for name in ("snapshot", "weights", "optimizer")}
    declared["checkpoints"] = [record["weights"] for record in records]
    write_whole(path, json.dumps(declared, sort_keys=True).encode())


def read(path: str | Path) -> dict[str, Any]:
    """What a block has declared. Raises `UserError` where the file is damaged."""
    try:
        declared = json.loads(Path(path).read_text("utf-8"))
        kinds = {"snapshot": int, "weights": str, "optimizer": str, "checkpoints": list}
        if not all(isinstance(declared[name], kind) for name, kind in kinds.items()):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged: delete it and run: snakemake {path}") from error
    return declared


def refuse_others(path: str | Path, checkpoints: Sequence[str | Path]) -> None:
    """Raise `UserError` for the first checkpoint that is not the one that `path` declares."""
    for checkpoint, digest in zip(checkpoints, read(path)["checkpoints"], strict=True):
        if sha256(checkpoint) != digest:
            raise UserError(
                f"{checkpoint} is not the checkpoint that {path} tells of: "
                "delete it and run the same command again"
            )
