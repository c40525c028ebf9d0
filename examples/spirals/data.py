"""Two spirals in the plane, one wound into the other; each point belongs to one of them."""

from collections.abc import Iterator

import numpy as np


def generate(settings: dict, seed: int, split: str, indices: range) -> Iterator[dict]:
    """Points within the unit square of [-1, 1]; `settings["noise"]` shakes them."""
    for index in indices:
        rng = np.random.default_rng([seed, ("train", "validation", "test").index(split), index])
        label = int(rng.integers(2))
        turn = rng.uniform(0.25, 2.0)  # in half circles
        angle = np.pi * (turn + label)
        point = turn / 2.2 * np.array([np.cos(angle), np.sin(angle)])
        shaken = point + rng.normal(0, settings["noise"], 2)
        yield {"point": shaken.astype(np.float32), "label": label}
