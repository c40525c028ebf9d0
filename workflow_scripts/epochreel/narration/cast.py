"""Propose a cast: easy test examples, harder ones, and some that are still wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GROUPS = {"easy": 2, "medium": 2, "still wrong": 2}
"""How many examples of each group are proposed."""


@dataclass(frozen=True)
class Proposal:
    """A test example, its group and its grade."""

    number: int
    group: str
    grade: float


def propose(grades: np.ndarray) -> list[Proposal]:
    """Choose examples by their grades at the last snapshot, (n,); NaN grades are left out.

    Easy examples are in the upper third of the correct answers, medium ones in the lower third. A
    group with fewer examples than `GROUPS` asks for contains all of them.
    """
    known = np.flatnonzero(~np.isnan(grades))
    # The best first; ties in the order of the test set.
    order = known[np.argsort(-grades[known], kind="stable")]
    right, wrong = (order[(grades[order] >= 0.5) == is_right] for is_right in (True, False))
    third = -(-len(right) // 3)
    members = right[:third], right[third:][-third:], wrong
    return [
        Proposal(int(number), group, float(grades[number]))
        for (group, count), of_group in zip(GROUPS.items(), members, strict=True)
        for number in _spread(of_group, count)
    ]


def text(proposals: Sequence[Proposal]) -> str:
    """Return the proposals: a line to copy into the config, then a table."""
    numbers = ", ".join(str(proposal.number) for proposal in proposals)
    rows = [f"{p.number:>7}  {p.group:<11}  {p.grade:.2f}" for p in proposals]
    missing = [f"none is {group}" for group in GROUPS if group not in {p.group for p in proposals}]
    lines = [f"figure: {{examples: [{numbers}]}}", "", "example  group        grade", *rows]
    return "\n".join([*lines, *missing, ""])


def _spread(numbers: np.ndarray, count: int) -> np.ndarray:
    """Return `count` of `numbers`, evenly spaced in their order."""
    count = min(count, len(numbers))
    return numbers[(np.arange(count) * 2 + 1) * len(numbers) // (2 * max(count, 1))]
