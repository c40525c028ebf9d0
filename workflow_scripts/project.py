"""Project one block of snapshots."""

import json
from pathlib import Path

from epochreel.artifacts import padding
from epochreel.experiment_api import loader
from epochreel.projection import projector
from epochreel.runtime.job import job


def project(
    paths_to_evaluations: list,
    paths_to_before: list,
    paths_to_fit: list,
    paths_to_projections: list,
    stage: dict,
    base: Path,
) -> None:
    """Write one layout for each snapshot of the block.

    `paths_to_before` are the evaluation and the projection of the previous snapshot, or empty;
    `paths_to_fit` is a fit of the whole film, or empty.
    """
    experiment = loader.of_stage(stage, base)
    block = projector.Block(
        user_module=experiment.load("projection"),
        stage=stage,
        first=stage["first"],
        evaluations=paths_to_evaluations[: stage["count"]],
    )
    if paths_to_fit:
        block.write_from_fit(paths_to_fit[0], paths_to_projections)
    else:
        block.project(paths_to_before, paths_to_projections)
    padding.fill(paths_to_projections, stage["count"])


if __name__ == "__main__":
    with job(snakemake.log[0]):
        project(
            paths_to_evaluations=snakemake.input.evaluations,
            paths_to_before=snakemake.input.before,
            paths_to_fit=snakemake.input.fit,
            paths_to_projections=snakemake.output,
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
