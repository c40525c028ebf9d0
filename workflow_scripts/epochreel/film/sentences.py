"""What a snapshot's numbers say, in words: for captions, whatever the experiment."""

from __future__ import annotations

from collections.abc import Mapping


def progress(numbers: Mapping[str, float], examples: str, answers: str) -> str:
    """What a snapshot's `epoch`, `examples` and `accuracy` (share of 1) say, in words.

    `examples` and `answers` are what the experiment calls them, such as "pages" and "digits".
    100 % is said only where every answer is right.
    """
    share = 100 * numbers["accuracy"]
    right = "100" if share >= 100 else f"{min(share, 99.9):.1f}"
    seen = f"{numbers['examples']:,.0f}"
    when = f"Epoch {round(numbers['epoch'], 1):g}" if numbers["examples"] else "Untrained"
    return f"{when}, {seen} {examples}: {right} % of {answers} right"


def of_metrics(numbers: Mapping[str, float], data: Mapping) -> str:
    """The same for an experiment that has no words of its own: each metric by its name."""
    own = {name: value for name, value in numbers.items() if name not in _TIMES}
    said = ", ".join(f"{name} {value:.3f}" for name, value in own.items())
    return f"Epoch {round(numbers['epoch'], 1):g}: {said}"


_TIMES = ("snapshot", "epoch", "examples")
