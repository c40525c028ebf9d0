"""The interface of an experiment: its files and the functions that each defines."""

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
"""Required names in each file of an experiment."""
FILES = ("data", "model", "evaluation", "figure")
"""Files that every experiment has."""

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
        "sentences": ("rows", "data", "figure"),
        "sentence": ("numbers", "data"),
        "loops": ("run_info", "predictions"),
    },
    "inference": {
        "predict": ("network", "image", "data"),
        "draw_prediction": ("network", "image", "data"),
    },
    "projection": {"activations": ("predictions",)},
    "checks": {"contradictions": ("settings",)},
}
"""Positional arguments with which each function of an experiment is called."""
