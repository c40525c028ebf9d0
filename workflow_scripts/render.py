"""Render one block of frames."""

import json
from pathlib import Path

from epochreel.artifacts import metrics, padding
from epochreel.experiment_api import loader
from epochreel.film import render as renderer
from epochreel.provenance import keys
from epochreel.runtime.job import job


def render(
    paths_to_evaluations: list,
    paths_to_projections: list,
    path_to_metrics: str,
    path_to_untrained: str,
    paths_to_training: list,
    paths_to_test: list,
    paths_to_frames: list,
    stage: dict,
    base: Path,
) -> None:
    """Draw one frame for each snapshot of the block."""
    settings, count = stage["settings"], stage["count"]
    experiment = loader.of_stage(stage, base)
    figure = renderer.figure_of(experiment, settings)
    new_info = renderer.run_info_maker(stage, experiment, paths_to_test, path_to_untrained)
    table = metrics.read(
        path_to_metrics, stage["first"] + count, stage["reads"]["summarize"], stage["steps"]
    )
    inputs = renderer.FrameInputs(
        stage=stage,
        first=stage["first"],
        evaluations=paths_to_evaluations[:count],
        projections=paths_to_projections[:count],
        metrics=table,
        training=renderer.training_of(stage, paths_to_training, table),
    )
    scene = renderer.build_scene(figure, new_info())
    drawn = renderer.draw(scene, inputs, paths_to_frames[:count], keys.key(stage))
    if again := experiment.to_repeat(stage["first"], count):
        renderer.check_repeatable(renderer.figure_of(again, settings), new_info(), drawn)
    padding.fill(paths_to_frames, count)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        render(
            paths_to_evaluations=snakemake.input.evaluations,
            paths_to_projections=snakemake.input.projections,
            path_to_metrics=snakemake.input.metrics,
            path_to_untrained=snakemake.input.untrained,
            paths_to_training=snakemake.input.training,
            paths_to_test=snakemake.input.test,
            paths_to_frames=snakemake.output,
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
