"""Where a mask looks and how closely: the mean and the deviation of its weight over the image."""

from __future__ import annotations

import math

import numpy as np
import torch

from epochreel.experiments.words.alphabet import SIDE, spelled

NOTABLE = 1.0
"""How far a centre moves at least for a move to count, px; a letter is about seven wide."""
# The standard deviation of the uniform distribution over SIDE whole numbers.
EVEN = math.sqrt((SIDE**2 - 1) / 12)
"""The spread of a mask that is the same everywhere, px."""


def measure(masks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The centre and the spread of masks (B, 5, 40, 40): (B, 5, 2) each, double, px.

    The last axis is across, down. The centre is the mean place of the mask's weight, counted from
    the middle of the first pixel; the spread is its standard deviation: 0 for a single pixel,
    11.54 for a mask that is the same everywhere. A mask that lets nothing through is taken as one
    of these.
    """
    masks = masks.double()
    sides = torch.stack((masks.sum(-2), masks.sum(-1)), 2)  # (B, 5, 2, 40)
    total = sides.sum(-1, keepdim=True)
    shares = torch.where(total > 0, sides / total, 1 / SIDE)
    places = torch.arange(SIDE, dtype=torch.double, device=masks.device)
    centre = (shares * places).sum(-1)
    variance = (shares * (places - centre.unsqueeze(-1)) ** 2).sum(-1)
    return centre, variance.sqrt()


def summary(centre: np.ndarray, spread: np.ndarray, words: np.ndarray) -> dict[str, float]:
    """How closely the masks of true letters look, and how often they move to the right.

    `centre` and `spread` are those of `measure`, `words` (B, 5) the true ones. What counts are the
    steps of true letters; not the first of them where its masks are all even, since then it is
    not the network that chooses them. `spread_across` and `spread_down`, px, are means over words
    and steps; `in_order` is the share of steps from one letter's mask to the next one's in which
    the centre moves to the right by `NOTABLE` or more: those of almost even masks stay where they
    are. Where a test set has no such step, these are 11.54 and 0.
    """
    chosen = spelled(words)
    chosen[:, 0] &= not np.allclose(spread[:, 0], EVEN)
    followed = chosen[:, :-1] & chosen[:, 1:]
    moves = np.diff(centre[..., 0], axis=1)[followed]
    across, down = spread[chosen].mean(0) if chosen.any() else (EVEN, EVEN)
    return {
        "spread_across": float(across),
        "spread_down": float(down),
        "in_order": float((moves >= NOTABLE).mean()) if len(moves) else 0.0,
    }
