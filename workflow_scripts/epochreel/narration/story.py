"""The story of a run: all that a sentence may use, up to one snapshot and nothing later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from epochreel.experiment_api.interface import Metric, Nouns

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Told:
    """A sentence, and the snapshot at which its phase began."""

    snapshot: int
    sentence: str


@dataclass(frozen=True)
class Story:
    """A run up to `snapshot`.

    read      returns the predictions at the snapshot; called on first access
    history   each metric at snapshots 0 … `snapshot`, (n,), NaN where undefined, with `step`,
              `epoch` and `examples`; a metric without a value so far is not listed
    metrics   the `Metric` of each name
    data      the dataset's settings
    nouns     plain words for examples and answers
    cast      the numbers of the test examples that the film shows; may be empty
    grades    their grades so far, (n, len(cast)): 0 (wrong) … 1 (right), NaN if unknown
    told      the sentences so far; the last one is on screen
    """

    snapshot: int
    read: Callable[[], pa.Table]
    history: Mapping[str, np.ndarray]
    metrics: Mapping[str, Metric]
    data: Mapping
    nouns: Nouns = field(default_factory=Nouns)
    cast: tuple[int, ...] = ()
    grades: np.ndarray | None = None
    told: tuple[Told, ...] = ()

    @cached_property
    def predictions(self) -> pa.Table:
        """The rows of the snapshot's evaluation, read on first access."""
        return self.read()
