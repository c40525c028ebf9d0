"""Class names, in the order of their labels."""

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
DIGIT_COUNTS = dict(enumerate((178, 182, 177, 183, 181, 182, 181, 179, 174, 180)))
"""Number of images of each digit that scikit-learn bundles."""
BUILT_IN = {"sketches": SKETCHES, "digits": DIGITS, "fashion": FASHION}
"""Class names of every source except `folder`."""


def names(settings: Mapping[str, Any]) -> list[str]:
    """Return the class names of a dataset with these settings; reads no file.

    Raises `ValueError` if the source is `folder` and the settings name no classes.
    """
    if settings["source"] in BUILT_IN:
        return list(BUILT_IN[settings["source"]])
    if settings["classes"] is None:
        raise ValueError("source is folder, but classes is null; expected class names")
    return list(settings["classes"])
