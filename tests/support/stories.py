"""Stories of made-up runs, for tests of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

from epochreel.artifacts import metrics
from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.experiment_api.interface import Metric
from epochreel.narration.narrator import Narrator
from epochreel.narration.phases import beginnings
from epochreel.narration.telling import Telling

SETTINGS = {
    "data": {"settings": {}},
    "figure": {"examples": None},
    "steps_per_epoch": 10,
    "batch_size": 4,
    "sentence_snapshots": 1,
    "first_sentence_snapshots": 1,
}


def narrator(**functions) -> Narrator:
    """Return the narrator of an experiment whose narration.py, if any, has these functions."""
    module = ModuleType("narration")
    module.__file__ = "narration.py"
    vars(module).update(functions)
    file = Path(__file__ if functions else "nowhere")
    experiment = SimpleNamespace(file=lambda name: file, load=lambda name: module)
    return Narrator(experiment, {})


def table(columns: Mapping[str, Sequence[float | None]], steps: Sequence[int] | None = None):
    """Return a metric table with these columns; by default, steps double from 8 on."""
    count = max(map(len, columns.values()), default=0) or len(steps)
    steps = steps or [0, *(8 * 2**k for k in range(count - 1))]
    rows = [
        {"snapshot": k, "step": steps[k], **{name: all_[k] for name, all_ in columns.items()}}
        for k in range(count)
    ]
    return metrics.extend(None, rows)


def telling(made, declared: Mapping[str, Metric] | None = None, read=None, **settings) -> Telling:
    """Return the telling of a metric table."""
    return Telling(made, SETTINGS | settings, Metrics(declared or {}), read or (lambda _k: None))


def told(columns, declared=None, steps=None, by=None, **settings) -> list[tuple[int, str]]:
    """Return the phases of a run with these metrics: first snapshot and sentence."""
    told_by = by or narrator()
    run = telling(table(columns, steps), declared, **settings)
    sentences = run.sentences(told_by, None, run.grades(told_by, None))
    return [(k, sentences[k]) for k in beginnings(sentences)]
