"""Share of a film in which the network learns most.

    python benchmarks/pacing.py RUN…

Reads the timeline and the metrics of finished runs in results/. The gain is the rise in accuracy
from snapshot 0 to the last one; a level is reached at the first snapshot at or above it. The length
of the film includes its holds and its closing picture.

Columns: `10-90 %` is the share of the film between the snapshots that reach 10 % and 90 % of the
gain (target: at least 50 %), `after 95 %` the share from the snapshot that reaches 95 % to the end
(target: at most 25 %). `longest` is the longest time of a snapshot, without the holds of the first
and the last.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import numpy as np
import table

from epochreel.film.timing import RATE
from epochreel.formats import parquet

COLUMNS = {"run": "", "snapshots": "d", "seconds": ".1f", "longest": ".2f"}
COLUMNS |= {"10-90 %": ".0%", "after 95 %": ".0%", "target": ""}


def start_frames(run: Path) -> np.ndarray:
    """Return the film frame at which each snapshot of a run appears, and the film's length."""
    rows = parquet.read(run / "timeline.parquet")
    starts, frames = rows["first_frame"].to_numpy(), rows["frames"].to_numpy()
    return np.append(starts[rows["snapshot"].is_valid().to_numpy()], starts[-1] + frames[-1])


def shares(accuracy: np.ndarray, starts: np.ndarray) -> tuple[float, float]:
    """Return the share of the film in 10-90 % of the gain, and the share after 95 % of it.

    `accuracy` (n,) is that of each snapshot, `starts` (n + 1,) as `start_frames` returns them.
    """
    gained = (accuracy - accuracy[0]) / (accuracy[-1] - accuracy[0])
    at_10, at_90, at_95 = (starts[np.argmax(gained >= level)] for level in (0.1, 0.9, 0.95))
    return (at_90 - at_10) / starts[-1], 1 - at_95 / starts[-1]


def row(name: str) -> list:
    """Return a run's row of the table."""
    run = Path("results", name)
    metrics = parquet.read(max(run.glob("metrics/*.parquet")))
    starts = start_frames(run)
    during, after = shares(metrics["accuracy"].to_numpy(), starts)
    longest = np.diff(starts)[1:-1].max() / RATE
    verdict = "met" if during >= 0.5 and after <= 0.25 else "missed"
    return [name, metrics.num_rows, starts[-1] / RATE, longest, during, after, verdict]


if __name__ == "__main__":
    table.show(COLUMNS, [row(name) for name in sys.argv[1:]])
