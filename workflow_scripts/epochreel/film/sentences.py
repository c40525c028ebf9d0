"""Sentences for captions and the closing picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from epochreel.drawing.panels import in_a_line, percent
from epochreel.experiment_api.interface import Metric

_TIMES = ("snapshot", "step", "epoch", "examples")


def progress(numbers: Mapping[str, float], examples: str, answers: str) -> str:
    """Say how many of the network's answers are correct, and after how much training.

    Says only the latter if the accuracy is undefined. `numbers` holds the `epoch`, the `examples`
    so far and the `accuracy` (0 … 1) of a snapshot. `examples` and `answers` are the experiment's
    words for them, such as "pages" and "digits".
    """
    when, accuracy = moment(numbers, examples), numbers["accuracy"]
    return when if math.isnan(accuracy) else f"{when}: {percent(accuracy)} of {answers} correct"


def of_metrics(metrics: Mapping[str, Metric], numbers: Mapping[str, float], data: Mapping) -> str:
    """List the metrics of a snapshot: the caption if the experiment defines no sentences.

    Labels and units are those of `metrics`, which describes every metric (see `declared_metrics`).
    Undefined metrics are left out. So are metrics of a group, except `accuracy`, since a group may
    have one metric per class.
    """
    named = ", ".join(
        f"{in_a_line(metrics[name].label)} {_value(value, metrics[name].unit)}"
        for name, value in numbers.items()
        if name not in _TIMES and (name == "accuracy" or not metrics[name].group)
        if not math.isnan(value)
    )
    return f"{moment(numbers)}: {named}" if named else moment(numbers)


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


def _value(value: float, unit: str | None) -> str:
    if unit == "%":
        return percent(value)
    return f"{value:.3f} {unit}" if unit else f"{value:.3f}"
