"""What the film of the sheet transcriber says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from epochreel.experiment_api.interface import Nouns
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions
from epochreel.narration.story import Story


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("cells" if data["variant"] == "cells" else "pages", "digits")


def mistakes(story: Story) -> list[str]:
    """Say how many digits are misread, and which are confused most often."""
    truth, prediction = (story.predictions[name].to_numpy() for name in ("truth", "prediction"))
    return confusions(truth, prediction, "0123456789", "test digits")


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` pages or cells by their digits."""
    rows = predictions.num_rows // (int(predictions["page"][-1].as_py()) + 1)
    part = predictions.slice(0, count * rows).combine_chunks()
    right = part["truth"].to_numpy() == part["prediction"].to_numpy()
    sure = part["probabilities"].chunk(0).flatten().to_numpy().reshape(-1, 10).max(1)
    pages = right.reshape(-1, rows).mean(1), sure.astype(float).reshape(-1, rows).min(1)
    return grade(*pages)
