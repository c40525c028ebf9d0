"""Gradient norm and histograms of weights and gradients, for the training table."""

from __future__ import annotations

from typing import Any

import torch

BINS = 64  # of each histogram


def layer_statistics(network: torch.nn.Module) -> dict[str, Any]:
    """Return the norm of all gradients, and histograms of each parameter's weights and gradients.

    `gradient_*` are None before the first batch. A histogram has 64 equal bins from the minimum to
    the maximum; values that are not finite are left out. Gradients may be sparse.
    """
    rows, squares = [], []
    for name, parameter in network.named_parameters():
        row = {"name": name} | _histogram("weight", parameter.detach())
        if parameter.grad is None:
            row |= dict.fromkeys(("gradient_minimum", "gradient_maximum", "gradient_counts"))
        else:
            row |= _histogram("gradient", parameter.grad)
            squares.append(_real(parameter.grad).square().sum())
        rows.append(row)
    norm = float(torch.stack(squares).sum().sqrt()) if squares else None
    return {"gradient_norm": norm, "layers": rows}


def _real(values: torch.Tensor) -> torch.Tensor:
    """Return dense float32 values; a complex one counts as two, its real and imaginary parts.

    Squares of half-precision values may overflow.
    """
    dense = values.detach().to_dense()
    return (torch.view_as_real(dense.resolve_conj()) if dense.is_complex() else dense).float()


def _histogram(kind: str, values: torch.Tensor) -> dict[str, Any]:
    values = _real(values).flatten()
    values = values[values.isfinite()]
    if not len(values):
        return {f"{kind}_minimum": None, f"{kind}_maximum": None, f"{kind}_counts": [0] * BINS}
    low, high = (float(bound) for bound in torch.aminmax(values))
    # If all values are equal, histc widens the range and counts them in the middle bin.
    counts = torch.histc(values, BINS, low, high).long().tolist()
    return {f"{kind}_minimum": low, f"{kind}_maximum": high, f"{kind}_counts": counts}
