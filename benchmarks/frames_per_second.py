"""Frames drawn per second on one core, compared with a plain matplotlib figure of the same content.

    python benchmarks/frames_per_second.py [--frames 200] [--reference 9] [--size 1920x1080]

The reference creates a new figure for every frame, with one artist per tile and per digit, and
saves it as PNG. Epochreel draws the same evaluations and also encodes PNGs. Both alternate in this
process on one thread, and CPU time is counted. The lower bound is a copy of the static background,
encoded as PNG.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import numpy as np
import pyarrow as pa
import table

from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import whole_frame
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiments.sheets import data, figure, layout
from epochreel.experiments.sheets.readings import confusion, readings, shown_places
from epochreel.formats import png

PAGES, PLACES, EPOCHS, SNAPSHOTS = 100, 436, 50, 251


def frame_data(snapshot: int) -> FrameData:
    """Return a synthetic evaluation: probabilities sharpen over time, at different rates."""
    progress = snapshot / (SNAPSHOTS - 1)
    truth = np.random.default_rng(0).integers(0, 10, (PAGES, PLACES)).astype(np.uint8)
    noise = np.random.default_rng(1).normal(0, 1, (PAGES, PLACES, 10))
    rate = np.random.default_rng(2).uniform(0.5, 1.5, (PLACES, 1))
    logits = 12 * progress * rate * np.eye(10)[truth] + noise * (0.1 + progress)
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    prediction = shares.argmax(-1).astype(np.uint8)
    predictions = pa.table(
        {
            "truth": truth.ravel(),
            "prediction": prediction.ravel(),
            "probabilities": pa.FixedSizeListArray.from_arrays(
                pa.array(shares.astype(np.float16).ravel()), 10
            ),
        }
    )
    epochs = np.arange(snapshot + 1) * EPOCHS / (SNAPSHOTS - 1)
    accuracy = 1 - 0.9 * np.exp(-epochs / 12)
    accuracy[-1] = (truth == prediction).mean()
    history = {"epoch": epochs, "accuracy": accuracy}
    return FrameData(snapshot, epochs[-1], int(epochs[-1] * 40), predictions, history)


def run_info(size: tuple[int, int]) -> RunInfo:
    """Return the run of the synthetic evaluations."""
    settings = {"variant": "plain", "fonts": None}
    test = list(data.generate(settings, 0, "test", range(1)))
    return RunInfo("Learning to read", size, settings, {}, {}, TimeAxis(), 40, test)


def scene(film: RunInfo) -> Scene:
    """Return the scene of a film."""
    return Scene(film.size, whole_frame(film, figure.panels(film)), film.theme)


def reference(frame: FrameData, size: tuple[int, int]) -> bytes:
    """Draw the frame as a new matplotlib figure, one artist per mark, saved as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100)
    FigureCanvasAgg(page)
    truth, prediction = readings(frame.predictions, PLACES)
    accuracy = frame.history["accuracy"][-1]
    page.text(0.03, 0.94, "Learning to read", size=24, weight="bold")
    page.text(
        0.6, 0.94, f"epoch {frame.epoch:.1f}   {frame.examples} pages   {accuracy:.1%} correct"
    )
    _reference_confusion(page.add_axes((0.63, 0.28, 0.35, 0.52)), confusion(truth, prediction))
    curve = page.add_axes((0.66, 0.05, 0.32, 0.12), xlim=(0, EPOCHS), ylim=(0, 1))
    curve.plot(frame.history["epoch"], frame.history["accuracy"])
    curve.plot(frame.epoch, accuracy, "o")
    _reference_digits(page.add_axes((0.03, 0.04, 0.56, 0.74)), truth[0], prediction[0])
    buffer = io.BytesIO()
    page.savefig(buffer, format="png")
    return buffer.getvalue()


def _reference_confusion(axes, shares: np.ndarray) -> None:
    axes.set(xlim=(-1, 10), ylim=(10, -1))
    axes.axis("off")
    for row in range(10):
        axes.text(-0.5, row + 0.4, str(row), weight="bold")
        axes.text(row + 0.4, -0.5, str(row), weight="bold")
        for column, share in enumerate(shares[row]):
            colour = ("C0" if row == column else "C1", share)
            axes.add_patch(_box(column, row, 0.9, 0.9, colour))
            if share >= 0.1:
                axes.text(column + 0.45, row + 0.45, f"{share:.0%}", ha="center", va="center")


