"""The names of the classes, in the order of their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SKETCHES = (
    "bicycle",
    "boat",
    "car",
    "cup",
    "face",
    "fish",
    "flower",
    "house",
    "tree",
    "umbrella",
)
DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
BUILT_IN = {"sketches": SKETCHES, "digits": DIGITS, "fashion": FASHION}
"""The classes of each source but a folder of one's own."""


def names(settings: Mapping[str, Any]) -> list[str]:
    """The classes of a dataset with these settings; no file is read.

    `ValueError` for a folder of one's own whose classes the settings do not name.
    """
    if settings["source"] in BUILT_IN:
        return list(BUILT_IN[settings["source"]])
    if settings["classes"] is None:
        raise ValueError("the classes of a folder are named by the setting `classes`")
    return list(settings["classes"])
