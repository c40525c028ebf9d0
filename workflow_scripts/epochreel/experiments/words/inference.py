"""Inference on a user's word, and a picture of where the network looks at each step.

The image may be of any size, with capital letters, dark or light; `framing` converts it to the
training geometry. The result is a table with one row per letter and one for the word:

    place        1, 2, …, and "word"
    letter       the recognized letter; in the last row, all of them
    probability  the network's probability of the letter, 0…1; in the last row, that of the word:
                 the product over its letters and the end symbol
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from epochreel.core.amounts import amount
from epochreel.experiments.words import strips
from epochreel.experiments.words.alphabet import SIDE, STEPS, counted, lengths, letter, text
from epochreel.experiments.words.framing import frame_word

WORD = "word"
"""Label in the column `place` of the whole word."""

_PICTURE, _GAP, _MARGIN, _HEAD, _FOOT = 200, 12, 24, 64, 64  # px


def predict(network: torch.nn.Module, image: np.ndarray, data: Mapping[str, Any]) -> pd.DataFrame:
    """Recognize the word in `image`, uint8 (H, W) or (H, W, 3), letter by letter.

    The columns are described above; `data` are the settings of the dataset that `network` was
    trained on. Raises `UserError` if nothing stands out in the image.
    """
    signs, probabilities, _ = _attend(network, frame_word(image))
    length = lengths(signs[None])[0]
    return pd.DataFrame(
        {
            "place": [*map(str, range(1, length + 1)), WORD],
            "letter": [*map(letter, signs[:length]), text(signs)],
            "probability": [*probabilities[:length], _word_probability(signs, probabilities)],
        }
    )


def draw_prediction(
    network: torch.nn.Module, image: np.ndarray, data: Mapping[str, Any]
) -> np.ndarray:
    """Draw where the network looks at each step, the letter that it reads, and how sure it is.

    The result is uint8 (H, W, 3); it shows the steps up to the end of the word. Arguments and
    errors are those of `predict`.
    """
    image = frame_word(image)
    signs, probabilities, masks = _attend(network, image)
    pitch, steps = _PICTURE + _GAP, np.arange(counted(signs[None]).sum())
    canvas = strips.sheet(2 * _MARGIN + STEPS * pitch - _GAP, _HEAD + _PICTURE + _FOOT + _GAP)
    sure = f"It is {amount(_word_probability(signs, probabilities), '%', 1)} sure of this."
    start = _MARGIN + canvas.text(_MARGIN, 44, text(signs) or "no letter", 34, weight="bold") + 16
    canvas.text(start, 44, sure, 20, canvas.palette.quiet)
    x, y = _MARGIN + steps * pitch, np.full(len(steps), _HEAD)
    boxes = canvas.picture_slots(x, y, _PICTURE, _PICTURE, (SIDE, SIDE))
    canvas.put_pictures(boxes, strips.looks(image, masks[steps]))
    foot = y + _PICTURE + _FOOT / 2
    signs_read = canvas.stamps(x + 70, foot, strips.sign_tiles(canvas, 44))
    canvas.put_stamps(signs_read, strips.tile_numbers(signs[steps], strips.PLAIN))
    for left, share in zip(x, probabilities[steps], strict=True):
        style = {"colour": canvas.palette.quiet, "middle": True}
        canvas.text(left + 104, foot[0], amount(share, "%", 1), 24, **style)
    return canvas.pixels


def _attend(
    network: torch.nn.Module, image: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the signs (5,), their probabilities, and the masks, uint8 (5, 40, 40)."""
    with torch.inference_mode():
        logits, masks = network.attend(torch.from_numpy(image.copy())[None])
    probabilities, signs = logits[0].double().softmax(-1).max(-1)
    mask_levels = (masks[0].float() * 255).round().byte()
    return signs.numpy(), probabilities.numpy(), mask_levels.numpy()


def _word_probability(signs: np.ndarray, probabilities: np.ndarray) -> float:
    return float(probabilities[counted(signs[None])[0]].prod())
