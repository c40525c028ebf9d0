"""Fit a projection to all snapshots of a run."""

import json
from pathlib import Path

from epochreel.experiment_api import loader
from epochreel.projection import projector
from epochreel.runtime.job import job


def fit_projection(paths_to_evaluations: list, path_to_fit: str, stage: dict, base: Path) -> None:
    """Write the layouts of all snapshots of a run, fitted together."""
    experiment = loader.of_stage(stage, base)
    projector.Block(
        user_module=experiment.load("projection"),
        stage=stage,
        first=0,
        evaluations=paths_to_evaluations,
    ).fit(path_to_fit)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        fit_projection(
            paths_to_evaluations=snakemake.input,
            path_to_fit=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
