"""Fonts: those that come with the pinned packages, and a person's own folder of them.

matplotlib carries font files; they are found without importing it. Families are grouped as a
reader sees them (an upright, a slanted, a bold face), from the names in the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from epochreel.core.bundled_fonts import bundled_folder
from epochreel.core.errors import UserError
from epochreel.core.files import walk_files

STYLES = ("upright", "italic", "oblique")
WEIGHTS = ("light", "normal", "bold")

# Computer Modern calls every one of its faces "Regular" and a family of its own.
_COMPUTER_MODERN = {
    "cmr10": ("Computer Modern Roman", "upright", "normal"),
    "cmti10": ("Computer Modern Roman", "italic", "normal"),
    "cmb10": ("Computer Modern Roman", "upright", "bold"),
    "cmss10": ("Computer Modern Sans", "upright", "normal"),
    "cmtt10": ("Computer Modern Typewriter", "upright", "normal"),
}
# These keep mathematical signs, or old-style figures, under the codes of digits and letters.
_SIGNS = ("cmex10", "cmmi10", "cmsy10")
_LIGHT_WORDS = ("thin", "light", "hairline")
_BOLD_WORDS = ("bold", "black", "heavy", "bol")
_ABSENT = "\U0010fffe"  # a noncharacter of Unicode: fonts draw their sign for missing characters
_PROBE_SIZE = 24  # px


@dataclass(frozen=True)
class Face:
    """One font file: its family's name, its style (of `STYLES`), its weight (of `WEIGHTS`)."""

    family: str
    style: str
    weight: str
    path: str


def families(text: str, folder: str | Path | None = None) -> dict[str, tuple[Face, ...]]:
    """The families whose faces can all write the characters of `text`, by name, sorted.

    `folder` is searched for .ttf and .otf files, its subfolders too; None means matplotlib's
    fonts. Faces that lack a character, or draw two digits alike, are left out. `UserError` where
    the folder cannot be read, holds a file that is no font, or leaves no face.
    """
    return dict(_families("".join(sorted(set(text) - {" "})), str(folder or bundled_folder())))


def nearest(faces: Sequence[Face], style: str, weight: str) -> Face:
    """The face that comes closest: slant counts most, then weight, then italic or oblique."""

    def distance(face: Face) -> tuple:
        slant = (face.style == "upright") != (style == "upright")
        steps = abs(WEIGHTS.index(face.weight) - WEIGHTS.index(weight))
        return slant, steps, face.style != style, Path(face.path).name

    return min(faces, key=distance)


@lru_cache(8)
def _families(text: str, folder: str) -> Mapping[str, tuple[Face, ...]]:
    groups: dict[str, list[Face]] = {}
    for path in _font_files(Path(folder)):
        font = _open(path)
        if font.getname()[0] not in _SIGNS and _can_write(font, text):
            face = _face(font, path)
            groups.setdefault(face.family, []).append(face)
    if not groups:
        raise UserError(
            f"no font in {folder} has all of the characters {text}: "
            "add a .ttf or .otf file that has them"
        )
    return {name: tuple(groups[name]) for name in sorted(groups)}


def _font_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"the folder of fonts {folder} is not there: create it or name another")
    try:
        files = [path for path in walk_files(folder) if path.suffix.lower() in (".ttf", ".otf")]
    except OSError as error:
        raise UserError(f"the folder of fonts {folder} cannot be read: {error.strerror}") from error
    if not files:
        raise UserError(f"the folder of fonts {folder} holds no .ttf or .otf file: add some")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def _open(path: Path) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(str(path), _PROBE_SIZE, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise UserError(f"{path} cannot be read as a font ({error}): remove it") from error


def _can_write(font: ImageFont.FreeTypeFont, text: str) -> bool:
    """Whether the font draws each character with a shape of its own.

    Fonts draw a common sign in place of what they lack; a font of placeholders draws nothing else.
    """
    absent = bytes(font.getmask(_ABSENT))
    shapes = {letter: bytes(font.getmask(letter)) for letter in text}
    digits = [shape for letter, shape in shapes.items() if letter.isdigit()]
    present = all(shape.strip(b"\0") and shape != absent for shape in shapes.values())
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
