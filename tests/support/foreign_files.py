"""Valid artifacts of another run, put in the place of those of this run."""

from __future__ import annotations

import json
from pathlib import Path

from stage_world import redeclare

from epochreel.artifacts import checkpoints
from epochreel.formats import parquet, png, video


def other_weights(path: Path) -> None:
    """Replace a checkpoint by a valid one of the same snapshot with other weights."""
    about = {"snapshot": checkpoints.read(path).snapshot, "training": ""}
    weights = {name: tensor + 1 for name, tensor in checkpoints.load(path).items()}
    path.unlink()
    path.write_bytes(checkpoints.pack(weights, about))


def another_runs(path: Path) -> None:
    """Replace a table by a valid one of the same position with the key of another run."""
    table, about = parquet.read(path), parquet.read_metadata(path)
    about.get("key", about)["code"] = "another"
    metadata = table.schema.metadata | {b"epochreel": json.dumps(about).encode()}
    parquet.write(path, table.replace_schema_metadata(metadata))


def another_states(path: Path) -> None:
    """Replace a checkpoint index by the same one with the key of another training."""
    redeclare(path, key="0" * 64)


def another_film(path: Path) -> None:
    """Replace the key in the checksum of a film or a segment by that of another run."""
    note = path.read_bytes()[-video._NOTE - 65 : -65].decode().rstrip()
    bare = path.with_suffix(".bare")
    video.copy_without(path, bare)
    bare.replace(path)
    video.embed_checksum(path, "0" * 64, note)


def red(path: Path) -> None:
    """Replace a frame by a picture of the same size that does not belong to the film."""
    pixels = png.decode(path.read_bytes())
    path.unlink()
    path.write_bytes(png.encode(pixels[:, :, ::-1].copy()))


def reversed_note(path: Path) -> None:
    """Replace a frame by one with its snapshot number but other settings in its metadata."""
    data = path.read_bytes()
    path.unlink()
    metadata = {"Snapshot": png.texts(data)["Snapshot"], "epochreel": "{}"}
    path.write_bytes(png.encode(png.decode(data), metadata))
