"""Frames per second of the film of `activations` on one core, compared with plain matplotlib.

    python benchmarks/activations_frames_per_second.py [--frames 100] [--reference 9]
        [--size 1920x1080] [--images 1000] [--side 64]

The reference creates a new figure for every frame, with an AnnotationBbox for each thumbnail, and
saves it as PNG. Epochreel draws the same evaluations and also encodes PNGs. See
frames_per_second.py for how time is measured.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
from frames_per_second import race  # limits numpy to one thread, so import it first

from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import whole_frame
from epochreel.drawing.palette import LIGHT
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiments.activations import colours, figure
from epochreel.experiments.activations.classes import SKETCHES

SAMPLE, EPOCHS, SNAPSHOTS = 1000, 25, 61
SHARES = ("accuracy", "train_accuracy", *(f"accuracy_of_{k}" for k in range(len(SKETCHES))))


def frame_data(images: int, snapshot: int) -> FrameData:
    """Return a synthetic evaluation: class clouds separate, and predictions become right."""
    progress = snapshot / (SNAPSHOTS - 1)
    rng = np.random.default_rng(0)
    label = np.concatenate((np.arange(images), np.arange(SAMPLE))) % len(SKETCHES)
    ease, other = rng.uniform(0, 1, len(label)), rng.integers(0, len(SKETCHES), len(label))
    turn = 2 * np.pi * label / len(SKETCHES)
    middle = np.column_stack((np.cos(turn), np.sin(turn))) * progress
    layout = middle + rng.normal(0, 0.6 - 0.4 * progress, (len(label), 2))
    table = {
        "split": ["test"] * images + ["train"] * SAMPLE,
        "label": label.astype(np.int16),
        "prediction": np.where(ease < progress, label, other).astype(np.int16),
    }
    epochs = np.arange(snapshot + 1) * EPOCHS / (SNAPSHOTS - 1)
    history = {"epoch": epochs} | dict.fromkeys(SHARES, 1 - 0.9 * np.exp(-epochs / 5))
    frame = FrameData(snapshot, epochs[-1], int(epochs[-1] * 5000), pa.table(table), history)
    sentence = "It still mistakes some cups for cars."
    return replace(frame, layout=layout.astype(np.float32), sentence=sentence)


def run_info(images: int, side: int, size: tuple[int, int]) -> RunInfo:
    """Return the run of the synthetic evaluations, with noise as its images."""
    pixels = np.random.default_rng(1).integers(0, 256, (images, side, side), dtype=np.uint8)
    test = [{"image": each, "label": i % len(SKETCHES)} for i, each in enumerate(pixels)]
    return RunInfo("Activations", size, {"source": "sketches"}, {}, {}, TimeAxis(), 5000, test)


def reference(run: RunInfo, frame: FrameData) -> bytes:
    """Draw the frame as a new matplotlib figure, an AnnotationBbox per image, saved as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=(run.size[0] / 100, run.size[1] / 100), dpi=100)
    FigureCanvasAgg(page)
    page.text(0.03, 0.94, run.title, size=24, weight="bold")
    page.text(0.6, 0.94, f"epoch {frame.epoch:.1f}   {frame.history['accuracy'][-1]:.1%} correct")
    _reference_images(page.add_axes((0.03, 0.04, 0.67, 0.78)), run, frame)
    shades = colours.of_classes(LIGHT, len(SKETCHES)) / 255
    labels = frame.predictions["label"].to_numpy()[len(run.test) :]
    sample = page.add_axes((0.73, 0.54, 0.24, 0.28))
    sample.scatter(*frame.layout[len(run.test) :].T, s=8, c=shades[labels])
    curve = page.add_axes((0.74, 0.07, 0.23, 0.2), xlim=(0, EPOCHS), ylim=(0, 1))
    for name in ("accuracy", "train_accuracy"):
        curve.plot(frame.history["epoch"], frame.history[name], label=name)
    curve.legend()
    buffer = io.BytesIO()
    page.savefig(buffer, format="png")
    return buffer.getvalue()


def _reference_images(axes, run: RunInfo, frame: FrameData) -> None:
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    shades = colours.of_classes(LIGHT, len(SKETCHES)) / 255
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
    labels, predictions = (frame.predictions[name].to_numpy() for name in ("label", "prediction"))
    for position, example, label, predicted in zip(
        frame.layout, run.test, labels, predictions, strict=False
    ):
        style = {"edgecolor": "red" if predicted != label else shades[predicted]}
        zoom = 28 / len(example["image"])
        picture = OffsetImage(example["image"], zoom=zoom, cmap="gray")
        axes.add_artist(AnnotationBbox(picture, position, pad=0.1, bboxprops=style))
    handles = [axes.scatter([], [], color=shade) for shade in shades]
    axes.legend(handles, SKETCHES)


def main() -> None:
    """Time both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--reference", type=int, default=9)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--side", type=int, default=64)
    options = parser.parse_args()
    size = tuple(int(part) for part in options.size.split("x"))
    run = run_info(options.images, options.side, size)
    frames = [frame_data(options.images, k) for k in np.linspace(0, SNAPSHOTS - 1, 9).astype(int)]
    scene = lambda: Scene(size, whole_frame(run, figure.panels(run)))  # noqa: E731
    race(options, scene, partial(reference, run), frames)


if __name__ == "__main__":
    main()
