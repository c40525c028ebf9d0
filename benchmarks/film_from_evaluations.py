"""From evaluations to film: the workflow compared with ffmpeg alone.

    python benchmarks/film_from_evaluations.py [--epochs 50] [--folder FOLDER]

The main run of config.yaml is made up to its evaluations, without timing. Then one start of
Snakemake on two cores summarizes, renders and encodes. Right afterwards, the same ffmpeg encodes
the finished frames at once with the same options, which is the lower bound, and once more with two
threads. Jobs can overlap, so each moment is attributed to the first row of the table that has a
running job. The second table lists the steps of a render job for one frame, repeated in this
process.

`--folder` keeps the evaluations; a second call with it only makes the film again.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from unittest import mock

import numpy as np
import scheduler
import table
from workflow import Workplace

from epochreel.artifacts import evaluations, metrics, timeline
from epochreel.artifacts import frames as frame_files
from epochreel.artifacts.dataset_shards import Split
from epochreel.core.files import atomic_write_bytes
from epochreel.drawing.frame import Scene
from epochreel.experiment_api import loader
from epochreel.film import encode, render
from epochreel.film.timing import Timeline
from epochreel.formats import png
from epochreel.plan.plan import Plan, Run

DOWNSTREAM = ("metrics", "timeline.parquet", "frames", "segments", "store/segments")
DOWNSTREAM += ("closing.png", "training.mp4", "benchmarks")


def main() -> None:
    """Make the film, encode it once more and print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, help="override the main run's epochs")
    parser.add_argument("--folder", type=Path, help="keep the evaluations here for the next call")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)).resolve()
        workplace = with_evaluations(folder, options.epochs)
        run = Plan(workplace.config, folder).main
        done = scheduler.start(workplace, f"results/{run.name}/training.mp4")
        alone = [ffmpeg_alone(workplace, run, threads) for threads in (None, 2)]
        report(workplace, run, done, *alone)


def with_evaluations(folder: Path, epochs: int | None) -> Workplace:
    """Return a workplace with all evaluations of the main run, and nothing downstream."""
    workflow = folder / "workflow"
    if not workflow.exists():
        scheduler.copy_of_workflow(workflow)
    overrides = {"epochs": epochs} if epochs else {}
    workplace = scheduler.make_workplace(folder / "place", workflow, **overrides)
    run = Plan(workplace.config, folder).main
    scheduler.start(workplace, *run.files.of("evaluations"))
    for name in DOWNSTREAM:
        path = workplace.path(f"{run.name}/{name}")
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return workplace


def ffmpeg_alone(workplace: Workplace, run: Run, threads: int | None) -> float:
    """Return the seconds that ffmpeg alone takes from the finished frames to the film.

    `threads` overrides the setting.
    """
    settings = run.stage_settings("encode_segment")["settings"]
    film, size = settings["film"], (settings["width"], settings["height"])
    film = film | ({"threads": threads} if threads else {})
    frames = [workplace.folder / path for path in run.files.of("frames")]
    path = workplace.folder / run.files.last("timeline")
    times = Timeline(*timeline.read(path, run.snapshots, run.key_digest("timeline")))
    closing = next((workplace.folder / path for path in run.files.of("closing")), None)
    sequence = frame_files.FrameSequence(frames, size, closing=closing)
    with tempfile.TemporaryDirectory() as scratch:
        target, frame_stream = Path(scratch, "film.mp4"), Path(scratch, "frames")
        with (
            mock.patch.object(encode, "run", side_effect=_Intercepted) as intercepted,
            suppress(_Intercepted),
        ):
            encode.encode_film(sequence, times, target, film, "", "")
        frame_stream.write_bytes(b"".join(intercepted.call_args.args[2]))
        start = time.perf_counter()
        with open(frame_stream, "rb") as pictures:
            subprocess.run(intercepted.call_args.args[0], stdin=pictures, check=True)
        return time.perf_counter() - start


def times_of(workplace: Workplace, run: Run) -> Timeline:
    """Return the film frames of each snapshot."""
    path = workplace.folder / run.files.last("timeline")
    return Timeline(*timeline.read(path, run.snapshots, run.key_digest("timeline")))


class _Intercepted(Exception):
    """Stops `encode_film` before it starts ffmpeg."""


