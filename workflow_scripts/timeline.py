"""Compute when each snapshot appears in the film, and for how long."""

import json
from pathlib import Path

from epochreel.artifacts import metrics
from epochreel.artifacts import timeline as timeline_file
from epochreel.experiment_api import declared_metrics, loader
from epochreel.film import timing
from epochreel.narration.phases import beginnings
from epochreel.provenance import keys
from epochreel.runtime.job import job


def timeline(paths_to_metrics: list, path_to_timeline: str, stage: dict, base: Path) -> None:
    """Write the timeline of a film.

    `paths_to_metrics` has the table of all metrics if they set the pace; otherwise it is empty.
    """
    film, count = stage["settings"]["film"], stage["settings"]["snapshots"]
    if paths_to_metrics:
        table = metrics.read(paths_to_metrics[0], count, stage["reads"]["summarize"])
        evaluation = loader.of_stage(stage, base).file("evaluation")
        names = declared_metrics.pace(evaluation, metrics.names(table))
        weights = timing.change([table[name].to_numpy().tolist() for name in names], count)
        times = timing.by_change(weights, film, beginnings(metrics.sentences(table)))
    else:
        times = timing.even(count, film)
    timeline_file.write(path_to_timeline, times.frames, times.closing, keys.key(stage))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        timeline(
            paths_to_metrics=snakemake.input.metrics,
            path_to_timeline=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
