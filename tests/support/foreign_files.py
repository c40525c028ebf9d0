"""Whole artifacts in the place of others: valid files of their kind that belong to another run."""

from __future__ import annotations

import json
from pathlib import Path

from stage_world import redeclare

from epochreel.artifacts import checkpoints
from epochreel.formats import mp4, parquet, png


def other_weights(path: Path) -> None:
    """Put another whole checkpoint of the same snapshot there."""
    about = {"snapshot": checkpoints.read(path).snapshot, "training": ""}
    weights = {name: tensor + 1 for name, tensor in checkpoints.load(path).items()}
    path.unlink()
    path.write_bytes(checkpoints.pack(weights, about))


def another_runs(path: Path) -> None:
    """Put a whole table of the same place there, with the key of another run."""
    table, about = parquet.read(path), parquet.read_metadata(path)
    about.get("key", about)["code"] = "another"
    noted = table.schema.metadata | {b"epochreel": json.dumps(about).encode()}
    parquet.write(path, table.replace_schema_metadata(noted))


def another_states(path: Path) -> None:
    """Put the same state there as one of another training."""
    redeclare(path, key="0" * 64)


def another_film(path: Path) -> None:
    """Put the same film there, sealed as one of another run."""
    path.write_bytes(path.read_bytes()[: -mp4._LENGTH])
    mp4.embed_checksum(path, "0" * 64)


def red(path: Path) -> None:
    """Put a picture of the same size there that nobody drew for the film."""
    pixels = png.decode(path.read_bytes())
    path.unlink()
    path.write_bytes(png.encode(pixels[:, :, ::-1].copy()))


def reversed_note(path: Path) -> None:
    """Put a picture there that notes its snapshot, and other settings."""
    data = path.read_bytes()
    path.unlink()
    noted = {"Snapshot": png.texts(data)["Snapshot"], "epochreel": "{}"}
    path.write_bytes(png.encode(png.decode(data), noted))
