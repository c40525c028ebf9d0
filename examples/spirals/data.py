"""Two interleaved spirals in the plane; each point belongs to one of them."""

from collections.abc import Iterator

import numpy as np


def generate(settings: dict, seed: int, split: str, indices: range) -> Iterator[dict]:
    """Yield points in the square [-1, 1]², with Gaussian noise of deviation `settings["noise"]`."""
    for index in indices:
        rng = np.random.default_rng([seed, ("train", "validation", "test").index(split), index])
        label = int(rng.integers(2))
        turn = rng.uniform(0.25, 2.0)  # in half turns
        angle = np.pi * (turn + label)
        point = turn / 2.2 * np.array([np.cos(angle), np.sin(angle)])
        noisy = point + rng.normal(0, settings["noise"], 2)
        yield {"point": noisy.astype(np.float32), "label": label}
