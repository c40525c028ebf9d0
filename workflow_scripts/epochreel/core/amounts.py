"""Numbers and names as they are written in sentences and pictures."""

from __future__ import annotations

import math

_MANY = 10_000
"""The number of test results from which a percentage is shown with one decimal.

With fewer, the decimal would be noise: even for a fraction of 10,000 results, the standard error is
up to 0.5 %.
"""


def percent(share: float) -> str:
    """Format a fraction as a percentage to one decimal; only 1 gives "100.0 %", only 0 "0.0 %".

    NaN, an undefined value, gives "–".
    """
    if math.isnan(share):
        return "–"
    tenths = round(float(share) * 1000)
    if share < 1:
        tenths = min(tenths, 999)
    if share > 0:
        tenths = max(tenths, 1)
    return f"{tenths // 10}.{tenths % 10} %"


def amount(value: float, unit: str | None, count: int) -> str:
    """Format a metric's value, computed from `count` results, without false precision.

    NaN, an undefined value, gives "–".
    """
    if math.isnan(value):
        return "–"
    if unit == "%":
        whole = round(100 * value)
        is_exact = value in (0, 1)  # Otherwise 0 % and 100 % would not be true.
        return f"{whole} %" if is_exact or (count < _MANY and 0 < whole < 100) else percent(value)
    if value == 0 or abs(value) >= 100:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"  # three digits
    return f"{text} {unit}" if unit else text


def in_a_line(text: str) -> str:
    """Return a label as written within a sentence: "word accuracy", but "F1 score"."""
    first = text[:1].lower()
    # İ in lower case is two characters, which cannot be drawn.
    return first + text[1:] if len(first) == 1 and text[1:2].islower() else text
