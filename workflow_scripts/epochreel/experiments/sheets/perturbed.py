"""Sheets as from many printers: each page in its own font, shifted, scaled, turned and jittered.

All widths are those of the published pages. A page draws, in this order: its family, style and
weight; its shift, scale and turn; the widths of its four jitters; then the jitter of each text and
each rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from epochreel.drawing import fonts
from epochreel.experiments.sheets import image_sizes, ink, layout

TEXT_SIZE = 12.0
"""Size of the text before its jitter, pt; the names of the months are 1 pt smaller."""

_SCALE, _TURN = 0.03, 3.0
_TEXT_TURN, _TEXT_SIZE, _POSITION, _RULE_WIDTH = 3.0, 1.0, 0.001, 0.25
_SMALLEST_TEXT, _THINNEST_RULE = 4.0, 0.25


@dataclass(frozen=True)
class Look:
    """What a page has for itself.

    `shift` (x, y) px; `scale` (x, y); `turn` degrees clockwise; the widths of the jitters of each
    text's turn (degrees), size (pt) and position (share of the page), and of each rule's width
    (pt).
    """

    font: str
    shift: np.ndarray
    scale: np.ndarray
    turn: float
    text_turn: float
    text_size: float
    position: float
    rule_width: float


def draw_look(rng: np.random.Generator, families: Mapping[str, Sequence[fonts.Face]]) -> Look:
    """The look of a page, in one of the families."""
    faces = families[sorted(families)[rng.integers(len(families))]]
    style, weight = (kinds[rng.integers(3)] for kinds in (fonts.STYLES, fonts.WEIGHTS))
    most = np.array(layout.MAX_SHIFT)
    shift, scale = rng.integers(-most, most + 1), rng.normal(1, _SCALE, 2)
    turn = rng.normal(0, _TURN)
    jitters = np.abs(rng.normal(0, [_TEXT_TURN, _TEXT_SIZE, _POSITION, _RULE_WIDTH]))
    return Look(fonts.nearest(faces, style, weight).path, shift, scale, turn, *jitters)


def draw_page(rng: np.random.Generator, numbers: Sequence[str], look: Look) -> np.ndarray:
    """The page, uint8 (1024, 768), black on white, with its 142 numbers."""
    dark = np.zeros(image_sizes.PAGE[::-1], np.uint8)
    lines, sizes, middles = _lines(numbers, look)
    count = len(lines)
    middles = middles + rng.normal(0, look.position, (count, 2)) * image_sizes.PAGE
    sizes = np.maximum(sizes + rng.normal(0, look.text_size, count), _SMALLEST_TEXT)
    turns = look.turn + rng.normal(0, look.text_turn, count)
    for line, size, middle, turn in zip(lines, sizes * layout.POINT, middles, turns, strict=True):
        ink.turned(dark, line, look.font, size, middle, turn)
    widths = layout.RULE_WIDTH + rng.normal(0, look.rule_width, len(layout.RULES))
    segments = _moved(layout.RULES.reshape(-1, 2), look).reshape(-1, 4)
    for segment, width in zip(segments, np.maximum(widths, _THINNEST_RULE), strict=True):
        ink.rule(dark, segment, width * layout.POINT)
    return 255 - dark


def _lines(numbers: Sequence[str], look: Look) -> tuple[list[str], np.ndarray, np.ndarray]:
    """All texts of the page: words, sizes (N,) in pt, middles (N, 2) in px."""
    lines = [heading.text for heading in layout.HEADINGS] + list(numbers)
    sizes = [TEXT_SIZE + heading.size - layout.TEXT_SIZE for heading in layout.HEADINGS]
    sizes += [TEXT_SIZE] * len(numbers)
    starts = [(heading.x, heading.y) for heading in layout.HEADINGS]
    middles = _moved(np.array(starts + [(x, y) for x, y, _ in layout.numbers()]), look)
    turn = math.radians(look.turn)
    for index, heading in enumerate(layout.HEADINGS):
        if not heading.centred:
            half = ink.width(heading.text, look.font, sizes[index] * layout.POINT) / 2
            middles[index] += half * math.cos(turn), half * math.sin(turn)
    return lines, np.array(sizes), middles


def _moved(points: np.ndarray, look: Look) -> np.ndarray:
    """Points (N, 2) of the plain page where the look has them.

    Scaled from the table's top left corner, shifted, then turned about the page's middle.
    """
    corner, middle = np.array(layout.TABLE[:2]), np.array(image_sizes.PAGE) / 2
    flat = corner + (points - corner) * look.scale + look.shift - middle
    sine, cosine = math.sin(math.radians(look.turn)), math.cos(math.radians(look.turn))
    return middle + flat @ np.array([[cosine, sine], [-sine, cosine]])
