"""Render the pictures that lead to the snapshots of one block."""

import json
from pathlib import Path

from epochreel.artifacts import metrics, padding
from epochreel.artifacts.dataset_shards import Split
from epochreel.experiment_api import declared_metrics, loader
from epochreel.film import render
from epochreel.provenance import keys
from epochreel.runtime.job import job


def render_transitions(
    paths_to_evaluations: list,
    paths_to_projections: list,
    path_to_metrics: str,
    paths_to_test: list,
    paths_to_transitions: list,
    stage: dict,
    base: Path,
) -> None:
    """Draw the in-between pictures of each snapshot of the block, one animated PNG each.

    Evaluations and projections begin with those of the snapshot before the block, if any.
    """
    settings, count = stage["settings"], stage["count"]
    experiment = loader.of_stage(stage, base)
    figure = experiment.load("figure")
    test = Split.of(stage, "test", paths_to_test)
    declared = declared_metrics.read(experiment.file("evaluation"))
    run_info = render.run_info(settings, test, declared)
    before = min(stage["first"], 1)
    shown = render.FrameInputs(
        stage=stage,
        first=stage["first"] - before,
        evaluations=paths_to_evaluations[: count + before],
        projections=paths_to_projections[: count + before],
        metrics=metrics.read(path_to_metrics, stage["first"] + count, stage["reads"]["summarize"]),
    )
    scene, key = render.scene(figure, run_info), keys.key(stage)
    render.draw_transitions(
        scene, shown, paths_to_transitions[:count], settings["transitions"], key
    )
    padding.fill(paths_to_transitions, count)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        before = snakemake.input.before
        render_transitions(
            paths_to_evaluations=[*before[:1], *snakemake.input.evaluations],
            paths_to_projections=[*before[1:], *snakemake.input.projections],
            path_to_metrics=snakemake.input.metrics,
            paths_to_test=snakemake.input.test,
            paths_to_transitions=snakemake.output,
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
