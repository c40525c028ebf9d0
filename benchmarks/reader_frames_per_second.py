"""Frames per second of the film of `words` on one core, compared with plain matplotlib.

    python benchmarks/reader_frames_per_second.py [--frames 200] [--reference 9] [--size 1920x1080]

The reference creates a new figure for every frame, with an `imshow` for each step and a text for
each letter, and saves it as PNG. Epochreel draws the same evaluations and also encodes PNGs. See
frames_per_second.py for how time is measured.
"""

from __future__ import annotations

import argparse
import io

import numpy as np
import pyarrow as pa
from frames_per_second import race  # limits numpy to one thread, so import it first

from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiments.words import data, figure, panels, strips
from epochreel.experiments.words.alphabet import END, SIDE, STEPS, counted, letter

WORDS, EPOCHS, SNAPSHOTS = 1024, 50, 251
TEST = data.draw({"noise": 0.1, "background": "none"}, 1, "test", np.arange(WORDS))


def frame_data(snapshot: int) -> FrameData:
    """Return a synthetic evaluation: masks narrow and move, and letters become right."""
    progress = snapshot / (SNAPSHOTS - 1)
    rng = np.random.default_rng(0)
    words, difficulty = TEST["letters"], rng.uniform(0, 1, (WORDS, STEPS))
    read = np.where(difficulty < progress, words, rng.integers(0, END + 1, words.shape)).astype(
        np.uint8
    )
    probability = (0.1 + 0.85 * progress * rng.uniform(0.8, 1, words.shape)).astype(np.float16)
    columns = {"letters": words, "prediction": read, "probability": probability}
    table = {
        name: pa.FixedSizeListArray.from_arrays(values.ravel(), STEPS)
        for name, values in columns.items()
    }
    masks = [*_masks(progress), *[None] * (WORDS - panels.SHOWN)]
    table["mask"] = pa.array(masks, pa.list_(pa.uint8()))
    epochs = np.arange(snapshot + 1) * EPOCHS / (SNAPSHOTS - 1)
    return FrameData(
        snapshot, epochs[-1], int(epochs[-1] * 32_000), pa.table(table), _history(epochs)
    )


def _masks(progress: float) -> np.ndarray:
    """Return the masks of the first words: (8, 5 · 40 · 40) uint8."""
    noise = np.random.default_rng(1).normal(0, 0.3, (panels.SHOWN, STEPS, SIDE, SIDE))
    middle = 4 + 8 * np.arange(STEPS)[:, None, None]
    strength = 6 * progress * (1 - ((np.arange(SIDE) - middle) / 5) ** 2) + noise
    masks = 1 / (1 + np.exp(-strength))
    masks[:, 0] = 1
    return (255 * masks).astype(np.uint8).reshape(panels.SHOWN, -1)


def _history(epochs: np.ndarray) -> dict[str, np.ndarray]:
    rise = 1 - np.exp(-epochs / 12)
    shares = ("accuracy", "letters", "place_1", "place_2", "place_3", "place_4", "end", "in_order")
    spreads = {"spread_across": 11.5 - 7 * rise, "spread_down": 11.5 - rise}
    return {"epoch": epochs} | dict.fromkeys(shares, rise) | spreads


def run_info(size: tuple[int, int]) -> RunInfo:
    """Return the run of the synthetic evaluations."""
    test = [{name: column[i] for name, column in TEST.items()} for i in range(panels.SHOWN)]
    return RunInfo("Learning where to look", size, {}, {}, {}, TimeAxis(), 32_000, test)


def reference(frame: FrameData, size: tuple[int, int]) -> bytes:
    """Draw the frame as a new matplotlib figure, an image per step, saved as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100)
    FigureCanvasAgg(page)
    accuracy = frame.history["accuracy"][-1]
    page.text(0.03, 0.94, "Learning where to look", size=24, weight="bold")
    page.text(
        0.6, 0.94, f"epoch {frame.epoch:.1f}   {frame.examples} words   {accuracy:.1%} correct"
    )
    _reference_strips(page, frame.predictions)
    _reference_matrix(page.add_axes((0.74, 0.42, 0.22, 0.4)), frame.predictions)
    places = page.add_axes((0.73, 0.25, 0.24, 0.08), ylim=(0, 1))
    names = [f"place_{position}" for position in range(1, STEPS)] + ["end"]
    places.bar(names, [frame.history[name][-1] for name in names])
    curves = (("accuracy", "letters"), ("spread_across", "spread_down"), ("in_order",))
    for left, names in zip((0.05, 0.4, 0.75), curves, strict=True):
        top = 12 if "spread_down" in names else 1
        axes = page.add_axes((left, 0.07, 0.22, 0.08), xlim=(0, EPOCHS), ylim=(0, top))
        for name in names:
            axes.plot(frame.history["epoch"], frame.history[name], label=name)
        axes.legend()
    buffer = io.BytesIO()
    page.savefig(buffer, format="png")
    return buffer.getvalue()


def _reference_strips(page, table: pa.Table) -> None:
    masks = panels.masks(table, panels.SHOWN)
    read, probability = (panels.steps(table, name) for name in ("prediction", "probability"))
    for number in range(panels.SHOWN * STEPS):
        word, step = divmod(number, STEPS)
        row, column = divmod(word, 2)
        box = (0.03 + 0.34 * column + 0.066 * step, 0.71 - 0.155 * row, 0.0625, 0.111)
        axes = page.add_axes(box)
        axes.axis("off")
        axes.imshow(TEST["image"][word], cmap="gray")
        axes.imshow(masks[word, step], cmap="Greens", alpha=0.5, vmin=0, vmax=255)
        _reference_signs(
            axes, TEST["letters"][word], word, step, read[word, step], probability[word, step]
        )


def _reference_signs(
    axes, truth: np.ndarray, word: int, step: int, read: int, probability: float
) -> None:
    if not counted(truth[None])[0, step]:
        return
    style = {"color": "C0", "weight": "bold"} if read == truth[step] else {"color": "C1"}
    names = ["■" if sign == END else letter(sign) for sign in (truth[step], read)]
    axes.text(0.05, -0.2, names[0], transform=axes.transAxes, color="0.5")
    axes.text(0.35, -0.2, names[1], transform=axes.transAxes, size=16, **style)
    axes.text(0.7, -0.2, f"{probability:.0%}", transform=axes.transAxes)


def _reference_matrix(axes, table: pa.Table) -> None:
    words, read = (panels.steps(table, name) for name in ("letters", "prediction"))
    axes.imshow(panels.shades(panels.reading_rates(words, read)))
    names = [*map(letter, range(END)), "■"]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)


def main() -> None:
    """Time both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--reference", type=int, default=9)
    parser.add_argument("--size", default="1920x1080")
    options = parser.parse_args()
    size = tuple(int(part) for part in options.size.split("x"))
    frames = [frame_data(k) for k in np.linspace(0, SNAPSHOTS - 1, 9).astype(int)]
    strips.looks(TEST["image"][:1], TEST["image"][:1])  # fill the colour table before timing
    race(
        options,
        lambda: Scene(size, figure.panels(run_info(size))),
        lambda frame: reference(frame, size),
        frames,
    )


if __name__ == "__main__":
    main()
