"""Sentences about a snapshot and about mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def moment(numbers: Mapping[str, float], examples: str | None = None) -> str:
    """Say when a snapshot was taken: "Epoch 12, after 480 pages", or "Before training".

    While the epoch rounds to 0.0, say only "After 4 pages" or, without `examples`, "Step 2".
    """
    if not numbers["examples"]:
        return "Before training"
    epoch, seen = round(numbers["epoch"], 1), f"{numbers['examples']:,.0f} {examples}"
    if not epoch:
        return f"After {seen}" if examples else f"Step {numbers['step']:,.0f}"
    return f"Epoch {epoch:g}, after {seen}" if examples else f"Epoch {epoch:g}"


def wrong_of(wrong: int, total: int, things: str) -> str:
    """Say how many of all `things`, a plural noun, are wrong."""
    return f"It gets {wrong:,} of {total:,} {things} wrong."


def confusions(
    truth: np.ndarray, prediction: np.ndarray, names: Sequence[str], things: str
) -> list[str]:
    """Say how many of `things` are wrong, and which class is most often mistaken for another.

    `truth` and `prediction` (n,) are indices of `names`. Returns no sentence if none is wrong.
    """
    wrong = truth != prediction
    if not wrong.any():
        return []
    pairs, counts = np.unique(np.stack((truth, prediction), 1)[wrong], axis=0, return_counts=True)
    (correct, read), count = pairs[counts.argmax()], counts.max()
    # If several confusions are equally frequent, the first one is an example.
    lead = "Most often it" if (counts == count).sum() == 1 else "For example, it"
    times = f"{count:,} of {(truth == correct).sum():,} times"
    return [
        wrong_of(int(wrong.sum()), len(truth), things),
        f"{lead} mistakes {names[correct]} for {names[read]}: {times}.",
    ]
