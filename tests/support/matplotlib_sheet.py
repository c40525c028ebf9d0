"""A sheet drawn with matplotlib, one artist per text: the reference for Epochreel's pages."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from epochreel.experiments.sheets import image_sizes, layout

WIDTH, HEIGHT = image_sizes.PAGE


def figure(numbers: list[str]) -> Figure:
    """Return the page with its 142 numbers, as a new figure with a canvas."""
    page = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor="white")
    FigureCanvasAgg(page)
    for x0, y0, x1, y1 in layout.RULES:
        ends = [x0 / WIDTH, x1 / WIDTH], [1 - y0 / HEIGHT, 1 - y1 / HEIGHT]
        page.add_artist(Line2D(*ends, linewidth=layout.RULE_WIDTH, color="black"))
    for word in layout.HEADINGS:
        write(page, word.text, word.x, word.y, word.size, "center" if word.centred else "left")
    for text, (x, y, _) in zip(numbers, layout.numbers(), strict=True):
        write(page, text, x, y, layout.TEXT_SIZE, "center")
    return page


def write(page: Figure, text: str, x: float, y: float, size: float, side: str) -> None:
    """Write one text around (x, y), px from the top left."""
    font = {"fontsize": size, "family": "DejaVu Sans"}
    page.text(x / WIDTH, 1 - y / HEIGHT, text, ha=side, va="center", **font)


def pixels(numbers: list[str]) -> np.ndarray:
    """Return the page's pixels, uint8 (1024, 768) grey."""
    page = figure(numbers)
    page.canvas.draw()
    return np.asarray(page.canvas.buffer_rgba())[..., 0]


def png(numbers: list[str]) -> bytes:
    """Return the page as PNG."""
    data = io.BytesIO()
    figure(numbers).savefig(data, format="png")
    return data.getvalue()
