"""Counter-based random numbers that depend only on (seed, split, example, purpose), on any device.

A number is the hash of its position; no state is carried from one to the next. The hash is the
finalizer of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
2014) with the constants of Stafford's variant 13. The state of example i is output i of the
splitmix64 generator that its seed and split start; its numbers are hashes of that state xor a
constant for each purpose. All arithmetic is int64 with wrap-around, so numpy and torch give the
same bits.
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
    """Return the states (B,), int64, that determine all numbers of the examples `indices` (B,).

    `indices` are int64; `seed` is 0 … 2³² − 1. Raises `ValueError` for an unknown split.
    """
    return hash_bits((indices + 1) * _GOLDEN + _start(seed * len(SPLITS) + SPLITS.index(split)))


def numbers(states: Array, first: int, count: int) -> Array:
    """Return 64 random bits (B, count), int64, for the purposes first … first + count - 1."""
    return hash_bits(states[:, None] ^ _purposes(first, count, device_of(states)))


def below(limit: Array | int, bits: Array) -> Array:
    """Return integers 0 … limit - 1, int64, from 64 bits, uniform to 1 in 2³² / limit.

    They use the upper half of the bits; `limit` is at most 2³¹.
    """
    # Multiply and shift (Lemire 2019) without rejection: no loop, so each number takes one hash.
    return (((bits >> 32) & 0xFFFFFFFF) * limit) >> 32


def hash_bits(bits: Array) -> Array:
    """Return the hash of each 64-bit integer; int64, any shape."""
    # The masks clear the sign bits that >> shifts in.
    bits = (bits ^ ((bits >> 30) & (2**34 - 1))) * _FIRST
    bits = (bits ^ ((bits >> 27) & (2**37 - 1))) * _SECOND
    return bits ^ ((bits >> 31) & (2**33 - 1))


@lru_cache(32)
def _start(number: int) -> int:
    # An array of one element, since numpy warns if a scalar wraps.
    return int(hash_bits(np.array([number + 1]) * _GOLDEN)[0])


@lru_cache(32)
def _purposes(first: int, count: int, device: Device) -> Array:
    # Counted backwards from -1, they share no input with the examples of a seed.
    return placed(hash_bits(np.arange(-1 - first, -1 - first - count, -1)), device)
