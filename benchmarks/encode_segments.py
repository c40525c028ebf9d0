"""Encode a long film in segments, on one core and on two.

    python benchmarks/encode_segments.py FRAMES [--count 10000] [--rounds 2] [--cores 1 2]

FRAMES is a folder of drawn frames, such as results/sheets/frames, which are repeated up to `count`
snapshots. Each segment and the final join run in a separate process, as in the workflow: as many
at a time as there are cores, to which all processes are pinned. Rounds alternate between the
numbers of cores, since the machine may have other work. The lower bound is the CPU time of ffmpeg
alone for the same segments, divided by the cores. Snakemake's own time is not included (see
`film_from_evaluations.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import scheduler  # Puts the library on the path.
import table

from epochreel.artifacts import timeline
from epochreel.film import timing
from epochreel.formats import png
from epochreel.provenance import keys

SIZE = 100
FILM = {
    "pace": "even",
    "seconds_per_snapshot": "1/24",
    "opening_seconds": 2,
    "hold_seconds": 2,
    "closing_seconds": 0,
    "segment": SIZE,
    "keyframe_seconds": 1,
    "crf": 16,
    "preset": "veryfast",
    "threads": 1,
    "ffmpeg": "bundled",
}
_CALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from {module} import {module} as stage
stage(*json.loads(sys.argv[2]))
"""


def main() -> None:
    """Encode the film in each way and print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", type=Path, help="a folder of drawn frames")
    parser.add_argument("--count", type=int, default=10_000, help="snapshots of the film")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        drawn = sorted(options.frames.resolve().glob("*.png"))
        os.chdir(scratch)
        size = repeat(drawn, options.count)
        rows = [
            (f"{cores} core(s), round {turn + 1}", *encode(options.count, size, cores))
            for turn in range(options.rounds)
            for cores in options.cores
        ]
    print(f"{options.count} frames of {size[0]} × {size[1]} in segments of {SIZE}\n")
    table.show({"": "", "s": ".1f", "CPU s": ".1f", "of ffmpeg": ".1f", "x bound": ".2f"}, rows)


def repeat(drawn: Sequence[Path], count: int) -> tuple[int, int]:
    """Write `count` frames to `frames`, numbered from 0; return their size."""
    Path("frames").mkdir()
    for number in range(count):
        data = drawn[number % len(drawn)].read_bytes()
        kinds = [(kind, body) for kind, body in png.chunks(data) if kind != b"tEXt"]
        text = (b"tEXt", b"Snapshot\0%d" % number)
        parts = [png._chunk(*chunk) for chunk in (kinds[0], text, *kinds[1:])]
        Path("frames", f"{number:06d}.png").write_bytes(png.SIGNATURE + b"".join(parts))
    timeline.write("timeline.parquet", timing.even(count, FILM).frames, 0, "{}")
    return png.size(data)


def encode(count: int, size: tuple[int, int], cores: int) -> tuple[float, float, float, float]:
    """Return wall time, CPU time of all processes and of ffmpeg, s, and wall time / bound."""
    shutil.rmtree("run", ignore_errors=True)
    names = [f"{first // SIZE:04d}" for first in range(0, count, SIZE)]
    affinity, before, began = os.sched_getaffinity(0), os.times(), time.perf_counter()
    os.sched_setaffinity(0, sorted(affinity)[:cores])
    try:
        with ThreadPoolExecutor(cores) as pool:
            paths = list(pool.map(lambda name: segment(name, count, size), [*names, "closing"]))
        join(paths, count, size)
    finally:
        os.sched_setaffinity(0, affinity)
    seconds, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    # Interpreter and imports, without any work.
    before = os.times()
    call("encode_segment", None)
    after = os.times()
    start = after.children_user + after.children_system
    start -= before.children_user + before.children_system
    of_ffmpeg = cpu - start * (len(paths) + 1)
    return seconds, cpu, of_ffmpeg, seconds * cores / of_ffmpeg


def segment(name: str, count: int, size: tuple[int, int]) -> str:
    """Encode a segment in a separate process and return its path."""
    is_end, path = name == "closing", f"run/segments/{name}.mp4"
    first = count - 1 if is_end else int(name) * SIZE
    length = 1 if is_end else min(SIZE, count - first)
    frames = [f"frames/{number:06d}.png" for number in range(first, first + length)]
    stage = stage_of(size, {}) | {"first": first, "count": length}
    call("encode_segment", [{"frames": frames}, None, path, is_end, stage])
    return path


def join(paths: Sequence[str], count: int, size: tuple[int, int]) -> None:
    """Join the film in a separate process."""
    digest = keys.key_digest(stage_of(size, {}))
    reads = {"encode_segment": digest, "encode_closing": digest, "timeline": keys.digest({})}
    stage = stage_of(size, reads)
    stage["settings"] |= {"title": "", "snapshots": count}
    call("encode", [paths, "timeline.parquet", "run/training.mp4", stage])


def stage_of(size: tuple[int, int], reads: dict) -> dict:
    """Return the settings of a job, without its position."""
    settings = {"film": FILM, "tweens": 0, "width": size[0], "height": size[1]}
    return {"settings": settings, "reads": reads, "code": "", "versions": {}}


def call(module: str, arguments: list | None) -> None:
    """Call a script's function in another process; without arguments, only import it."""
    scripts = str(scheduler.FOLDER / "workflow_scripts")
    code = _CALL.format(module=module)
    code = code if arguments is not None else code.rpartition("stage(")[0]
    words = [sys.executable, "-c", code, scripts, json.dumps(arguments)]
    subprocess.run(words, check=True)


if __name__ == "__main__":
    main()
