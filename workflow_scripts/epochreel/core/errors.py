"""Errors that a person can act on."""

from __future__ import annotations

import errno
import traceback
from typing import Any, NoReturn

OWN_PACKAGE = "epochreel_experiment_"
"""How the names begin that experiments of one's own are loaded under."""


class UserError(Exception):
    """One line: what is wrong, where, and what to do. Shown without a traceback."""


def printable(text: str) -> str:
    """`text` with `?` for each character that a terminal might act on, or cannot show."""
    return "".join(character if character.isprintable() else "?" for character in text)


def in_one_line(text: str) -> str:
    """`text` for such a line: printable, and with one space for any white space."""
    return printable(" ".join(text.split()))


def shown(value: Any, most: int = 60) -> str:
    """What a person wrote, for such a line: printable, at most `most` characters."""
    text = printable("nothing" if value is None else repr(value))
    return text if len(text) <= most else text[: most - 3] + "..."


def raise_wrong_result(source: str, given: Any, wanted: str) -> NoReturn:
    """Raise `UserError`: `source`, a file and its function, returns `given` instead of `wanted`."""
    shape = getattr(given, "shape", None)
    what = f"{type(given).__name__} of shape {tuple(shape)}" if shape else shown(given)
    raise UserError(f"{source} returns {what}; it returns {wanted}")


def first_line(error: Exception) -> str:
    """The reason that another library gave, for such a line."""
    return (getattr(error, "strerror", None) or str(error)).partition("\n")[0]


def kind_and_words(error: BaseException, most: int = 300) -> str:
    """An error's kind and what it says, for such a line, at most `most` characters."""
    text = in_one_line(f"{type(error).__name__}: {error!s}").removesuffix(":")
    return text if len(text) <= most else text[: most - 3] + "..."


def is_want_of_memory(error: BaseException) -> bool:
    """Whether the machine or the GPU had no memory left; each library says so in its own way."""
    words = ("can't allocate memory", "out of memory", "can't start new thread")
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, RuntimeError) and any(word in str(error) for word in words))
    )


def raised_by_own(error: BaseException) -> str | None:
    """What an experiment of one's own raised, and its file and line; None where it did not."""
    frames = traceback.walk_tb(error.__traceback__)
    own = [
        frame for frame in frames if str(frame[0].f_globals.get("__name__")).startswith(OWN_PACKAGE)
    ]
    if not own:
        return None
    frame, line = own[-1]
    return f"{frame.f_code.co_filename}, line {line}: {kind_and_words(error)}"
