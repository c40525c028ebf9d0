"""Every letter that the network reads of the test words, and where its masks look.

Columns, one row per word, lists of five hold one value a step:

    letters      uint8 × 5    the word: 0…25 are letters, 26 is the end symbol
    prediction   uint8 × 5    the most probable sign; the smaller one where two are equal
    probability  float16 × 5  of that sign
    centre_x     float16 × 5  centre of the mask that the step looked through, px from the left
    centre_y     float16 × 5  and from the top, see `masks`
    spread_across, spread_down  float16 × 5  its spread, px
    mask         uint8 × 8000 the five masks, 40 × 40 each, 0…255, of the first eight words; null
                              for all others, since those of 1,024 words would take 8 MB

Metrics; "word" is all signs up to and including the first end symbol, others never count:

    accuracy             share of words that are read right as a whole, 0…1
    letters              share of letters read right
    place_1 … place_4    the same for the first … fourth letter of a word; 0 where no word has one
    end                  share of words whose end is told where it is: the first end symbol read is
                         the first there
    loss                 mean cross-entropy of the signs that count, nats
    spread_across, spread_down, in_order   see `masks.summary`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import torch

from epochreel.experiments.words import masks
from epochreel.experiments.words.alphabet import LONGEST, STEPS, counted, lengths, spelled

SHOWN = 8
"""Words whose masks are kept."""

Readings = dict[str, np.ndarray]


def evaluate(
    network: torch.nn.Module, batches: Iterator[Mapping[str, torch.Tensor]]
) -> tuple[dict[str, pa.Array], dict[str, float]]:
    """Read all words; returns the columns and the metrics.

    `network.attend(images)` gives logits (B, 5, 27) and masks (B, 5, 40, 40), 0.0 … 1.0.
    """
    parts, kept = [], []
    for batch in batches:
        logits, looked = network.attend(batch["image"])
        parts.append(_readings(logits, looked, batch["letters"]))
        missing = SHOWN - sum(map(len, kept))
        kept.append((looked[:missing].float() * 255).round().byte().cpu().numpy())
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _columns(whole, np.concatenate(kept)), _metrics(whole)


def _readings(logits: torch.Tensor, looked: torch.Tensor, words: torch.Tensor) -> Readings:
    logs = logits.float().log_softmax(-1)
    prediction = logs.argmax(-1)
    centre, spread = masks.measure(looked)
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


def _columns(whole: Readings, kept: np.ndarray) -> dict[str, pa.Array]:
    lists = {name: whole[name] for name in ("letters", "prediction", "probability")}
    for axis, (centre, spread) in enumerate(
        (("centre_x", "spread_across"), ("centre_y", "spread_down"))
    ):
        lists[centre] = whole["centre"][..., axis].astype(np.float16)
        lists[spread] = whole["spread"][..., axis].astype(np.float16)
    columns = {
        name: pa.FixedSizeListArray.from_arrays(np.ascontiguousarray(values).ravel(), STEPS)
        for name, values in lists.items()
    }
    rest = [None] * (len(whole["letters"]) - len(kept))
    rows = [*kept.reshape(len(kept), -1), *rest]
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
