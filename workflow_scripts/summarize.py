"""Collect the metrics of all snapshots up to the end of one block."""

import json

from epochreel.artifacts import evaluations, metrics
from epochreel.provenance import keys
from epochreel.runtime.job import job


def summarize(
    paths_to_evaluations: list,
    path_to_metrics_before: str | None,
    path_to_metrics: str,
    stage: dict,
) -> None:
    """Append the metrics of the block's snapshots to the table of the block before."""
    first, key_digest, before = stage["first"], stage["reads"]["evaluate"], None
    snapshots = zip(stage["steps"], paths_to_evaluations, strict=False)  # without the empty slots
    rows = [
        {"snapshot": number, "step": step} | evaluations.metrics(path, number, key_digest)
        for number, (step, path) in enumerate(snapshots, first)
    ]
    if path_to_metrics_before:
        before = metrics.read(path_to_metrics_before, first, keys.key_digest(stage))
    metrics.write(path_to_metrics, metrics.extend(before, rows), keys.key(stage))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        summarize(
            paths_to_evaluations=snakemake.input.evaluations,
            path_to_metrics_before=snakemake.input.before or None,
            path_to_metrics=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
