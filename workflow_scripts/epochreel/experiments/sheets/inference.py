"""Inference on a user's sheet, with a check against the sheet's sums.

The page may be scanned or photographed: `rectify` finds its table and redraws it in the form that
the networks are trained on. The result is a table with one row per number:

    year         1941 … 1950, or "Means"
    month        January … December, or "Totals"
    value        the number as printed: x.yz, a total with two digits before the point
    probability  product of the probabilities of its digits, 0…1
    agrees       True if the number is consistent with the others

A mean agrees if it is within half a hundredth of the mean of the month's ten recognized values; a
total agrees if it equals the sum of the year's twelve recognized values, modulo 100. A value agrees
if its month's mean and its year's total both do. A single wrong value thus shows up as one mean and
one total that disagree, and is where their row and column cross.
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
"""Label in the column `year` of a mean, and in the column `month` of a total."""

_VALUES, _MEANS = len(layout.YEARS) * len(layout.MONTHS), len(layout.MONTHS)


def predict(network: torch.nn.Module, page: np.ndarray, data: Mapping[str, Any]) -> pd.DataFrame:
    """Recognize the 142 numbers of a sheet: 120 values, year by year, 12 means, 10 totals.

    `page` is uint8 (H, W) or (H, W, 3); `data` are the settings of the dataset that `network` was
    trained on. The columns are described above: three of text, one float64, one bool. Raises
    `UserError` if the page has no table, or if the network does not read sheets.
    """
    if data.get("variant") == "cells":
        raise UserError(
            "this run's network reads single cells, not sheets: choose a run of another variant"
        )
    sheet = torch.from_numpy(straighten(page))[None]
    with torch.inference_mode():
        probabilities = network(sheet).float().softmax(-1)[0]
    return tabulate(probabilities.cpu().numpy())


def tabulate(probabilities: np.ndarray) -> pd.DataFrame:
    """Return the table of recognized numbers, from the probabilities (436, 10) of the digits."""
    places = layout.places("plain")
    numbers = np.zeros(places.number[-1] + 1, np.int64)
    confidence = np.ones(len(numbers))
    for number, digit, probability in zip(
        places.number, probabilities.argmax(-1), probabilities.max(-1), strict=True
    ):
        numbers[number] = 10 * numbers[number] + digit
        confidence[number] *= probability
    columns = {"value": _texts(numbers), "probability": confidence, "agrees": agreement(numbers)}
    return pd.DataFrame(_labels() | columns)


def agreement(numbers: np.ndarray) -> np.ndarray:
    """Check which of the 142 numbers, in hundredths and in order, are consistent: (142,) bool."""
    values, means, totals = np.split(np.asarray(numbers), [_VALUES, _VALUES + _MEANS])
    values = values.reshape(len(layout.YEARS), len(layout.MONTHS))
    # Ten times a mean that is rounded to hundredths differs from the sum by at most five.
    means_fit = np.abs(len(layout.YEARS) * means - values.sum(0)) <= len(layout.YEARS) // 2
    totals_fit = totals == values.sum(1) % 10_000
    values_fit = totals_fit[:, None] & means_fit[None, :]
    return np.concatenate([values_fit.ravel(), means_fit, totals_fit])


def _texts(numbers: np.ndarray) -> list[str]:
    threes, fours = np.split(numbers, [_VALUES + _MEANS])
    return [f"{n / 100:.2f}" for n in threes] + [f"{n / 100:05.2f}" for n in fours]


def _labels() -> dict[str, list[str]]:
    years = [str(year) for year in layout.YEARS]
    return {
        "year": [year for year in years for _ in layout.MONTHS] + [MEANS] * _MEANS + years,
        "month": [*layout.MONTHS] * (len(years) + 1) + [TOTALS] * len(years),
    }
