"""Random numbers that follow from (seed, split, example, purpose) alone, on any device.

A number is the hash of its place; nothing is carried from one to the next. The hash is the
finaliser of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
2014) with the constants of Stafford's variant 13. Example i begins with output i of the splitmix64
generator that its seed and split start, its state; its numbers are hashes of that state xor a
constant for each purpose. All is int64 that wraps, so that numpy and torch give the same bits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from epochreel.artifacts.dataset_shards import SPLITS
from epochreel.experiments.words.array_backend import Array, Device, device_of, placed

_GOLDEN = 0x9E3779B97F4A7C15 - 2**64  # 2⁶⁴ over the golden ratio, odd; as int64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


def examples(seed: int, split: str, indices: Array) -> Array:
    """The states (B,), int64, that all numbers of the examples `indices` (B,), int64, follow from.

    `seed` is 0 … 2³² − 1. `ValueError` for an unknown split.
    """
    return mixed((indices + 1) * _GOLDEN + _start(seed * len(SPLITS) + SPLITS.index(split)))


def numbers(states: Array, first: int, count: int) -> Array:
    """64 random bits (B, count), int64, for each of the purposes first … first + count - 1."""
    return mixed(states[:, None] ^ _purposes(first, count, device_of(states)))


def below(limit: Array | int, bits: Array) -> Array:
    """Whole numbers 0 … limit - 1, int64, alike in likelihood to 1 in 2³² / limit, from 64 bits.

    They use the upper half of the bits; `limit` is at most 2³¹.
    """
    # Multiply and shift (Lemire 2019) without rejection: no loop, so every number takes one hash.
    return (((bits >> 32) & 0xFFFFFFFF) * limit) >> 32


def mixed(bits: Array) -> Array:
    """The hash of 64 bits each, int64 of any shape."""
    # Masks clear the copies of the sign that >> shifts in.
    bits = (bits ^ ((bits >> 30) & (2**34 - 1))) * _FIRST
    bits = (bits ^ ((bits >> 27) & (2**37 - 1))) * _SECOND
    return bits ^ ((bits >> 31) & (2**33 - 1))


@lru_cache(32)
def _start(number: int) -> int:
    # An array of one: numpy lets arrays wrap, and warns where scalars do.
    return int(mixed(np.array([number + 1]) * _GOLDEN)[0])


@lru_cache(32)
def _purposes(first: int, count: int, device: Device) -> Array:
    # Numbered backwards from -1, they share no input with examples of a seed.
    return placed(mixed(np.arange(-1 - first, -1 - first - count, -1)), device)
