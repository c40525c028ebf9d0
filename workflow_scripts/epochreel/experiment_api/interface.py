"""The interface of an experiment: its files and the functions that each defines."""

from __future__ import annotations

from dataclasses import dataclass

NAMES = {
    "data": ("generate",),
    "model": ("Network", "loss"),
    "evaluation": ("evaluate",),
    "figure": ("panels",),
    "narration": (),
    "inference": ("predict",),
    "projection": ("activations",),
    "checks": ("contradictions",),
    "inputs": ("files",),
}
"""Required names in each file of an experiment."""
FILES = ("data", "model", "evaluation")
"""Files that every experiment must have."""

CALLS = {
    "data": {
        "generate": ("settings", "seed", "split", "indices"),
        "draw": ("settings", "seed", "split", "indices"),
    },
    "model": {
        "Network": ("settings", "data"),
        "loss": ("network", "batch"),
        "penalty": ("network",),
    },
    "evaluation": {"evaluate": ("network", "batches")},
    "figure": {
        "panels": ("run_info",),
        "closing": ("run_info",),
        "loops": ("run_info", "predictions"),
    },
    "narration": {
        "nouns": ("data",),
        "sentence": ("story",),
        "holds": ("story",),
        "mistakes": ("story",),
        "grades": ("predictions", "count"),
    },
    "inference": {
        "predict": ("network", "image", "data"),
        "draw_prediction": ("network", "image", "data"),
    },
    "projection": {"activations": ("predictions",)},
    "checks": {"contradictions": ("settings",)},
    "inputs": {"files": ("settings",)},
}
"""Positional arguments with which each function of an experiment is called."""


TIMES = ("snapshot", "step", "epoch", "examples")
"""The numbers of a snapshot that are not metrics: when it was taken."""


@dataclass(frozen=True)
class Metric:
    """Description of a metric that `evaluate` returns; see `declared_metrics`.

    label      its name in films, captions and tables, such as "Digit accuracy"; a short one, such
               as "1st", if it is always read below the heading of its group
    direction  "higher" or "lower": which values are better
    group      heading of the panel or table that it shares with other metrics
    plain      its name in plain language, such as "Digits read correctly", for the closing picture
    unit       "%" for a fraction (0 … 1) shown as a percentage, or a unit such as "px"
    pace       whether a film with `film.pace: change` is slower where this metric changes more

    Raises `ValueError` for other values.
    """

    label: str
    direction: str = "higher"
    group: str | None = None
    unit: str | None = None
    pace: bool = False
    plain: str | None = None

    def __post_init__(self):
        for name in ("label", "group", "unit", "plain"):
            value = getattr(self, name)
            is_optional = name != "label" and value is None
            if not is_optional and not (isinstance(value, str) and value.strip()):
                raise ValueError(f"{name} is {value!r}; expected a non-empty string")
        if self.direction not in ("higher", "lower"):
            raise ValueError(f"direction is {self.direction!r}; expected 'higher' or 'lower'")
        if not isinstance(self.pace, bool):
            raise ValueError(f"pace is {self.pace!r}; expected True or False")


@dataclass(frozen=True)
class Nouns:
    """Plain plural nouns for the training examples and for the answers.

    examples  the training examples, such as "pages"
    answers   what the network answers, such as "digits"; the accuracy counts them

    Raises `ValueError` for anything but non-empty strings.
    """

    examples: str = "examples"
    answers: str = "answers"

    def __post_init__(self):
        for name in ("examples", "answers"):
            value = getattr(self, name)
            if not (isinstance(value, str) and value.strip()):
                raise ValueError(f"{name} is {value!r}; expected a non-empty string")