def report(
    workplace: Workplace, run: Run, done: scheduler.Start, alone: float, two_threads: float
) -> None:
    """Print the tables; `alone` and `two_threads` are the times of ffmpeg alone, s."""
    rows = [("ffmpeg alone", alone), ("ffmpeg alone, two threads", two_threads)]
    rows += [("from evaluations to film", done.seconds)]
    rows += time_by_stage(scheduler.jobs(workplace), done)
    rows += inside_encode(workplace, run)
    print(f"{run.snapshots} frames of {run.figure['width']} × {run.figure['height']}\n")
    table.show({"": "", "s": ".2f", "x ffmpeg": ".2f"}, [(*row, row[1] / alone) for row in rows])
    print()
    milliseconds = inside_render(workplace, run)
    table.show({"of a frame": "", "ms": ".2f"}, milliseconds.items())


def time_by_stage(jobs: list[scheduler.Job], done: scheduler.Start) -> list[tuple[str, float]]:
    """Return the seconds of wall time by stage; the rest is the scheduler's."""
    ticks = np.arange(done.began, done.began + done.seconds, 0.01)
    is_assigned, rows = np.zeros(len(ticks), bool), []
    for stage in ("encode_segment", "encode_closing", "render", "encode", "summarize", "timeline"):
        stage_jobs = [job for job in jobs if job.stage == stage]
        is_active = (
            np.any([(ticks >= job.begin) & (ticks < job.end) for job in stage_jobs], axis=0)
            & ~is_assigned
        )
        is_assigned |= is_active
        rows.append((f"  {stage}, {len(stage_jobs)} job(s)", is_active.sum() * 0.01))
    first, last = jobs[0].begin, jobs[-1].end
    before = (ticks < first).sum() * 0.01
    between = (~is_assigned & (ticks >= first) & (ticks < last)).sum() * 0.01
    rows.append(("  Snakemake, before the first job", before))
    rows.append(("  Snakemake, between jobs", between))
    return [*rows, ("  Snakemake, after the last job", (ticks >= last).sum() * 0.01)]


def inside_encode(workplace: Workplace, run: Run) -> list[tuple[str, float]]:
    """Return the times of the steps other than encoding, over all segments, repeated here."""
    settings = run.stage_settings("encode")["settings"]
    size = (settings["width"], settings["height"])
    frames = [workplace.folder / path for path in run.files.of("frames")]
    segments = [workplace.folder / path for path in run.files.all_segments()]
    film = workplace.path(f"{run.name}/training.mp4")
    return [
        (
            "of the segments: checking the frames",
            seconds(lambda: frame_files.check_frames(frames, size)),
        ),
        (
            "of the segments: counting the decoded frames",
            seconds(lambda: [encode.count_frames(path, settings["film"]) for path in segments]),
        ),
        (
            "of encode: checking the film's packets",
            seconds(lambda: encode._count_packets(film, settings["film"], size)),
        ),
    ]


def inside_render(workplace: Workplace, run: Run, every: int = 10) -> dict[str, float]:
    """Return the milliseconds of the steps of one frame: medians over every tenth frame."""
    stage = run.stage_settings("render")
    settings = stage["settings"]
    test = [workplace.folder / path for path in run.dataset.shards("test")]
    run_info = render.run_info(settings, Split.of(stage, "test", test))
    figure = loader.find(settings["data"]["experiment"], workplace.folder).load("figure")
    scene = Scene(run_info.size, figure.panels(run_info))
    path = workplace.folder / run.files.last("metrics")
    summary = metrics.read(path, run.snapshots, stage["reads"]["summarize"])
    timings: dict[str, list[float]] = {}
    for snapshot in range(0, run.snapshots, every):
        history = metrics.history(summary, snapshot, *render.lengths(settings))
        path = workplace.folder / run.files.of("evaluations")[snapshot]
        steps: dict[str, Callable] = {
            "reading the evaluation": lambda _, path=path: evaluations.read(path),
            "drawing": lambda table, k=snapshot, history=history: scene.draw(
                render.frame_data(settings, k, table, history)
            ),
            "encoding as PNG": png.encode,
            "writing, with fsync": lambda data: atomic_write_bytes(
                workplace.folder / "frame.png", data
            ),
        }
        value = None
        for name, step in steps.items():
            start = time.perf_counter()
            value = step(value)
            timings.setdefault(name, []).append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(times)) for name, times in timings.items()}


def seconds(task: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
