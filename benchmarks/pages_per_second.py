"""Pages of `sheets` per second on one core, PNG included, compared with matplotlib.

    python benchmarks/pages_per_second.py

Both draw the same plain pages in this process on one thread; times are CPU time. The reference
creates a new figure per page, with one artist per number, heading and rule. "copy and encode" is
the lower bound: a copy of a finished page and its PNG.
"""

import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(FOLDER / "workflow_scripts"), str(FOLDER / "tests/support")]

import matplotlib_sheet
import numpy as np
import table

from epochreel.experiments.sheets import data
from epochreel.formats import png

ROUNDS = 5


def main() -> None:
    """Measure and print the table."""
    pages = [example["image"] for example in examples("plain", 0, 20)]
    seconds = best(
        {
            "matplotlib, plain": (matplotlib_page, 4),
            "Epochreel, plain": (lambda index: draw("plain", index), 100),
            "Epochreel, shifted": (lambda index: draw("shifted", index), 100),
            "Epochreel, perturbed": (lambda index: draw("perturbed", index), 20),
            "Epochreel, cells": (lambda index: draw("cells", index), 100),
            "drawing alone, plain": (lambda index: examples("plain", index), 100),
            "copy and encode": (lambda index: png.encode(pages[index % 20].copy()), 100),
            "copy": (lambda index: pages[index % 20].copy(), 100),
        }
    )
    reference, limit = seconds["matplotlib, plain"], seconds["copy and encode"]
    table.show(
        {"": "", "ms per page": ".3f", "pages/s": ".0f", "x matplotlib": ".1f", "x limit": ".2f"},
        [(name, s * 1e3, 1 / s, reference / s, s / limit) for name, s in seconds.items()],
    )


def best(tasks: dict[str, tuple[Callable[[int], object], int]]) -> dict[str, float]:
    """Return the least CPU seconds per call of each task; the tasks alternate."""
    least = dict.fromkeys(tasks, float("inf"))
    numbers = count()
    for task, _ in tasks.values():
        task(next(numbers))
    for _ in range(ROUNDS):
        for name, (task, repeats) in tasks.items():
            start = time.process_time()
            for _ in range(repeats):
                task(next(numbers))
            least[name] = min(least[name], (time.process_time() - start) / repeats)
    return least


def examples(variant: str, index: int, pages: int = 1) -> list[dict[str, np.ndarray]]:
    """Return some of Epochreel's examples."""
    settings = {"variant": variant, "fonts": None}
    return list(data.generate(settings, 0, "train", range(index, index + pages)))


def draw(variant: str, index: int) -> bytes:
    """Return one of Epochreel's pages as PNG."""
    return png.encode(examples(variant, index)[0]["image"])


def matplotlib_page(index: int) -> bytes:
    """Return the same page as PNG, drawn by matplotlib."""
    return matplotlib_sheet.png(data.draw_sheet(np.random.default_rng([0, 0, index])).texts())


if __name__ == "__main__":
    main()
