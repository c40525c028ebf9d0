"""Render the transitions before the snapshots of one block."""

import json
from pathlib import Path

from epochreel.artifacts import metrics, padding
from epochreel.experiment_api import loader
from epochreel.film import render
from epochreel.provenance import keys
from epochreel.runtime.job import job


def render_transitions(
    paths_to_evaluations: list,
    paths_to_projections: list,
    path_to_metrics: str,
    path_to_untrained: str,
    paths_to_training: list,
    paths_to_test: list,
    paths_to_transitions: list,
    stage: dict,
    base: Path,
) -> None:
    """Write the transitions before each snapshot of the block, one animated PNG each.

    Evaluations and projections start with those of the snapshot before the block, if there is one.
    """
    settings, count = stage["settings"], stage["count"]
    experiment = loader.of_stage(stage, base)
    figure = render.figure_of(experiment, settings)
    new_info = render.run_info_maker(stage, experiment, paths_to_test, path_to_untrained)
    table = metrics.read(
        path_to_metrics, stage["first"] + count, stage["reads"]["summarize"], stage["steps"]
    )
    previous_count = min(stage["first"], 1)
    inputs = render.FrameInputs(
        stage=stage,
        first=stage["first"] - previous_count,
        evaluations=paths_to_evaluations[: count + previous_count],
        projections=paths_to_projections[: count + previous_count],
        metrics=table,
        training=render.training_of(stage, paths_to_training, table),
    )
    scene, key = render.build_scene(figure, new_info()), keys.key(stage)
    drawn = render.draw_transitions(
        scene, inputs, paths_to_transitions[:count], settings["tweens"], key
    )
    if again := experiment.to_repeat(stage["first"], count):
        render.check_repeatable(render.figure_of(again, settings), new_info(), drawn)
    padding.fill(paths_to_transitions, count)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        before = snakemake.input.before
        render_transitions(
            paths_to_evaluations=[*before[:1], *snakemake.input.evaluations],
            paths_to_projections=[*before[1:], *snakemake.input.projections],
            path_to_metrics=snakemake.input.metrics,
            path_to_untrained=snakemake.input.untrained,
            paths_to_training=snakemake.input.training,
            paths_to_test=snakemake.input.test,
            paths_to_transitions=snakemake.output,
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
