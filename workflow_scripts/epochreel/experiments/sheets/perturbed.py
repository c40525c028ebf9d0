"""Sheets as if from many printers: each page has its own font, shift, scale, rotation and jitter.

All ranges are those of the published pages. A page draws its random numbers in this order: its
family, style and weight; its shift, scale and rotation; the widths of its four jitters; then the
jitter of each text and each rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from epochreel.drawing import fonts
from epochreel.experiments.sheets import image_sizes, ink, layout

TEXT_SIZE = 12.0
"""Text size before jitter, pt; month names are 1 pt smaller."""

_SCALE, _TURN = 0.03, 3.0
_TEXT_TURN, _TEXT_SIZE, _POSITION, _RULE_WIDTH = 3.0, 1.0, 0.001, 0.25
_SMALLEST_TEXT, _THINNEST_RULE = 4.0, 0.25


@dataclass(frozen=True)
class Style:
    """Style of a page.

    `shift` (x, y) px; `scale` (x, y); `turn` degrees clockwise; and the standard deviations of the
    jitters: of each text's rotation (degrees), size (pt) and position (share of the page), and of
    each rule's width (pt).
    """

    font: str
    shift: np.ndarray
    scale: np.ndarray
    turn: float
    text_turn: float
    text_size: float
    position: float
    rule_width: float


def draw_style(rng: np.random.Generator, families: Mapping[str, Sequence[fonts.Face]]) -> Style:
    """Draw a random style in one of the families."""
    faces = families[sorted(families)[rng.integers(len(families))]]
    font_style, font_weight = (
        options[rng.integers(3)] for options in (fonts.STYLES, fonts.WEIGHTS)
    )
    most = np.array(layout.MAX_SHIFT)
    shift, scale = rng.integers(-most, most + 1), rng.normal(1, _SCALE, 2)
    turn = rng.normal(0, _TURN)
    jitters = np.abs(rng.normal(0, [_TEXT_TURN, _TEXT_SIZE, _POSITION, _RULE_WIDTH]))
    return Style(fonts.nearest(faces, font_style, font_weight).path, shift, scale, turn, *jitters)


def draw_page(rng: np.random.Generator, numbers: Sequence[str], style: Style) -> np.ndarray:
    """Draw the page with its 142 numbers: uint8 (1024, 768), black on white."""
    dark = np.zeros(image_sizes.PAGE[::-1], np.uint8)
    lines, sizes, middles = _lines(numbers, style)
    count = len(lines)
    middles = middles + rng.normal(0, style.position, (count, 2)) * image_sizes.PAGE
    sizes = np.maximum(sizes + rng.normal(0, style.text_size, count), _SMALLEST_TEXT)
    turns = style.turn + rng.normal(0, style.text_turn, count)
    for line, size, middle, turn in zip(lines, sizes * layout.POINT, middles, turns, strict=True):
        ink.turned(dark, line, style.font, size, middle, turn)
    widths = layout.RULE_WIDTH + rng.normal(0, style.rule_width, len(layout.RULES))
    segments = _moved(layout.RULES.reshape(-1, 2), style).reshape(-1, 4)
    for segment, width in zip(segments, np.maximum(widths, _THINNEST_RULE), strict=True):
        ink.rule(dark, segment, width * layout.POINT)
    return 255 - dark


def _lines(numbers: Sequence[str], style: Style) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return all texts of the page, their sizes (N,) in pt and their middles (N, 2) in px."""
    lines = [heading.text for heading in layout.HEADINGS] + list(numbers)
    sizes = [TEXT_SIZE + heading.size - layout.TEXT_SIZE for heading in layout.HEADINGS]
    sizes += [TEXT_SIZE] * len(numbers)
    starts = [(heading.x, heading.y) for heading in layout.HEADINGS]
    middles = _moved(np.array(starts + [(x, y) for x, y, _ in layout.numbers()]), style)
    turn = math.radians(style.turn)
    for index, heading in enumerate(layout.HEADINGS):
        if not heading.centred:
            half = ink.width(heading.text, style.font, sizes[index] * layout.POINT) / 2
            middles[index] += half * math.cos(turn), half * math.sin(turn)
    return lines, np.array(sizes), middles


def _moved(points: np.ndarray, style: Style) -> np.ndarray:
    """Map points (N, 2) of the plain page to this page.

    They are scaled from the table's top left corner, shifted, then rotated about the page's middle.
    """
    corner, middle = np.array(layout.TABLE[:2]), np.array(image_sizes.PAGE) / 2
    flat = corner + (points - corner) * style.scale + style.shift - middle
    sine, cosine = math.sin(math.radians(style.turn)), math.cos(math.radians(style.turn))
    return middle + flat @ np.array([[cosine, sine], [-sine, cosine]])
