"""Summarize the metrics of all snapshots up to the end of one block."""

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
    """Write the summary before this block with the rows of the block's snapshots added."""
    first, key_digest, before = stage["first"], stage["reads"]["evaluate"], None
    rows = [
        {"snapshot": number} | evaluations.metrics(path, number, key_digest)
        for number, path in enumerate(paths_to_evaluations[: stage["count"]], first)
    ]
    if path_to_metrics_before:
        own = keys.key_digest(stage)
        before = metrics.read(path_to_metrics_before, first, own)
    metrics.write(path_to_metrics, metrics.extend(before, rows), keys.key(stage))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        summarize(
            paths_to_evaluations=snakemake.input.evaluations,
            path_to_metrics_before=snakemake.input.before or None,
            path_to_metrics=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
