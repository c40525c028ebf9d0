"""Errors that a user can act on, and functions that format their messages."""

from __future__ import annotations

import errno
import traceback
from typing import Any, NoReturn

USER_PACKAGE_PREFIX = "epochreel_experiment_"
"""The prefix of the package names under which user-defined experiments are loaded."""


class UserError(Exception):
    """One line: what is wrong, where, and how to fix it. Printed without a traceback."""


def printable(text: str) -> str:
    """Replace characters that a terminal cannot show, or might interpret, with `?`."""
    return "".join(character if character.isprintable() else "?" for character in text)


def single_line(text: str) -> str:
    """Collapse white space to single spaces and make the text printable."""
    return printable(" ".join(text.split()))


def shown(value: Any, max_length: int = 60) -> str:
    """Quote a value in an error: printable, at most `max_length` characters."""
    text = printable("nothing" if value is None else repr(value))
    return text if len(text) <= max_length else text[: max_length - 3] + "..."


def raise_wrong_result(source: str, result: Any, expected: str) -> NoReturn:
    """Raise `UserError`: `source`, a file and its function, returns `result`, not `expected`."""
    shape = getattr(result, "shape", None)
    found = f"{type(result).__name__} of shape {tuple(shape)}" if shape else shown(result)
    raise UserError(f"{source} returns {found}; expected {expected}")


def first_line(error: Exception) -> str:
    """Return the first line of another library's error message."""
    return (getattr(error, "strerror", None) or str(error)).partition("\n")[0]


def describe_error(error: BaseException, max_length: int = 300) -> str:
    """Return the type and message of an error in one line of at most `max_length` characters."""
    text = single_line(f"{type(error).__name__}: {error!s}").removesuffix(":")
    return text if len(text) <= max_length else text[: max_length - 3] + "..."


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the machine or the GPU ran out of memory.

    Libraries report it with different types and messages.
    """
    messages = ("can't allocate memory", "out of memory", "can't start new thread")
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, RuntimeError) and any(text in str(error) for text in messages))
    )


def describe_experiment_error(error: BaseException) -> str | None:
    """Describe an error raised in a user's experiment, with its file and line.

    Returns None if no code of a user's experiment was running.
    """
    frames = traceback.walk_tb(error.__traceback__)
    in_experiment = [
        frame
        for frame in frames
        if str(frame[0].f_globals.get("__name__")).startswith(USER_PACKAGE_PREFIX)
    ]
    if not in_experiment:
        return None
    frame, line = in_experiment[-1]
    return f"{frame.f_code.co_filename}, line {line}: {describe_error(error)}"
