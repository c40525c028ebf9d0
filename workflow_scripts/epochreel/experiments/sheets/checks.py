"""What the settings of a run of sheets may not be together; the plan asks before any job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from epochreel.experiments.sheets.image_sizes import convolved, image_size, largest_patch


def contradictions(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the run, such as "network.patch", and what each holds and may hold, in words.

    `asked` holds what `epochreel.experiment_api.validation.contradictions` says.
    """
    network, variant = asked["network"], asked["data"]["variant"]
    yield from _reads_other_images(network["name"], variant)
    yield from _is_too_large(network, variant)
    example, test = asked["figure"]["example"], asked["test"]
    if example >= test:
        words = f"holds {example}; it may hold 0 … {test - 1} (the dataset's test pages)"
        yield "figure.settings.example", words


def _reads_other_images(name: str, variant: str) -> Iterator[tuple[str, str]]:
    if name != "local" and (name == "cells") != (variant == "cells"):
        may = "local or cells" if variant == "cells" else "local, tuned or deep"
        words = f"holds {name!r}, which does not read the variant {variant!r}; it may hold {may}"
        yield "network.name", words


def _is_too_large(network: Mapping[str, Any], variant: str) -> Iterator[tuple[str, str]]:
    size = image_size(variant)
    if "patch" in network:
        patch, most = network["patch"], largest_patch(variant)
        if patch > most:
            words = f"holds {patch}, which reaches over the image; it may hold at most {most}"
            yield "network.patch", words
        size = (patch, patch)
    layers = len(network["channels"])
    if min(convolved(size, layers)) < 1:
        most = max(few for few in range(layers) if min(convolved(size, few)) >= 1)
        words = f"holds {layers} convolutions; an image of {size[0]} × {size[1]} px has room for"
        yield "network.channels", f"{words} at most {most}"
