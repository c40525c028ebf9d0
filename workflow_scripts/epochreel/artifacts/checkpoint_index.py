"""States: what a block of checkpoints declares of itself, a small JSON file.

key          the SHA-256 of the key that the training follows from
snapshot     the number of the block's last snapshot
checkpoints  the SHA-256 of each of its checkpoints, in order
optimizer    the SHA-256 of the optimiser's state at the last snapshot, in the store
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from epochreel.artifacts import checkpoints
from epochreel.core.errors import UserError
from epochreel.formats import checked_json
from epochreel.provenance import lineage


def write(path: str | Path, records: Sequence[Mapping[str, Any]], key_digest: str) -> None:
    """Declare the snapshots of these records of the store; `key_digest` is the digest of their key."""
    last = records[-1]
    declared = {name: last[name] for name in ("snapshot", "optimizer")}
    declared |= {"key": key_digest, "checkpoints": [record["weights"] for record in records]}
    checked_json.write(path, declared)


def read(path: str | Path, last: int, key_digest: str) -> dict[str, Any]:
    """What a block that ends with snapshot `last` has declared.

    Raises `UserError` where the file is missing, damaged, another block's, or follows from another
    key than the one of digest `key_digest`.
    """
    try:
        declared = checked_json.read(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run: snakemake {path}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged: delete it and run: snakemake {path}") from error
    lineage.check_key_digest(path, declared["key"], key_digest)
    lineage.check_position(path, declared["snapshot"], last)
    return declared


def digests(path: str | Path, count: int, last: int, key_digest: str) -> list[str]:
    """The SHA-256 of each of a block's `count` checkpoints, in order. Raises as `predict` does."""
    listed = read(path, last, key_digest)["checkpoints"]
    lineage.check_position(path, len(listed), count, "digests of checkpoints,")
    return listed


def check_checkpoints(
    path: str | Path, paths: Sequence[str | Path], last: int, key_digest: str
) -> None:
    """Raise `UserError` for the first of a block's checkpoints that its state does not list.

    `paths` are all checkpoints of the block; the other arguments are those of `predict`.
    """
    for checkpoint, digest in zip(paths, digests(path, len(paths), last, key_digest), strict=True):
        checkpoints.check(checkpoint, digest)


def check_last(path: str | Path, network: str | Path, last: int, key_digest: str) -> None:
    """Raise `UserError` unless `network` is the checkpoint that a block ends with."""
    checkpoints.check(network, read(path, last, key_digest)["checkpoints"][-1])
