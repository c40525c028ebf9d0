"""From evaluations to film: the workflow against what ffmpeg alone needs to encode the frames.

    python benchmarks/film_from_evaluations.py [--epochs 50] [--folder FOLDER]

The main run of config.yaml is made up to its evaluations, not timed. Then one start of Snakemake on
two cores summarizes, renders and encodes, and at once thereafter the same ffmpeg encodes the
finished frames with the same options: no film can be made in less. Jobs may run side by side, so
the time is shared out in this order: where a job of the row runs and none of the rows above. Below
it, what a render job does for a frame, drawn again in this process.

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

from epochreel.artifacts import evaluations, metrics
from epochreel.artifacts import frames as frame_files
from epochreel.artifacts.dataset_shards import Split
from epochreel.core.files import atomic_write_bytes
from epochreel.drawing.frame import Scene
from epochreel.experiment_api import loader
from epochreel.film import encode, render
from epochreel.formats import png
from epochreel.plan.plan import Plan, Run

MADE = ("metrics", "frames", "training.mp4", "benchmarks")


def main() -> None:
    """Make the film, encode it once more and print where the time goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, help="instead of the main run's")
    parser.add_argument("--folder", type=Path, help="where evaluations stay for the next call")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)).resolve()
        place = with_evaluations(folder, options.epochs)
        run = Plan(place.config, folder).main
        done = scheduler.start(place, f"results/{run.name}/training.mp4")
        alone = ffmpeg_alone(place, run)
        report(place, run, done, alone)


def with_evaluations(folder: Path, epochs: int | None) -> Workplace:
    """A workplace with all evaluations of the main run, and nothing that follows from them."""
    workflow = folder / "workflow"
    if not workflow.exists():
        scheduler.copy_of_workflow(workflow)
    changed = {"epochs": epochs} if epochs else {}
    place = scheduler.workplace(folder / "place", workflow, **changed)
    run = Plan(place.config, folder).main
    scheduler.start(place, *run.files.of("evaluations"))
    for name in MADE:
        path = place.path(f"{run.name}/{name}")
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return place


def ffmpeg_alone(place: Workplace, run: Run) -> float:
    """Seconds that ffmpeg takes from the finished frames to the film, and does nothing else."""
    settings = run.stage_settings("encode")["settings"]
    film, size = settings["film"], (settings["width"], settings["height"])
    frames = [place.folder / path for path in run.files.of("frames")]
    with tempfile.TemporaryDirectory() as scratch:
        target, feed = Path(scratch, "film.mp4"), Path(scratch, "frames")
        feed.write_bytes(b"".join(frame.read_bytes() for frame in frames))
        with mock.patch.object(encode, "run", side_effect=_Caught) as caught, suppress(_Caught):
            encode.encode_film(frame_files.FrameSequence(frames, size), target, film, "", "")
        began = time.perf_counter()
        with open(feed, "rb") as pictures:
            subprocess.run(caught.call_args.args[0], stdin=pictures, check=True)
        return time.perf_counter() - began


class _Caught(Exception):
    """Ends `encode_film` where it would start ffmpeg."""


def report(place: Workplace, run: Run, done: scheduler.Start, alone: float) -> None:
    """Print the table, `alone` being what ffmpeg takes alone."""
    rows = [("ffmpeg alone", alone), ("from evaluations to film", done.seconds)]
    rows += time_shared_out(scheduler.jobs(place), done)
    rows += inside_encode(place, run)
    print(f"{run.snapshots} frames of {run.figure['width']} × {run.figure['height']}\n")
    table.show({"": "", "s": ".2f", "x ffmpeg": ".2f"}, [(*row, row[1] / alone) for row in rows])
    print()
    milliseconds = inside_render(place, run)
    table.show({"of a frame": "", "ms": ".2f"}, milliseconds.items())


def time_shared_out(jobs: list[scheduler.Job], done: scheduler.Start) -> list[tuple[str, float]]:
    """Seconds of the wall clock by stage; what is left is the scheduler's own."""
    ticks = np.arange(done.began, done.began + done.seconds, 0.01)
    taken, rows = np.zeros(len(ticks), bool), []
    for stage in ("encode", "render", "summarize"):
        mine = [job for job in jobs if job.stage == stage]
        on = np.any([(ticks >= job.begin) & (ticks < job.end) for job in mine], axis=0) & ~taken
        taken |= on
        rows.append((f"  {stage}, {len(mine)} job(s)", on.sum() * 0.01))
    first, last = jobs[0].begin, jobs[-1].end
    before = (ticks < first).sum() * 0.01
    between = (~taken & (ticks >= first) & (ticks < last)).sum() * 0.01
    rows.append(("  Snakemake, before the first job", before))
    rows.append(("  Snakemake, between jobs", between))
    return [*rows, ("  Snakemake, after the last job", (ticks >= last).sum() * 0.01)]


def inside_encode(place: Workplace, run: Run) -> list[tuple[str, float]]:
    """What the job `encode` does beside encoding, done again here."""
    settings = run.stage_settings("encode")["settings"]
    size = (settings["width"], settings["height"])
    frames = [place.folder / path for path in run.files.of("frames")]
    film = place.path(f"{run.name}/training.mp4")
    return [
        ("of encode: checking the frames", seconds(lambda: frame_files.check_frames(frames, size))),
        (
            "of encode: counting what the film decodes to",
            seconds(lambda: encode.count_frames(film, settings["film"])),
        ),
    ]


def inside_render(place: Workplace, run: Run, every: int = 10) -> dict[str, float]:
    """Milliseconds of the steps of one frame: medians over every tenth of them."""
    stage = run.stage_settings("render")
    settings = stage["settings"]
    test = [place.folder / path for path in run.dataset.shards("test")]
    run_info = render.run_info(settings, Split.of(stage, "test", test))
    figure = loader.find(settings["data"]["experiment"], place.folder).load("figure")
    scene = Scene(run_info.size, figure.panels(run_info))
    path = place.folder / run.files.last("metrics")
    summary = metrics.read(path, run.snapshots, stage["reads"]["summarize"])
    taken: dict[str, list[float]] = {}
    for snapshot in range(0, run.snapshots, every):
        history = metrics.history(summary, snapshot, settings["snapshots_per_epoch"])
        path = place.folder / run.files.of("evaluations")[snapshot]
        steps: dict[str, Callable] = {
            "reading the evaluation": lambda _, path=path: evaluations.read(path),
            "drawing": lambda table, k=snapshot, history=history: scene.draw(
                render.frame_data(settings, k, table, history)
            ),
            "packing as PNG": png.encode,
            "writing, synced": lambda data: atomic_write_bytes(place.folder / "frame.png", data),
        }
        passed = None
        for name, step in steps.items():
            began = time.perf_counter()
            passed = step(passed)
            taken.setdefault(name, []).append(1e3 * (time.perf_counter() - began))
    return {name: float(np.median(times)) for name, times in taken.items()}


def seconds(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
