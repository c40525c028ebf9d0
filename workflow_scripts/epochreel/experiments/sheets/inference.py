"""Reading a sheet of one's own, and checking it against its own sums.

The page may be scanned or photographed: `rectify` finds its table and redraws it as the
networks know sheets. What is read comes as a table, one row a number:

    year         1941 … 1950, or "Means"
    month        January … December, or "Totals"
    value        the number as printed: x.yz, a total with two digits before the point
    probability  that all its digits are right, as the network has it: the product of theirs, 0…1
    agrees       whether the number fits the others

A mean agrees where it lies within half a hundredth of the mean of the ten values that were read
for its month; a total where it is the sum of the twelve that were read for its year, modulo 100.
A value agrees where the mean of its month and the total of its year both do: one misread value
shows as a mean and a total that disagree, and they cross where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from epochreel.core.errors import UserError
from epochreel.experiments.sheets import layout
from epochreel.experiments.sheets.rectify import straighten

MEANS, TOTALS = "Means", "Totals"
"""What stands for the year of a mean, and for the month of a total."""

_VALUES, _MEANS = len(layout.YEARS) * len(layout.MONTHS), len(layout.MONTHS)


def predict(network: torch.nn.Module, page: np.ndarray, data: Mapping[str, Any]) -> pd.DataFrame:
    """The 142 numbers of the sheet on `page`: 120 values, year by year, 12 means, 10 totals.

    `page` is uint8 (H, W) or (H, W, 3), `data` the settings of the dataset that `network` learned
    from. Columns as above: three of text, one float64, one bool. Raises `UserError` where no table
    is found on the page, or where the network reads no sheets.
    """
    if data.get("variant") == "cells":
        raise UserError(
            "this run's network reads single cells, not sheets: name a run of another variant"
        )
    sheet = torch.from_numpy(straighten(page))[None]
    with torch.inference_mode():
        probabilities = network(sheet).float().softmax(-1)[0]
    return tabulate(probabilities.cpu().numpy())


def tabulate(probabilities: np.ndarray) -> pd.DataFrame:
    """The table of what was read, from the probabilities (436, 10) of each place's digits."""
    places = layout.places("plain")
    numbers = np.zeros(places.number[-1] + 1, np.int64)
    sure = np.ones(len(numbers))
    for number, digit, share in zip(
        places.number, probabilities.argmax(-1), probabilities.max(-1), strict=True
    ):
        numbers[number] = 10 * numbers[number] + digit
        sure[number] *= share
    columns = {"value": _texts(numbers), "probability": sure, "agrees": agreement(numbers)}
    return pd.DataFrame(_names() | columns)


def agreement(numbers: np.ndarray) -> np.ndarray:
    """Which of the 142 numbers, in hundredths and in order, fit the others: (142,) bool."""
    values, means, totals = np.split(np.asarray(numbers), [_VALUES, _VALUES + _MEANS])
    values = values.reshape(len(layout.YEARS), len(layout.MONTHS))
    # Ten times a mean rounded to whole hundredths is off by five at most.
    means_fit = np.abs(len(layout.YEARS) * means - values.sum(0)) <= len(layout.YEARS) // 2
    totals_fit = totals == values.sum(1) % 10_000
    values_fit = totals_fit[:, None] & means_fit[None, :]
    return np.concatenate([values_fit.ravel(), means_fit, totals_fit])


def _texts(numbers: np.ndarray) -> list[str]:
    threes, fours = np.split(numbers, [_VALUES + _MEANS])
    return [f"{n / 100:.2f}" for n in threes] + [f"{n / 100:05.2f}" for n in fours]


def _names() -> dict[str, list[str]]:
    years = [str(year) for year in layout.YEARS]
    return {
        "year": [year for year in years for _ in layout.MONTHS] + [MEANS] * _MEANS + years,
        "month": [*layout.MONTHS] * (len(years) + 1) + [TOTALS] * len(years),
    }
