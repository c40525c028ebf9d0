"""Frames per second of the film of `words` on one core, compared with plain matplotlib.

    python benchmarks/reader_frames_per_second.py [--frames 200] [--reference 9] [--size 1920x1080]

The reference creates a new figure for every frame, with an `imshow` for each step, a text for each
letter and a bar for each letter of the alphabet, and saves it as PNG. Epochreel draws the same
evaluations and also encodes PNGs. See frames_per_second.py for how time is measured.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
from frames_per_second import race  # limits numpy to one thread, so import it first

from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import whole_frame
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiments.words import data, figure, readings, strips
from epochreel.experiments.words.alphabet import END, SIDE, STEPS, counted, letter, text
from epochreel.experiments.words.masked_words import MASKED

WORDS, EPOCHS, SNAPSHOTS = 1024, 50, 251
CAST = (27, 23, 20, 10, 15)
TEST = data.draw({"noise": 0.1, "background": "none"}, 1, "test", np.arange(WORDS))


def frame_data(snapshot: int) -> FrameData:
    """Return a synthetic evaluation: masks narrow and move, and letters become right."""
    progress = snapshot / (SNAPSHOTS - 1)
    rng = np.random.default_rng(0)
    words, difficulty = TEST["letters"], rng.uniform(0, 1, (WORDS, STEPS))
    read = np.where(difficulty < progress, words, rng.integers(0, END + 1, words.shape)).astype(
        np.uint8
    )
    columns = {"letters": words, "prediction": read}
    table = {
        name: pa.FixedSizeListArray.from_arrays(values.ravel(), STEPS)
        for name, values in columns.items()
    }
    masks = [*_masks(progress), *[None] * (WORDS - MASKED)]
    table["mask"] = pa.array(masks, pa.list_(pa.uint8()))
    epochs = np.arange(snapshot + 1) * EPOCHS / (SNAPSHOTS - 1)
    seen = int(epochs[-1] * 32_000)
    history = {"epoch": epochs} | dict.fromkeys(("accuracy", "letters"), 1 - np.exp(-epochs / 12))
    sentence = "Most words are right; long ones often have a wrong letter."
    return FrameData(
        snapshot, epochs[-1], seen, pa.table(table), history, step=seen // 32, sentence=sentence
    )


def _masks(progress: float) -> np.ndarray:
    """Return the masks of the first words: (32, 5 · 40 · 40) uint8."""
    noise = np.random.default_rng(1).normal(0, 0.3, (MASKED, STEPS, SIDE, SIDE))
    middle = 4 + 8 * np.arange(STEPS)[:, None, None]
    strength = 6 * progress * (1 - ((np.arange(SIDE) - middle) / 5) ** 2) + noise
    masks = 1 / (1 + np.exp(-strength))
    masks[:, 0] = 1
    return (255 * masks).astype(np.uint8).reshape(MASKED, -1)


def run_info(size: tuple[int, int]) -> RunInfo:
    """Return the run of the synthetic evaluations."""
    test = [{name: column[i] for name, column in TEST.items()} for i in range(MASKED)]
    info = RunInfo("Learning where to look", size, {}, {}, {}, TimeAxis(), 32_000, test)
    return replace(info, examples=CAST)


def reference(frame: FrameData, size: tuple[int, int]) -> bytes:
    """Draw the frame as a new matplotlib figure, an image per step, saved as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100)
    FigureCanvasAgg(page)
    accuracy = frame.history["accuracy"][-1]
    page.text(0.03, 0.94, "Learning where to look", size=18, weight="bold")
    page.text(0.6, 0.94, f"{frame.examples} words   {accuracy:.1%} correct")
    page.text(0.03, 0.86, frame.sentence, size=26, weight="bold")
    _reference_words(page, frame.predictions)
    axes = page.add_axes((0.74, 0.55, 0.22, 0.18), xlim=(0, EPOCHS), ylim=(0, 1))
    for name in ("accuracy", "letters"):
        axes.plot(frame.history["epoch"], frame.history[name], label=name)
    axes.legend()
    _reference_alphabet(page.add_axes((0.74, 0.05, 0.22, 0.4)), frame.predictions)
    buffer = io.BytesIO()
    page.savefig(buffer, format="png")
    return buffer.getvalue()


def _reference_words(page, table: pa.Table) -> None:
    masks, read = readings.masks(table, CAST), readings.steps(table, "prediction")
    for row, number in enumerate(CAST):
        truth, top = TEST["letters"][number], 0.63 - 0.14 * row
        page.text(0.54, top, text(read[number]), size=30)
        page.text(0.54, top - 0.03, f"should be {text(truth)}")
        for step in np.flatnonzero(counted(truth[None])[0]):
            axes = page.add_axes((0.03 + 0.1 * step, top - 0.05, 0.066, 0.117))
            axes.axis("off")
            axes.imshow(TEST["image"][number], cmap="gray")
            axes.imshow(masks[row, step], cmap="Greens", alpha=0.5, vmin=0, vmax=255)
            for y, sign in ((0.8, read[number, step]), (0.4, truth[step])):
                axes.text(1.05, y, strips.name(sign), transform=axes.transAxes, size=16)


def _reference_alphabet(axes, table: pa.Table) -> None:
    words, read = (readings.steps(table, name) for name in ("letters", "prediction"))
    counts = readings.reading_counts(words, read)
    rates = counts / counts.sum(1, keepdims=True)
    axes.barh(range(END), rates[range(END), range(END)])
    axes.set_yticks(range(END), map(letter, range(END)))
    for sign, mistake in enumerate(rates.argsort(1)[:, -2]):
        axes.text(1.02, sign, strips.name(mistake), size=8)


def main() -> None:
    """Time both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--reference", type=int, default=9)
    parser.add_argument("--size", default="1920x1080")
    options = parser.parse_args()
    size = tuple(int(part) for part in options.size.split("x"))
    info = run_info(size)
    frames = [frame_data(k) for k in np.linspace(0, SNAPSHOTS - 1, 9).astype(int)]
    strips.looks(TEST["image"][:1], TEST["image"][:1])  # fill the colour table before timing
    race(
        options,
        lambda: Scene(size, whole_frame(info, figure.panels(info))),
        lambda frame: reference(frame, size),
        frames,
    )


if __name__ == "__main__":
    main()
