"""Checks that involve several settings of a run, performed while planning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from epochreel.projection import FEWEST_POINTS, MOST_POINTS

_FOLDER_SETTINGS = {"folder": "folder", "fashion": "fashion_files"}
"""Sources that read a folder, and the setting that holds its path."""


def contradictions(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a key of the run, such as "network.channels", and an error message for each conflict.

    `settings` is described in `epochreel.experiment_api.validation.contradictions`. Errors in the
    dataset's settings are reported under the key "dataset".
    """
    data, network = settings["data"], settings["network"]
    yield from _check_source(data)
    yield from _check_point_count(settings["test"], settings["train_sample"])
    layers, size = len(network["channels"]), data["size"]
    most = size.bit_length() - 1
    if layers > most:
        words = f"has {layers} convolutions; expected at most {most}"
        yield "network.channels", f"{words} (images of {size} × {size} px)"


def _check_point_count(test: int, train_sample: int) -> Iterator[tuple[str, str]]:
    if test > MOST_POINTS:
        words = f"has {test} test examples; expected at most {MOST_POINTS}"
        yield "dataset", f"{words} (the maximum for a projection)"
        return
    fewest, most = max(FEWEST_POINTS - test, 0), MOST_POINTS - test
    if not fewest <= train_sample <= most:
        bound = f"at most {most}" if train_sample > most else f"at least {fewest}"
        words = f"is {train_sample}; expected {bound} (with the {test} test examples, a projection"
        yield "evaluation.train_sample", f"{words} takes {FEWEST_POINTS} to {MOST_POINTS} points)"


def _check_source(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    source = data["source"]
    for name, key in _FOLDER_SETTINGS.items():
        if source == name and data[key] is None:
            yield "dataset", f"has source: {source} but no {key}; expected the path of a folder"
        if source != name and data[key] is not None:
            words = f"has source: {source} and {key}; expected no {key} (for source {name} only)"
            yield "dataset", words
    if source == "folder" and data["classes"] is None:
        words = "has source: folder but no classes; expected the names of the class folders"
        yield "dataset", words
    if source != "folder" and data["classes"] is not None:
        words = f"has source: {source} and classes; expected no classes (the source defines them)"
        yield "dataset", words
    if data["test_share"] + data["validation_share"] >= 1:
        shares = f"test_share {data['test_share']} and validation_share {data['validation_share']}"
        words = f"has {shares}; expected a sum below 1 (the rest is for training)"
        yield "dataset", words
