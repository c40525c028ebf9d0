"""Evaluate the word reader: every letter that it reads, and the position of its masks.

Columns, one row per word; lists of five hold one value per step:

    letters      symbol × 5   the true word; a dictionary of A … Z and "end", the end symbol
    prediction   symbol × 5   the most probable symbol; the first one in a tie
    probability  float16 × 5  of that symbol
    centre_x     float16 × 5  centre of the step's mask, px from the left
    centre_y     float16 × 5  and px from the top, see `masks`
    spread_across, spread_down  float16 × 5  spread of the mask, px
    mask         uint8 × 8000 the five masks, 40 × 40 each, 0 … 255, of the first 32 words; null
                              for all others, since those of 1,024 words would take 8 MB

Metrics. A word consists of all symbols up to and including the first end symbol; the symbols after
it do not count:

    accuracy             fraction of words in which every symbol is read correctly, 0 … 1
    letters              fraction of letters read correctly
    place_1 … place_4    the same for the first … fourth letter; 0 if no word has one
    end                  fraction of words whose first end symbol is read at the correct step
    loss                 mean cross-entropy of the symbols that count, nats
    spread_across, spread_down, in_order   see `masks.summary`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import torch

from epochreel.artifacts import evaluations
from epochreel.experiment_api.interface import Metric
from epochreel.experiments.words import masks
from epochreel.experiments.words.alphabet import LONGEST, STEPS, SYMBOLS, counted, lengths, spelled
from epochreel.experiments.words.masked_words import MASKED

METRICS = {
    "accuracy": Metric("Word accuracy", group="Accuracy", unit="%", plain="Words read correctly"),
    "letters": Metric(
        "Letter accuracy", group="Accuracy", unit="%", plain="Letters read correctly"
    ),
    "place_1": Metric("1st", group="Accuracy by letter position", unit="%"),
    "place_2": Metric("2nd", group="Accuracy by letter position", unit="%"),
    "place_3": Metric("3rd", group="Accuracy by letter position", unit="%"),
    "place_4": Metric("4th", group="Accuracy by letter position", unit="%"),
    "end": Metric("End", group="Accuracy by letter position", unit="%"),
    "loss": Metric("Loss", direction="lower", unit="nats"),
    "spread_across": Metric("Horizontal spread", "lower", group="Mask spread", unit="px"),
    "spread_down": Metric("Vertical spread", "lower", group="Mask spread", unit="px"),
    "in_order": Metric("Left-to-right steps", unit="%"),
}

Readings = dict[str, np.ndarray]


def evaluate(
    network: torch.nn.Module, batches: Iterator[Mapping[str, torch.Tensor]]
) -> tuple[dict[str, pa.Array], dict[str, float]]:
    """Read all words and return the columns and the metrics.

    `network.attend(images)` returns logits (B, 5, 27) and masks (B, 5, 40, 40), 0.0 … 1.0.
    """
    parts, stored_masks = [], []
    for batch in batches:
        logits, step_masks = network.attend(batch["image"])
        parts.append(_readings(logits, step_masks, batch["letters"]))
        missing = MASKED - sum(map(len, stored_masks))
        stored_masks.append((step_masks[:missing].float() * 255).round().byte().cpu().numpy())
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _columns(whole, np.concatenate(stored_masks)), _metrics(whole)


def _readings(logits: torch.Tensor, step_masks: torch.Tensor, words: torch.Tensor) -> Readings:
    logs = logits.float().log_softmax(-1)
    prediction = logs.argmax(-1)
    centre, spread = masks.measure(step_masks)
    found = {
        "letters": words,
        "prediction": prediction.byte(),
        "probability": _of(logs, prediction).exp().half(),
        "loss": -_of(logs, words.long()).double(),
        "centre": centre,
        "spread": spread,
    }
    return {name: values.cpu().numpy() for name, values in found.items()}


def _of(logs: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
    return logs.gather(-1, signs.unsqueeze(-1)).squeeze(-1)


def _columns(whole: Readings, stored_masks: np.ndarray) -> dict[str, pa.Array]:
    lists = {"probability": whole["probability"]}
    for axis, (centre, spread) in enumerate(
        (("centre_x", "spread_across"), ("centre_y", "spread_down"))
    ):
        lists[centre] = whole["centre"][..., axis].astype(np.float16)
        lists[spread] = whole["spread"][..., axis].astype(np.float16)
    columns = {name: evaluations.named(whole[name], SYMBOLS) for name in ("letters", "prediction")}
    columns |= {
        name: pa.FixedSizeListArray.from_arrays(np.ascontiguousarray(values).ravel(), STEPS)
        for name, values in lists.items()
    }
    rest = [None] * (len(whole["letters"]) - len(stored_masks))
    rows = [*stored_masks.reshape(len(stored_masks), -1), *rest]
    return columns | {"mask": pa.array(rows, pa.list_(pa.uint8()))}


def _metrics(whole: Readings) -> dict[str, float]:
    words, prediction = whole["letters"], whole["prediction"]
    right, counts = words == prediction, counted(words)
    letters = spelled(words)
    places = {
        f"place_{place + 1}": _share(right[:, place], letters[:, place]) for place in range(LONGEST)
    }
    return {
        "accuracy": float((right | ~counts).all(1).mean()),
        "letters": _share(right, letters),
        **places,
        "end": float((lengths(prediction) == lengths(words)).mean()),
        "loss": float(whole["loss"][counts].mean()),
        **masks.summary(whole["centre"], whole["spread"], words),
    }


def _share(right: np.ndarray, which: np.ndarray) -> float:
    return float(right[which].mean()) if which.any() else 0.0
