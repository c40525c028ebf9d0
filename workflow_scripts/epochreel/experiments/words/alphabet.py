"""Words as rows of signs: 0…25 are the letters A to Z, 26 is the end symbol.

Only the signs up to and including a word's first end symbol count in training and in scores. A word
of five letters has no end symbol; all five letters count.
"""

from __future__ import annotations

from string import ascii_uppercase

import numpy as np

SIDE = 40
"""Width and height of an image and of a mask, px."""
STEPS = 5
"""Number of steps per image; each reads one sign."""
END = 26
"""The end symbol."""
SIGNS = END + 1
"""Number of signs."""
SYMBOLS = (*ascii_uppercase, "end")
"""Names of all symbols, in order."""
MEAN, SPREAD = 20, 50
"""Approximate mean and standard deviation of the published images' grey levels."""
LONGEST = STEPS - 1
"""Length of the longest word that has an end symbol."""


def lengths(words: np.ndarray) -> np.ndarray:
    """Return the number of letters before the first end symbol of words (n, 5): (n,), 0 … 5."""
    return (np.cumsum(words == END, axis=1) == 0).sum(1)


def counted(words: np.ndarray) -> np.ndarray:
    """Return which signs of words (n, 5) count: (n, 5) bool."""
    return np.arange(STEPS) <= lengths(words)[:, None]


def spelled(words: np.ndarray) -> np.ndarray:
    """Return which signs of words (n, 5) are letters of the word: (n, 5) bool."""
    return np.arange(STEPS) < lengths(words)[:, None]


def text(word: np.ndarray) -> str:
    """Return the letters of one word (5,) before its first end symbol."""
    return "".join(letter(sign) for sign in word[: lengths(word[None])[0]])


def letter(sign: int) -> str:
    """Return the letter of a sign as text."""
    return chr(ord("A") + int(sign))
