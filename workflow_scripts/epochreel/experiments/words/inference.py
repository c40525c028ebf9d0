"""Reading a word of one's own, and showing where the network looked.

The picture may be of any size, its letters capitals, dark or light: `framing` makes of it what the
networks know. What is read comes as a table, a row for each letter and one for the word:

    place        1, 2, …, and "word"
    letter       the letter read there; in the last row all of them
    probability  that of the letter, as the network has it, 0…1; in the last row that of the word:
                 the product of those of its letters and of the end symbol after them
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from epochreel.drawing import palette
from epochreel.drawing.panels import percent
from epochreel.experiments.words import strips
from epochreel.experiments.words.alphabet import SIDE, STEPS, counted, lengths, letter, text
from epochreel.experiments.words.framing import framed

WORD = "word"
"""What stands for the place of the whole word."""

_PICTURE, _GAP, _MARGIN, _HEAD, _FOOT = 200, 12, 24, 64, 64  # px


def predict(network: torch.nn.Module, image: np.ndarray, data: Mapping[str, Any]) -> pd.DataFrame:
    """The word in `image`, uint8 (H, W) or (H, W, 3), letter by letter; columns as above.

    `data` are the settings of the dataset that `network` learned from. Raises `UserError` where
    nothing stands out in the image.
    """
    signs, probabilities, _ = _attended(network, framed(image))
    length = lengths(signs[None])[0]
    return pd.DataFrame(
        {
            "place": [*map(str, range(1, length + 1)), WORD],
            "letter": [*map(letter, signs[:length]), text(signs)],
            "probability": [*probabilities[:length], _of_word(signs, probabilities)],
        }
    )


def draw_prediction(
    network: torch.nn.Module, image: np.ndarray, data: Mapping[str, Any]
) -> np.ndarray:
    """The image at each of the five steps, seen through its mask, with the letter read: pixels.

    uint8 (H, W, 3). What comes after the end of the word is pale. Arguments and errors as in
    `predict`.
    """
    image = framed(image)
    signs, probabilities, looked = _attended(network, image)
    pitch = _PICTURE + _GAP
    canvas = strips.sheet(2 * _MARGIN + STEPS * pitch - _GAP, _HEAD + _PICTURE + _FOOT + _GAP)
    sure = f"read with a probability of {percent(_of_word(signs, probabilities))}"
    start = _MARGIN + canvas.text(_MARGIN, 44, text(signs) or "no letter", 34, weight="bold") + 16
    canvas.text(start, 44, sure, 20, palette.QUIET)
    counts = counted(signs[None])[0]
    x, y = _MARGIN + np.arange(STEPS) * pitch, np.full(STEPS, _HEAD)
    places = canvas.places(x, y, _PICTURE, _PICTURE, (SIDE, SIDE))
    canvas.put_pictures(places, strips.looks(image, looked, ~counts))
    foot = y + _PICTURE + _FOOT / 2
    ways = np.where(counts, strips.PLAIN, strips.IDLE)
    tiles = strips.sign_tiles(canvas, 44, 44)
    canvas.put_stamps(canvas.stamps(x + 70, foot, tiles), strips.tile_numbers(signs, ways))
    shares = canvas.stamps(x + 130, foot, strips.percent_tiles(canvas, 70, 30))
    canvas.put_stamps(shares, strips.percents(probabilities, counts))
    return canvas.pixels


def _attended(
    network: torch.nn.Module, image: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signs (5,) and their probabilities, and the masks, uint8 (5, 40, 40)."""
    with torch.inference_mode():
        logits, masks = network.attend(torch.from_numpy(image.copy())[None])
    probabilities, signs = logits[0].double().softmax(-1).max(-1)
    looked = (masks[0].float() * 255).round().byte()
    return signs.numpy(), probabilities.numpy(), looked.numpy()


def _of_word(signs: np.ndarray, probabilities: np.ndarray) -> float:
    return float(probabilities[counted(signs[None])[0]].prod())
