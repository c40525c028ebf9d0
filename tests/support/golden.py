"""Golden check: two versions of the code produce the same payloads.

A payload is the content of an artifact: tensors, columns, metrics, pixels, decoded film frames.
Cache keys, checksums and folder names are not part of it, so a refactoring may change them. The
files are read only with public libraries, never with the library that is being refactored.

    python tests/support/golden.py HEAD~3         make the miniature of both and compare
    python tests/support/golden.py BEFORE AFTER   compare two finished working folders

Weights depend on the processor, so nothing is compared with stored digests.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy
from PIL import Image, ImageSequence

REPOSITORY = Path(__file__).parents[2]
# Columns about time and machine, which training tables of earlier versions also had.
_OF_THE_MACHINE = {"device", "examples_per_second", "cpu_percent", "memory_bytes", "gpus"}
# Columns that earlier versions name differently.
_RENAMED = {"rate": "learning_rate"}


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _pixels(image: Image.Image) -> bytes:
    return repr((image.size, image.mode)).encode() + image.tobytes()


def _image_column(values: list[dict]) -> bytes:
    return b"".join(_pixels(Image.open(io.BytesIO(value["bytes"]))) for value in values)


def _column(column: pa.ChunkedArray) -> bytes:
    if pa.types.is_struct(column.type) and "bytes" in {field.name for field in column.type}:
        return _image_column(column.to_pylist())
    # In some versions a column without values has no type.
    kind = str(column.type) if column.null_count < len(column) else "empty"
    return repr((kind, column.to_pylist())).encode()


def _table(path: Path) -> str:
    """Return the digest of the columns by name, and of the metrics in the metadata, if any."""
    table = pq.read_table(path)
    metadata = table.schema.metadata or {}
    table = table.rename_columns([_RENAMED.get(name, name) for name in table.column_names])
    names = sorted(set(table.column_names) - _OF_THE_MACHINE)
    parts = [part for name in names for part in (name.encode(), _column(table[name]))]
    noted = json.loads(metadata.get(b"epochreel", b"{}"))
    metrics = noted.get("metrics") if isinstance(noted, dict) else None
    return _digest(*parts, json.dumps(metrics, sort_keys=True).encode())


def _tensors(path: Path) -> str:
    tensors = safetensors.numpy.load_file(path)
    parts = (
        part
        for name in sorted(tensors)
        for part in (name.encode(), str(tensors[name].dtype).encode(), tensors[name].tobytes())
    )
    return _digest(*parts)


def _pictures(path: Path) -> str:
    with Image.open(path) as image:
        return _digest(*(_pixels(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)))


def _film(path: Path) -> str:
    """Return the digest of the decoded frames, from one checksum each."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", path, "-f", "framemd5", "-"]
    decoded = subprocess.run(command, capture_output=True, check=True)
    return _digest(decoded.stdout)


def _text(path: Path) -> str:
    return _digest(path.read_bytes())


# Kind of payload → the paths of its files, in this and earlier versions, and their reader.
KINDS: dict[str, tuple[tuple[str, ...], Callable[[Path], str]]] = {
    "shard": (("datasets/*/*/*.parquet",), _table),
    "checkpoint": (("*/checkpoints/*.safetensors", "*/network.safetensors"), _tensors),
    "evaluation": (("*/evaluations/*.parquet",), _table),
    "metrics": (("*/metrics/*.parquet", "*/summaries/*.parquet"), _table),
    "training": (("*/training/*.parquet", "*/logs/train/[0-9]*.parquet"), _table),
    "layers": (("*/layers.parquet", "*/logs/layers.parquet"), _table),
    "projection": (("*/projections/*.parquet", "*/projection.parquet"), _table),
    "frame": (("*/frames/*.png",), _pictures),
    "transition": (("*/transitions/*.png", "*/tweens/*.png"), _pictures),
    "film": (("*/training.mp4", "*/training.webm"), _film),
    "picture": (("*/training.gif", "*/poster.png", "*/loops/*"), _pictures),
    "prediction": (("*/predictions/*.png", "*/readings/*.png"), _pictures),
    "text": (("*/training.vtt", "*/predictions/*.csv", "*/readings/*.csv"), _text),
}


def payloads(folder: Path) -> dict[tuple[str, ...], str]:
    """Return the digest of every payload in `folder`/results, by kind, run or dataset, and file."""
    return dict(_payloads(folder / "results"))


def _payloads(results: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    for kind, (patterns, digest) in KINDS.items():
        for pattern in patterns:
            for path in sorted(results.glob(pattern)):
                if ".system." not in path.name:
                    run, *folders, name = path.relative_to(results).parts
                    # Folders of runs are named after the kind; those of datasets are the splits.
                    yield (kind, run, *(folders if run == "datasets" else ()), name), digest(path)


def differences(before: Path, after: Path) -> list[str]:
    """Return a line for each payload that is missing, new or different in the folder `after`."""
    old, new = payloads(before), payloads(after)
    lines = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            what = "missing" if name not in new else "new" if name not in old else "different"
            lines.append(f"{' '.join(name)}: {what}")
    return lines


def make_miniature(repository: Path, folder: Path) -> None:
    """Make the whole miniature of a checkout in `folder`."""
    folders = ("workflow_scripts", "tests", "tests/support")
    paths = ":".join(str(repository / name) for name in folders)
    worlds = next(repository.glob("tests/**/worlds.py"))
    command: list[Any] = [sys.executable, worlds, folder, "world"]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": paths})


def _make_both(commit: str, scratch: Path) -> tuple[Path, Path]:
    """Make the miniatures of an earlier commit and of the working tree."""
    before, made = scratch / "repository", (scratch / "before", scratch / "after")
    command = ["git", "worktree", "add", "--quiet", "--detach", before, commit]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    try:
        for repository, folder in zip((before, REPOSITORY), made, strict=True):
            folder.mkdir()
            make_miniature(repository, folder)
    finally:
        command = ["git", "worktree", "remove", "--force", before]
        subprocess.run(command, cwd=REPOSITORY, check=True)
    return made[0] / "world", made[1] / "world"


def main(*arguments: str) -> int:
    """Print the differences; the exit status is 1 if there are any."""
    with tempfile.TemporaryDirectory() as scratch:
        if len(arguments) == 2:
            before, after = map(Path, arguments)
        else:
            before, after = _make_both(arguments[0], Path(scratch))
        lines = differences(before, after)
        print("\n".join(lines) or f"{len(payloads(after))} payloads are equal")
    return 1 if lines else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