def _reference_digits(axes, truth: np.ndarray, prediction: np.ndarray) -> None:
    _reference_table(axes)
    places = layout.places("plain")
    for place in shown_places():
        x, y, read = places.x[place], places.y[place], prediction[place]
        style = {"color": "C0", "weight": "bold"} if read == truth[place] else {"color": "C1"}
        axes.text(x, y, str(truth[place]), ha="center", va="center")
        axes.text(x, y + 11.5, str(read), ha="center", va="center", **style)


def _reference_table(axes) -> None:
    right, bottom = layout.TABLE.right, layout.TABLE.bottom
    axes.set(xlim=(layout.TABLE.left - 1, right + 1), ylim=(bottom + 1, layout.TABLE.top - 1))
    axes.axis("off")
    for x0, y0, x1, y1 in layout.RULES:
        axes.plot([x0, x1], [y0, y1], color="0.8", linewidth=1)
    for word in layout.HEADINGS:
        align = "center" if word.centred else "left"
        axes.text(word.x, word.y, word.text, ha=align, va="center")


def _box(x: float, y: float, width: float, height: float, colour: str):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=colour)


def seconds(tasks: dict[str, Callable[[FrameData], object]], frames: list[FrameData]) -> dict:
    """Return the CPU seconds per frame of each of `works`: medians.

    They alternate at every frame, so that other load on the machine affects all of them equally.
    """
    timings = {name: [] for name in tasks}
    for frame in frames:
        for name, task in tasks.items():
            start = time.process_time()
            task(frame)
            timings[name].append(time.process_time() - start)
    return {name: float(np.median(times)) for name, times in timings.items()}


def main() -> None:
    """Time both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--reference", type=int, default=9)
    parser.add_argument("--size", default="1920x1080")
    options = parser.parse_args()
    size = tuple(int(part) for part in options.size.split("x"))
    frames = [frame_data(k) for k in np.linspace(0, SNAPSHOTS - 1, 9).astype(int)]
    race(
        options,
        lambda: scene(run_info(size)),
        lambda frame: reference(frame, size),
        frames,
    )


def race(
    options: argparse.Namespace,
    draw_static: Callable[[], Scene],
    reference: Callable[[FrameData], object],
    frames: list[FrameData],
) -> None:
    """Time a scene, created by `draw_static`, and its `reference`; print the table.

    `options` has the numbers of `frames` to draw and of those to draw with the `reference` as well.
    """
    start = time.process_time()
    scene = draw_static()
    static_seconds = time.process_time() - start
    stills = {frame.snapshot: scene.draw(frame) for frame in frames}
    ours = {
        "Epochreel, with PNG": lambda frame: png.encode(scene.draw(frame)),
        "  drawing alone": scene.draw,
        "  PNG alone": lambda frame: png.encode(stills[frame.snapshot]),
        "lower bound: copy and PNG": lambda frame: png.encode(stills[frame.snapshot].copy()),
    }
    plain = {"matplotlib, with PNG": reference}
    reference(frames[0])  # load imports and fonts before timing
    rounds = [frames[i % len(frames)] for i in range(max(options.frames, options.reference))]
    both = seconds(plain | ours, rounds[: options.reference])
    report(plain=both, ours=seconds(ours, rounds), static_seconds=static_seconds)


def report(plain: dict[str, float], ours: dict[str, float], static_seconds: float) -> None:
    """Print milliseconds, frames per second and ratios; `plain` has both, timed alternately."""
    reference_name, name, *_, lower_bound = plain
    rows = {reference_name: plain[reference_name]} | ours
    table.show(
        {"": "", "CPU ms": ".2f", "frames/s": ".1f"},
        [(row, 1000 * cost, 1 / cost) for row, cost in rows.items()],
    )
    print(f"\n{plain[reference_name] / plain[name]:.0f} times as fast as matplotlib")
    print(f"{ours[name] / ours[lower_bound]:.1f} times the lower bound")
    print(f"once per job: {1000 * static_seconds:.0f} ms for the static background")


if __name__ == "__main__":
    main()
