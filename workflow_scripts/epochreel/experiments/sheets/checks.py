"""Checks that involve several settings of a run, performed while planning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from epochreel.experiments.sheets.image_sizes import convolved, image_size, largest_patch


def contradictions(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a key of the run, such as "network.patch", and an error message for each conflict.

    `settings` is described in `epochreel.experiment_api.validation.contradictions`.
    """
    network, variant = settings["network"], settings["data"]["variant"]
    yield from _check_variant(network["name"], variant)
    yield from _check_size(network, variant)


def _check_variant(name: str, variant: str) -> Iterator[tuple[str, str]]:
    if name != "local" and (name == "cells") != (variant == "cells"):
        expected = "local or cells" if variant == "cells" else "local, tuned or deep"
        words = f"is {name!r}; expected {expected} (the dataset's variant is {variant!r})"
        yield "network.name", words


def _check_size(network: Mapping[str, Any], variant: str) -> Iterator[tuple[str, str]]:
    size = image_size(variant)
    if "patch" in network:
        patch, most = network["patch"], largest_patch(variant)
        if patch > most:
            words = f"is {patch}; expected at most {most} (larger patches exceed the image)"
            yield "network.patch", words
        size = (patch, patch)
    layers = len(network["channels"])
    if min(convolved(size, layers)) < 1:
        most = max(count for count in range(layers) if min(convolved(size, count)) >= 1)
        words = f"has {layers} convolutions; expected at most {most}"
        yield "network.channels", f"{words} (images of {size[0]} × {size[1]} px)"
