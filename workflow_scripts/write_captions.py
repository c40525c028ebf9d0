"""Write the captions of a film: a description of its frames in words."""

import json
from functools import partial
from pathlib import Path

from epochreel.artifacts import metrics, timeline
from epochreel.core import seeding
from epochreel.experiment_api import declared_metrics, loader
from epochreel.film import captions, render, timing
from epochreel.film import sentences as sentence_texts
from epochreel.runtime.job import job


def write_captions(
    path_to_metrics: str, path_to_timeline: str, path_to_captions: str, stage: dict, base: Path
) -> None:
    """Write consecutive captions, each shown long enough to be read.

    The text comes from the experiment: `figure.sentences(rows, data, figure)` returns the sentences
    of all snapshots, `figure.sentence(numbers, data)` the sentence of one. If neither is defined,
    captions list metrics.
    """
    settings = stage["settings"]
    experiment = loader.of_stage(stage, base)
    figure = experiment.load("figure")
    count, reads = settings["snapshots"], stage["reads"]
    table = metrics.read(path_to_metrics, count, reads["summarize"])
    times = timing.Timeline(*timeline.read(path_to_timeline, count, reads["timeline"]))
    rows = [row | render.times(settings, row["step"]) for row in metrics.rows(table)]
    data = settings["data"]["settings"]
    seeding.seed_all(0)
    if hasattr(figure, "sentences"):
        drawn = settings["figure"]["settings"]
        sentences, source = figure.sentences(rows, data, drawn), "sentences"
    else:
        declared = declared_metrics.read(experiment.file("evaluation"))
        sentence = getattr(figure, "sentence", partial(sentence_texts.of_metrics, declared))
        sentences, source = [sentence(row, data) for row in rows], "sentence"
    captions.check_sentences(sentences, len(rows), f"{figure.__file__}: {source}")
    captions.write_captions(sentences, times, path_to_captions)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_captions(
            path_to_metrics=snakemake.input.metrics,
            path_to_timeline=snakemake.input.timeline,
            path_to_captions=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
