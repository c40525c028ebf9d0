"""Errors that a person can act on."""

from __future__ import annotations

from typing import Any


class UserError(Exception):
    """One line: what is wrong, where, and what to do. Shown without a traceback."""


def shown(value: Any, most: int = 60) -> str:
    """What a person wrote, for such a line: printable, at most `most` characters."""
    try:
        text = "nothing" if value is None else repr(value)
    except ValueError:  # Python spells no whole number of more than 4300 digits.
        text = "a number of very many digits"
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= most else text[: most - 3] + "..."


def first_line(error: Exception) -> str:
    """The reason that another library gave, for such a line."""
    return (getattr(error, "strerror", None) or str(error)).partition("\n")[0]
