"""What the film says: plain words for points, and what the network still gets wrong."""

import numpy as np

from epochreel.experiment_api.interface import Nouns
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions


def nouns(data: dict) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("points", "points")


def mistakes(story) -> list[str]:
    """Say how many test points are still assigned to the wrong spiral."""
    labels, predictions = (story.predictions[name].to_numpy() for name in ("label", "prediction"))
    return confusions(labels, predictions, ("the first spiral", "the second"), "test points")


def grades(predictions, count: int) -> np.ndarray:
    """Grade the first `count` test points."""
    label, prediction, second = (
        predictions[name].to_numpy()[:count] for name in ("label", "prediction", "probability")
    )
    return grade(label == prediction, np.maximum(second, 1 - second))
