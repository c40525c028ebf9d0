"""What an experiment must offer: its files and what each of them defines."""

from __future__ import annotations

NAMES = {
    "data": ("generate",),
    "model": ("Network", "loss"),
    "evaluation": ("evaluate",),
    "figure": ("panels",),
    "inference": ("predict",),
    "projection": ("activations",),
    "checks": ("contradictions",),
}
"""What the files of an experiment define at least."""
FILES = ("data", "model", "evaluation", "figure")
"""The files that each experiment has."""


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
        "panels": ("story",),
        "sentences": ("rows", "data", "figure"),
        "sentence": ("numbers", "data"),
        "loops": ("story", "predictions"),
    },
    "inference": {
        "predict": ("network", "image", "data"),
        "draw_prediction": ("network", "image", "data"),
    },
    "projection": {"activations": ("predictions",)},
    "checks": {"contradictions": ("asked",)},
}
"""What each function of an experiment's files is called with, in order."""
