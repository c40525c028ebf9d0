"""Centre and spread of masks: mean and standard deviation of their weight over the image."""

from __future__ import annotations

import math

import numpy as np
import torch

from epochreel.experiments.words.alphabet import SIDE, spelled

NOTABLE = 1.0
"""Smallest movement of a centre that counts, px; a letter is about seven px wide."""
# Standard deviation of the uniform distribution over SIDE integers.
EVEN = math.sqrt((SIDE**2 - 1) / 12)
"""Spread of a uniform mask, px."""


def measure(masks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the centre and the spread of masks (B, 5, 40, 40): (B, 5, 2) each, double, px.

    The last axis is x, y. The centre is the mean position of the mask's weight, counted from the
    middle of the first pixel. The spread is its standard deviation: 0 for a single pixel, 11.54 for
    a uniform mask. An all-zero mask is treated as uniform.
    """
    masks = masks.double()
    sides = torch.stack((masks.sum(-2), masks.sum(-1)), 2)  # (B, 5, 2, 40)
    total = sides.sum(-1, keepdim=True)
    shares = torch.where(total > 0, sides / total, 1 / SIDE)
    positions = torch.arange(SIDE, dtype=torch.double, device=masks.device)
    centre = (shares * positions).sum(-1)
    variance = (shares * (positions - centre.unsqueeze(-1)) ** 2).sum(-1)
    return centre, variance.sqrt()


def summary(centre: np.ndarray, spread: np.ndarray, words: np.ndarray) -> dict[str, float]:
    """Return how narrow the masks of true letters are, and how often they move to the right.

    `centre` and `spread` are those of `measure`, `words` (B, 5) the true words. Only steps of true
    letters count, and the first step only if the network chooses its mask, that is, unless all
    first masks are uniform. `spread_across` and `spread_down`, px, are means over words and steps.
    `in_order` is the share of moves from one letter's mask to the next in which the centre moves to
    the right by at least `NOTABLE`; nearly uniform masks do not. Without any such step, the spreads
    are 11.54 and `in_order` is 0.
    """
    chosen = spelled(words)
    chosen[:, 0] &= not np.allclose(spread[:, 0], EVEN)
    consecutive = chosen[:, :-1] & chosen[:, 1:]
    moves = np.diff(centre[..., 0], axis=1)[consecutive]
    across, down = spread[chosen].mean(0) if chosen.any() else (EVEN, EVEN)
    return {
        "spread_across": float(across),
        "spread_down": float(down),
        "in_order": float((moves >= NOTABLE).mean()) if len(moves) else 0.0,
    }
