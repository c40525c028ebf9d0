"""A user's palette file: colours that replace those of a theme."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from epochreel.config import yaml_file
from epochreel.core.errors import UserError, shown
from epochreel.core.user_files import joined
from epochreel.drawing.palette import LEAST_CONTRAST, THEMES, Palette

Colours = dict[str, str | list[str]]
_LIST = "classes"
_EXPECTED = "a colour in quotes, such as '#0064a6'"


def read(path: Path, theme: str) -> Colours:
    """Return the colours in a palette file that differ from the theme, as `#rrggbb`, by name.

    Raises `UserError` with all errors in one line: an unknown name, an invalid colour, too few
    colours of classes, or too little contrast between a mark and its background.
    """
    values, base = yaml_file.load_file(path), THEMES[theme].palette
    faults = [fault for name, value in values.items() for fault in _faults(name, value, base)]
    if not faults:
        colours = {
            name: value.lower() if isinstance(value, str) else [part.lower() for part in value]
            for name, value in values.items()
        }
        pairs = base.replaced(colours).low_contrasts()
        if low := [f"{mark} on {ground} {ratio:.1f}" for mark, ground, ratio in pairs]:
            faults = [
                f"too little contrast: {joined(low, ', ')}; expected at least {LEAST_CONTRAST:g}: "
                "change one of the two (colours that are not in the file are those of the theme "
                f"'{theme}')"
            ]
    if faults:
        raise UserError(f"{path}: {joined(faults)}")
    # Colours equal to those of the theme change nothing.
    return {name: value for name, value in colours.items() if base.replaced({name: value}) != base}


def _faults(name: Any, value: Any, base: Palette) -> list[str]:
    names = [field.name for field in fields(Palette)]
    if name not in names:
        return [f"unknown colour {shown(name)}; expected one of {', '.join(names)}"]
    if name != _LIST:
        return [] if _is_colour(value) else [f"{name} is {shown(value)}; expected {_EXPECTED}"]
    least = len(base.classes)
    if not isinstance(value, list) or len(value) < least:
        found = f"has {len(value)} colours" if isinstance(value, list) else f"is {shown(value)}"
        return [f"{name} {found}; expected a list of at least {least} colours"]
    return [
        f"{name}.{number} is {shown(part)}; expected {_EXPECTED}"
        for number, part in enumerate(value)
        if not _is_colour(part)
    ]


def _is_colour(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value) is not None
