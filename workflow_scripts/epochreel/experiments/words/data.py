"""Short words in small noisy images, as published for the attention word reader.

An image is 40 × 40 px. One to four capital letters of DejaVu Sans, 9 px, grey level 128 on 0, are
at a random position, at least one pixel from the edges; every pixel has Gaussian noise. Word,
position and noise depend only on (seed, split, i), not on the settings: the same words at the same
positions can be drawn with more noise, or on a background (see `backgrounds`).

A batch is drawn at once, in integer arithmetic: `draw` gives the same bits for numpy arrays and for
torch tensors on any device.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from epochreel.experiments.words import backgrounds, counter_rng, letters
from epochreel.experiments.words.alphabet import SIDE
from epochreel.experiments.words.array_backend import Array, Device, as_bytes, device_of, placed

_BITS = 16  # random bits of a pixel's noise
_NOISE_NUMBERS = SIDE * SIDE * _BITS // 64  # random numbers for an image's noise
_BACKGROUND_PURPOSE = letters.PURPOSES + _NOISE_NUMBERS  # the first purpose of the background
_BATCH = 256  # examples that `generate` draws at once


def generate(
    settings: Mapping[str, Any], seed: int, split: str, indices: range
) -> Iterator[dict[str, np.ndarray]]:
    """Yield examples of a split: `{"image": uint8 (40, 40) grey, "letters": uint8 (5,)}`.

    Settings and errors are those of `draw`.
    """
    for start in range(0, len(indices), _BATCH):
        drawn = draw(settings, seed, split, np.array(indices[start : start + _BATCH], np.int64))
        for image, word in zip(drawn["image"], drawn["letters"], strict=True):
            yield {"image": image, "letters": word}


def draw(settings: Mapping[str, Any], seed: int, split: str, indices: Array) -> dict[str, Array]:
    """Draw a batch: `{"image": uint8 (B, 40, 40) grey, "letters": uint8 (B, 5)}`.

    `indices` (B,) are int64, a numpy array or a torch tensor on any device; the columns are of the
    same type and on the same device. Letters are 0…25, followed by end symbols. `settings` are
    `{"noise": standard deviation as a share of 255, "background": one of backgrounds.KINDS, …}` and
    those of `backgrounds.draw`; the letters' brightness is added to a background, up to 255.
    Example i depends only on (seed, split, i) and on a folder's images. Raises `ValueError` for an
    unknown split, and `UserError` as `backgrounds.draw` does.
    """
    states = counter_rng.examples(seed, split, indices)
    word = letters.draw(counter_rng.numbers(states, 0, letters.PURPOSES))
    lines = _noise(states, settings["noise"])  # (B * SIDE, SIDE) int16
    rows, light = letters.light(word)
    if settings["background"] != "none":
        background = backgrounds.draw(settings, states, _BACKGROUND_PURPOSE).reshape(-1, SIDE)
        light = light.clip(None, 255 - background[rows])
        lines += background
    lines[rows] += light
    image = as_bytes(lines.clip(0, 255)).reshape(-1, SIDE, SIDE)
    return {"image": image, "letters": as_bytes(word.letters)}


def _noise(states: Array, deviation: float) -> Array:
    device = device_of(states)
    bits = counter_rng.numbers(states, letters.PURPOSES, _NOISE_NUMBERS)
    lanes = bits[:, None, :] >> _shifts(device)
    lanes &= 2**_BITS - 1
    return _levels(deviation, device).take(lanes).reshape(-1, SIDE)


@lru_cache(8)
def _shifts(device: Device) -> Array:
    return placed(np.arange(0, 64, _BITS)[:, None], device)


@lru_cache(8)
def _levels(deviation: float, device: Device) -> Array:
    """Return the quantiles of the normal distribution as 2¹⁶ grey levels, int16."""
    half = 2 ** (_BITS - 1)
    normal = NormalDist()
    upper = [normal.inv_cdf((half + k + 0.5) / (2 * half)) for k in range(half)]
    levels = np.array([round(255 * deviation * value) for value in upper], np.int16)
    return placed(np.concatenate([-levels[::-1], levels]), device)
