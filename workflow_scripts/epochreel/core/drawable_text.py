"""Text that frames can show: characters of both DejaVu Sans fonts, drawn one after another.

Characters are neither reordered nor joined. That would require Raqm, which loads the system's
FriBiDi: frames would then depend on the machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import bidirectional, category, name, normalize

from epochreel.core.bundled_fonts import bundled
from epochreel.core.errors import UserError, shown

FONTS = {
    "regular": "DejaVuSans.ttf",
    "bold": "DejaVuSans-Bold.ttf",
    "mono": "DejaVuSansMono.ttf",
}
"""The font file of each weight of text."""
EXPECTED = (
    "characters of the font DejaVu Sans that are written from left to right, and no emoji, "
    "combining marks or control characters"
)
# Common characters, which are in normal form and in all fonts: most texts load no font.
_PLAIN = re.compile("[ -~\xa0-¬®-ſ–—‘’“”…→■]*")
_FIRST_EMOJI = "\U0001f300"  # The fonts have outlines of some, for which viewers expect colour.
_MOST_SHOWN = 5


def drawable(text: str) -> str:
    """Return `text` in normal form C, as it is drawn. Raises `UserError` if it cannot be drawn."""
    return text if _PLAIN.fullmatch(text) else _checked(text)


@lru_cache(1024)
def _checked(text: str) -> str:
    if problem := undrawable(text):
        raise UserError(f"the text {shown(text)} in the figure {problem}")
    return normalize("NFC", text)


def undrawable(*texts: str) -> str:
    """Say which characters of `texts` cannot be drawn, and what can be; empty if all can be."""
    special = [normalize("NFC", text) for text in texts if not _PLAIN.fullmatch(text)]
    found = [
        f"{shown(letter)} (U+{ord(letter):04X} {name(letter, '')}".rstrip() + ")"
        for letter in dict.fromkeys("".join(special))
        if not _is_drawn(letter)
    ]
    if len(found) > _MOST_SHOWN:
        found[_MOST_SHOWN:] = [f"{len(found) - _MOST_SHOWN} more"]
    return f"contains {', '.join(found)}; expected {EXPECTED}" if found else ""


def _is_drawn(letter: str) -> bool:
    if _PLAIN.fullmatch(letter):
        return True
    # Marks (M), control and private characters (C), line breaks; right-to-left letters.
    kind, direction = category(letter), bidirectional(letter)
    if kind[0] in "MC" or kind in ("Zl", "Zp") or direction in ("R", "AL"):
        return False
    return letter < _FIRST_EMOJI and all(has_letter(w, letter) for w in ("regular", "bold"))


def has_letter(weight: str, letter: str) -> bool:
    """Return whether the font of a weight of text has a letter."""
    return bool(_PLAIN.fullmatch(letter)) or ord(letter) in _characters(weight)


@lru_cache(3)
def _characters(weight: str) -> frozenset[int]:
    """Return the code points that a font has."""
    from fontTools.ttLib import TTFont  # Imported here, since most texts need no font.

    with TTFont(bundled(FONTS[weight]), lazy=True) as font:
        return frozenset(font.getBestCmap())
