"""Batches of noisy words per second on one core, compared with a plain script and a lower bound.

    python benchmarks/words_per_second.py

All draw batches of 32 examples in this process on one thread; times are CPU time. The reference
draws one example after the other, as a plain script does: Pillow writes the word, and numpy adds
Gaussian noise. The limit is the least work of any lookup of noise: one pass over the 32 × 1600
pixels that reads a random table entry for each, and one that writes bytes. "hash and pass" adds the
hash that selects the entries.
"""

import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER / "workflow_scripts"))

import numpy as np
import table
import torch
from PIL import Image, ImageDraw, ImageFont

from epochreel.core import bundled_fonts
from epochreel.experiments.words import counter_rng, data

ROUNDS, TIMES, BATCH, SIDE = 7, 50, 32, 40
PIXELS = BATCH * SIDE * SIDE


def main() -> None:
    """Measure and print the table."""
    torch.set_num_threads(1)
    font = ImageFont.truetype(str(bundled_fonts.bundled("DejaVuSans.ttf")), 9)
    levels = np.random.default_rng(0).normal(0, 25.5, 2**16).astype(np.int16)
    entries = np.random.default_rng(1).integers(0, 2**16, PIXELS)
    seconds = best(
        {
            "Pillow and numpy's noise": lambda number: plain(number, font),
            "Epochreel": lambda number: draw_batch(number),
            "Epochreel, tensors": lambda number: draw_batch(number, kind=torch.from_numpy),
            "Epochreel, generated background": lambda number: draw_batch(
                number, background="generated"
            ),
            "hash and pass": lambda number: one_pass(levels, hashed(number)),
            "pass (limit)": lambda _: one_pass(levels, entries),
        }
    )
    reference, limit = seconds["Pillow and numpy's noise"], seconds["pass (limit)"]
    table.show(
        {"": "", "ms per batch": ".3f", "examples/s": ".0f", "x plain": ".1f", "x limit": ".1f"},
        [(name, s * 1e3, BATCH / s, reference / s, s / limit) for name, s in seconds.items()],
    )


def best(tasks: dict[str, Callable[[int], object]]) -> dict[str, float]:
    """Return the least CPU seconds per call of each task; the tasks alternate."""
    least = dict.fromkeys(tasks, float("inf"))
    numbers = count()
    for task in tasks.values():
        task(next(numbers))
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            start = time.process_time()
            for _ in range(TIMES):
                task(next(numbers))
            least[name] = min(least[name], (time.process_time() - start) / TIMES)
    return least


def draw_batch(number: int, kind: Callable = np.asarray, background: str = "none") -> dict:
    """Draw one of Epochreel's batches, of numpy arrays or of tensors."""
    settings = {"noise": 0.1, "background": background, "background_strength": 96}
    indices = kind(np.arange(number * BATCH, (number + 1) * BATCH))
    return data.draw(settings, 1, "train", indices)


def plain(number: int, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """Draw a batch as a plain script does."""
    rng = np.random.default_rng(number)
    return np.stack([plain_example(rng, font) for _ in range(BATCH)])


def plain_example(rng: np.random.Generator, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """Draw one example as a plain script does."""
    word = "".join(chr(65 + letter) for letter in rng.integers(0, 26, rng.integers(1, 5)))
    left, top, right, bottom = font.getbbox(word)
    x = rng.integers(1, SIDE - (right - left)) - left
    y = rng.integers(1, SIDE - (bottom - top)) - top
    image = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(image).text((x, y), word, 128, font)
    noisy = np.asarray(image) + rng.normal(0, 25.5, (SIDE, SIDE))
    return noisy.round().clip(0, 255).astype(np.uint8)


def hashed(number: int) -> np.ndarray:
    """Return the table entry, of 2¹⁶, of each pixel of a batch."""
    states = counter_rng.examples(number, "train", np.arange(BATCH))
    lanes = counter_rng.numbers(states, 0, PIXELS // BATCH // 4)
    return lanes[:, None] >> np.arange(0, 64, 16)[:, None] & 0xFFFF


def one_pass(levels: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Return table entries as bytes."""
    return levels.take(entries).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
