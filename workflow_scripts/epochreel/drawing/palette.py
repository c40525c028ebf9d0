"""Colours of a film, and its themes.

Right and wrong are the blue and the vermilion of Okabe and Ito's colour-blind-safe palette (Color
Universal Design, 2008), lighter on dark paper. Colour is never the only distinction: right is also
solid and bold, wrong also striped, boxed or thin.
"""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """Colours, (red, green, blue) 0 … 255 each.

    paper    the background
    ink      text and curves
    quiet    notes and labels
    hairline lines of axes, tables and frames
    slot     the ground of bars and of the sentence
    right    correct predictions; the first metric of a curve
    wrong    wrong predictions
    right_tint, wrong_tint  the ground of correct and of wrong predictions
    classes  colours of the first classes: each has a contrast of at least 3 to `paper`
    """

    paper: Colour
    ink: Colour
    quiet: Colour
    hairline: Colour
    slot: Colour
    right: Colour
    wrong: Colour
    right_tint: Colour
    wrong_tint: Colour
    classes: tuple[Colour, ...]


LIGHT = Palette(
    paper=(253, 253, 251),
    ink=(33, 37, 43),
    quiet=(104, 110, 118),
    hairline=(208, 211, 213),
    slot=(236, 238, 239),
    right=(0, 100, 166),
    wrong=(213, 94, 0),
    right_tint=(217, 232, 243),
    wrong_tint=(252, 228, 211),
    classes=(
        (0, 92, 175),
        (196, 84, 0),
        (18, 122, 62),
        (128, 58, 160),
        (190, 24, 44),
        (0, 126, 138),
        (118, 74, 34),
        (206, 58, 132),
        (112, 114, 0),
        (74, 84, 106),
    ),
)
DARK = Palette(
    paper=(20, 23, 28),
    ink=(238, 240, 242),
    quiet=(164, 171, 179),
    hairline=(70, 76, 84),
    slot=(43, 48, 55),
    right=(86, 180, 233),
    wrong=(245, 145, 70),
    right_tint=(26, 54, 76),
    wrong_tint=(84, 48, 22),
    classes=(
        (92, 166, 245),
        (240, 140, 60),
        (84, 190, 122),
        (192, 132, 224),
        (240, 100, 112),
        (56, 190, 200),
        (196, 148, 104),
        (240, 128, 184),
        (180, 182, 60),
        (150, 164, 190),
    ),
)


@dataclass(frozen=True)
class Theme:
    """The look of a film.

    `units` is the length of the short side of a frame in units of the layout: with fewer, all text
    and all marks are larger. A brief theme leaves out cells that are not essential.
    """

    palette: Palette
    units: float = 1080.0
    is_brief: bool = False


THEMES = {
    "light": Theme(LIGHT),
    "dark": Theme(DARK),
    "projector": Theme(LIGHT, units=830.0, is_brief=True),
}
