"""Grades: how well the network answers an example."""

from __future__ import annotations

import numpy as np


def grade(right: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Return grades from 0 to 1, (n,): below 0.5 for a wrong answer, above it for a right one.

    `right` (n,) is the fraction of each answer that is right, `sure` (n,) the probability of the
    whole answer. Wrong answers are graded by `right`, right ones by `sure`.
    """
    right, sure = np.asarray(right, float), np.asarray(sure, float)
    return np.where(right < 1, right / 2, 0.5 + sure / 2)
