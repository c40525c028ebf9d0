"""Collect the metrics of all snapshots up to the end of one block, and tell what they mean."""

import json
from functools import lru_cache
from pathlib import Path

from epochreel.artifacts import evaluations, metrics
from epochreel.experiment_api import declared_metrics, loader
from epochreel.narration.narrator import Narrator
from epochreel.narration.telling import Telling
from epochreel.provenance import keys
from epochreel.runtime.job import job


def summarize(
    paths_to_evaluations: list,
    path_to_metrics_before: str | None,
    path_to_metrics: str,
    stage: dict,
    base: Path,
) -> None:
    """Append the metrics of the block's snapshots to the table of the block before.

    Add the sentence of each snapshot and the grades of the cast.
    """
    first, reads, data = stage["first"], stage["reads"]["evaluate"], stage["settings"]["data"]
    snapshots = zip(stage["steps"], paths_to_evaluations, strict=False)  # without the empty slots
    rows = [
        {"snapshot": number, "step": step} | evaluations.metrics(path, number, reads)
        for number, (step, path) in enumerate(snapshots, first)
    ]
    before = None
    if path_to_metrics_before:
        before = metrics.read(path_to_metrics_before, first, keys.key_digest(stage))

    @lru_cache(1)
    def predictions(snapshot: int) -> evaluations.Predictions:
        return evaluations.Predictions(paths_to_evaluations[snapshot - first], snapshot, reads)

    experiment = loader.of_stage(stage, base)
    declared = declared_metrics.read(experiment.file("evaluation"))
    table = metrics.extend(before, rows)
    telling = Telling(table, stage["settings"], declared, predictions)
    narrator = Narrator(experiment, data["settings"])
    grades = telling.grades(narrator, before)
    sentences = telling.sentences(narrator, before, grades)
    if again := experiment.to_repeat(first, len(rows)):
        telling.check_repeatable(Narrator(again, data["settings"]), grades)
    graded = grades if telling.cast and narrator.grades_examples else None
    told = metrics.with_narration(table, sentences, graded)
    metrics.write(path_to_metrics, told, keys.key(stage))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        summarize(
            paths_to_evaluations=snakemake.input.evaluations,
            path_to_metrics_before=snakemake.input.before or None,
            path_to_metrics=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
