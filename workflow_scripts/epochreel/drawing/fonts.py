"""Fonts bundled with matplotlib or in a user's folder.

matplotlib's font files are found without importing it. Faces are grouped into families (upright,
italic or oblique; light, normal or bold) by the names in the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from epochreel.core.bundled_fonts import bundled_folder
from epochreel.core.errors import UserError
from epochreel.core.user_files import FONTS, check_all, listed

STYLES = ("upright", "italic", "oblique")
WEIGHTS = ("light", "normal", "bold")

# Each Computer Modern font claims to be the "Regular" face of a separate family.
_COMPUTER_MODERN = {
    "cmr10": ("Computer Modern Roman", "upright", "normal"),
    "cmti10": ("Computer Modern Roman", "italic", "normal"),
    "cmb10": ("Computer Modern Roman", "upright", "bold"),
    "cmss10": ("Computer Modern Sans", "upright", "normal"),
    "cmtt10": ("Computer Modern Typewriter", "upright", "normal"),
}
# These have mathematical symbols or old-style digits at the codes of digits and letters.
_SYMBOL_FONTS = ("cmex10", "cmmi10", "cmsy10")
_LIGHT_WORDS = ("thin", "light", "hairline")
_BOLD_WORDS = ("bold", "black", "heavy", "bol")
_MISSING = "\U0010fffe"  # a Unicode noncharacter, for which fonts draw their missing-glyph symbol
_PROBE_SIZE = 24  # px


@dataclass(frozen=True)
class Face:
    """One font file: family name, style (one of `STYLES`) and weight (one of `WEIGHTS`)."""

    family: str
    style: str
    weight: str
    path: str


def families(text: str, folder: str | Path | None = None) -> dict[str, tuple[Face, ...]]:
    """Return the families whose faces have all characters of `text`, sorted by name.

    Searches `folder` and its subfolders for .ttf and .otf files; None means matplotlib's fonts.
    Leaves out faces that lack a character or draw two digits identically. Raises `UserError` if the
    folder cannot be read, has a file that is not a font, or has no suitable face.
    """
    paths = listed(folder or bundled_folder(), FONTS, "font folder").checked()
    return families_of(text, paths)


def families_of(text: str, paths: Sequence[Path]) -> dict[str, tuple[Face, ...]]:
    """Return the families of the font files at `paths`; see `families`."""
    return dict(_families("".join(sorted(set(text) - {" "})), tuple(paths)))


def nearest(faces: Sequence[Face], style: str, weight: str) -> Face:
    """Return the closest face by slant, then by weight, then by italic or oblique."""

    def distance(face: Face) -> tuple:
        slant = (face.style == "upright") != (style == "upright")
        steps = abs(WEIGHTS.index(face.weight) - WEIGHTS.index(weight))
        return slant, steps, face.style != style, Path(face.path).name

    return min(faces, key=distance)


@lru_cache(8)
def _families(text: str, paths: tuple[Path, ...]) -> Mapping[str, tuple[Face, ...]]:
    groups: dict[str, list[Face]] = {}
    check_all(paths, _open)  # One error names all files that are not fonts.
    for path in paths:
        font = _open(path)
        if font.getname()[0] not in _SYMBOL_FONTS and _has_characters(font, text):
            face = _face(font, path)
            groups.setdefault(face.family, []).append(face)
    if not groups:
        raise UserError(
            f"no font in {paths[0].parent} has all characters of {text}: "
            "add a .ttf or .otf file that has them"
        )
    return {name: tuple(groups[name]) for name in sorted(groups)}


def _open(path: Path) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(str(path), _PROBE_SIZE, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise UserError(f"{path} cannot be read as a font ({error}): remove it") from error


def _has_characters(font: ImageFont.FreeTypeFont, text: str) -> bool:
    """Return whether the font has a distinct shape for each character.

    Fonts draw a common symbol for characters that they lack; a placeholder font draws only that.
    """
    missing = bytes(font.getmask(_MISSING))
    shapes = {letter: bytes(font.getmask(letter)) for letter in text}
    digits = [shape for letter, shape in shapes.items() if letter.isdigit()]
    present = all(shape.strip(b"\0") and shape != missing for shape in shapes.values())
    return present and len(set(digits)) == len(digits)


def _face(font: ImageFont.FreeTypeFont, path: Path) -> Face:
    family, style_name = (name or "" for name in font.getname())
    if family in _COMPUTER_MODERN:
        return Face(*_COMPUTER_MODERN[family], str(path))
    words = style_name.lower()
    style = "oblique" if "obliq" in words else "italic" if "ital" in words else "upright"
    light = any(word in words for word in _LIGHT_WORDS)
    bold = any(word in words for word in _BOLD_WORDS)
    return Face(family, style, "light" if light else "bold" if bold else "normal", str(path))
