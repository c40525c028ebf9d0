"""Colours of a film, and its themes.

Right and wrong are the blue and the vermilion of Okabe and Ito's colour-blind-safe palette (Color
Universal Design, 2008), lighter on dark paper. Colour is never the only distinction: right is also
solid and bold, wrong also striped, boxed or thin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

Colour = tuple[int, int, int]
LEAST_CONTRAST = 3.0
"""The least contrast of text and marks with their background (WCAG 2.2, for large text)."""


@dataclass(frozen=True)
class Palette:
    """Colours, (red, green, blue) 0 … 255 each.

    paper    the background
    ink      text and curves
    quiet    notes and labels
    hairline lines of axes, tables and frames
    slot     the background of bars and of the sentence
    right    correct predictions; the first metric of a curve
    wrong    wrong predictions
    right_tint, wrong_tint  the backgrounds of correct and wrong predictions
    classes  colours of the first classes: each has a contrast of at least 3 with `paper`
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

    def replaced(self, colours: Mapping[str, str | Sequence[str]]) -> Palette:
        """Return a palette with other colours, written as `#rrggbb`, by name."""
        return replace(
            self,
            **{
                name: from_hex(value)
                if isinstance(value, str)
                else tuple(from_hex(colour) for colour in value)
                for name, value in colours.items()
            },
        )

    def low_contrasts(self) -> Iterator[tuple[str, str, float]]:
        """Yield pairs with too little contrast: mark, background and contrast."""
        marks = {name: getattr(self, name) for name in ("ink", "quiet", "right", "wrong")}
        marks |= {f"classes.{number}": colour for number, colour in enumerate(self.classes)}
        pairs = [(name, "paper") for name in marks]
        pairs += [("ink", ground) for ground in ("slot", "right_tint", "wrong_tint")]
        for mark, ground in pairs:
            ratio = contrast(marks[mark], getattr(self, ground))
            if ratio < LEAST_CONTRAST:
                yield mark, ground, ratio


def from_hex(text: str) -> Colour:
    """Return the colour that is written as `#rrggbb`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, 1 … 21 (WCAG 2.2)."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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

    def with_colours(self, colours: Mapping[str, str | Sequence[str]]) -> Theme:
        """Return the theme with other colours; see `Palette.replaced`."""
        return replace(self, palette=self.palette.replaced(colours))


THEMES = {
    "light": Theme(LIGHT),
    "dark": Theme(DARK),
    "projector": Theme(LIGHT, units=830.0, is_brief=True),
}
