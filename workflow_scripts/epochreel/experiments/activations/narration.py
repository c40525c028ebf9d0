"""What the film of activations says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochreel.artifacts.evaluations import indices
from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.activations import classes
from epochreel.experiments.activations.sentences import remark
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions
from epochreel.narration.story import Story

_HOLD = 8  # snapshots over which metrics are averaged


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("pictures", "pictures")


def sentence(story: Story) -> str:
    """Say which classes have separated, or what else has changed."""
    return remark(story.history, classes.names(story.data), _HOLD).sentence


def mistakes(story: Story) -> list[str]:
    """Say how many test images are misclassified, and which classes are confused most often."""
    label, prediction = (column for column in _test(story.predictions)[:2])
    names = [f"“{name}”" for name in classes.names(story.data)]
    return confusions(label, prediction, names, "test images")


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` test images."""
    label, prediction, probabilities = (column[:count] for column in _test(predictions))
    return grade(label == prediction, probabilities.astype(float).max(1))


def _test(table: pa.Table) -> tuple[np.ndarray, ...]:
    """Return the columns label, prediction and, if it has them, probabilities of the test set."""
    mask = pc.equal(table["split"], "test").to_numpy()
    names = ("label", "prediction", "probabilities")
    return tuple(indices(table[name])[mask] for name in names if name in table.column_names)
