"""What the settings of a run may not be together; the plan asks before any job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from epochreel.film.timing import start_time
from epochreel.projection import FEWEST_POINTS, MOST_POINTS

_READ = 2
"""Seconds in which a sentence is read."""
_FOLDERS = {"folder": "folder", "fashion": "fashion_files"}
"""The sources that read a folder, and the key that names it."""


def contradictions(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the run, such as "network.channels", and what each holds and may hold, in words.

    `asked` holds what `epochreel.experiment_api.validation.contradictions` says. What is wrong
    with the data comes under the key "dataset", which names them.
    """
    data, network, figure = asked["data"], asked["network"], asked["figure"]
    yield from _are_not_there(data)
    yield from _are_too_many_or_few(asked["test"], asked["train_sample"])
    yield from _is_read_in_too_short_a_time(figure["sentence_snapshots"], asked["film"])
    layers, size = len(network["channels"]), data["size"]
    most = size.bit_length() - 1
    if layers > most:
        words = f"holds {layers} convolutions; images of {size} × {size} px have room for at most"
        yield "network.channels", f"{words} {most}"


def _are_too_many_or_few(test: int, train_sample: int) -> Iterator[tuple[str, str]]:
    if test > MOST_POINTS:
        yield (
            "dataset",
            f"names data with {test} test examples; at most {MOST_POINTS} can be projected",
        )
        return
    least, most = max(FEWEST_POINTS - test, 0), MOST_POINTS - test
    if not least <= train_sample <= most:
        bound = f"at most {most}" if train_sample > most else f"{least} or more"
        words = f"holds {train_sample}, and the dataset has {test} test examples; it may hold"
        among = f"since {FEWEST_POINTS} to {MOST_POINTS} in all can be projected"
        yield "evaluation.train_sample", f"{words} {bound}, {among}"


def _is_read_in_too_short_a_time(
    snapshots: int, film: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    seconds = float(start_time(snapshots, film))
    if seconds < _READ:
        pace = f"film.seconds_per_snapshot holds {float(film['seconds_per_snapshot']):.3g}"
        words = f"holds {snapshots}, and {pace}, so that each sentence stays for {seconds:.3g} s"
        least = f"together they may make {_READ} s or more: raise either"
        yield "figure.settings.sentence_snapshots", f"{words}; {least}"


def _are_not_there(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    source = data["source"]
    for reader, key in _FOLDERS.items():
        if source == reader and data[key] is None:
            yield "dataset", f"names data whose source is {source}: their {key} names its folder"
        if source != reader and data[key] is not None:
            words = f"names data whose source is {source}, which reads no {key}: leave it out"
            yield "dataset", words
    if source == "folder" and data["classes"] is None:
        words = "names data whose source is folder: their classes name its folders"
        yield "dataset", words
    if source != "folder" and data["classes"] is not None:
        words = f"names data whose source is {source}, which has its classes: leave them out"
        yield "dataset", words
    if data["test_share"] + data["validation_share"] >= 1:
        words = "names data whose test_share and validation_share leave nothing to learn from"
        yield "dataset", words
