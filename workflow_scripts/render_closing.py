"""Render the closing picture: what the network learned, and what it still gets wrong."""

import json
from pathlib import Path

from epochreel.artifacts import metrics
from epochreel.artifacts.dataset_shards import Split
from epochreel.core.files import atomic_write_bytes
from epochreel.experiment_api import declared_metrics, loader
from epochreel.film import closing
from epochreel.film import render as renderer
from epochreel.formats import png
from epochreel.narration.narrator import Narrator
from epochreel.narration.telling import Telling
from epochreel.provenance import keys
from epochreel.runtime.job import job


def render_closing(
    path_to_evaluation: str,
    path_to_metrics: str,
    paths_to_test: list,
    path_to_picture: str,
    stage: dict,
    base: Path,
) -> None:
    """Draw the picture from the metrics of all snapshots and the evaluation of the last one."""
    settings = stage["settings"]
    experiment = loader.of_stage(stage, base)
    test = Split.of(stage, "test", paths_to_test)
    evaluation = experiment.file("evaluation")
    narrator = Narrator(experiment, settings["data"]["settings"])
    declared, count = declared_metrics.read(evaluation), settings["snapshots"]
    run_info = renderer.run_info(settings, test, declared, narrator.nouns)
    table = metrics.read(path_to_metrics, count, stage["reads"]["summarize"])
    inputs = renderer.FrameInputs(stage, count - 1, [path_to_evaluation], [], table)
    frame_data = inputs.frame_data(0)
    names = declared_metrics.pace(evaluation, metrics.names(table))
    telling = Telling(table, settings, declared, lambda _snapshot: frame_data.predictions)
    sentences = narrator.mistakes(telling.last_story(narrator))
    panel = renderer.closing_panel(experiment, run_info)
    picture = closing.draw(run_info, frame_data, names, sentences, panel)
    texts = {"Snapshot": str(count - 1), "epochreel": keys.key(stage)}
    atomic_write_bytes(path_to_picture, png.encode(picture, texts))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        render_closing(
            path_to_evaluation=snakemake.input.evaluation,
            path_to_metrics=snakemake.input.metrics,
            paths_to_test=snakemake.input.test,
            path_to_picture=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
