"""Words as rows of signs: 0…25 are the letters A to Z, 26 is the end symbol.

Only the signs up to and including a word's first end symbol count; so many the networks learn
and so many are scored. A word of five letters has no end symbol, and all five count.
"""

from __future__ import annotations

import numpy as np

SIDE = 40
"""Width and height of an image and of a mask, px."""
STEPS = 5
"""Signs that are read of each image, one a step."""
END = 26
"""The end symbol."""
SIGNS = END + 1
"""How many signs there are."""
MEAN, SPREAD = 20, 50
"""About the mean and the standard deviation of the published images' grey levels."""
LONGEST = STEPS - 1
"""Letters of the longest word that has an end symbol."""


def lengths(words: np.ndarray) -> np.ndarray:
    """Letters before the first end symbol of words (n, 5): (n,), 0 … 5."""
    return (np.cumsum(words == END, axis=1) == 0).sum(1)


def counted(words: np.ndarray) -> np.ndarray:
    """Which signs of words (n, 5) count: (n, 5) bool."""
    return np.arange(STEPS) <= lengths(words)[:, None]


def spelled(words: np.ndarray) -> np.ndarray:
    """Which of these are letters of the word: (n, 5) bool."""
    return np.arange(STEPS) < lengths(words)[:, None]


def text(word: np.ndarray) -> str:
    """The letters of one word (5,) before its first end symbol."""
    return "".join(letter(sign) for sign in word[: lengths(word[None])[0]])


def letter(sign: int) -> str:
    """A letter's own text."""
    return chr(ord("A") + int(sign))
