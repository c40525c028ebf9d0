"""Write the captions of a film: the sentences of its frames."""

import json

from epochreel.artifacts import metrics, timeline
from epochreel.core.files import atomic_write_bytes
from epochreel.film import captions, cues
from epochreel.film.timing import Timeline
from epochreel.runtime.job import job


def write_captions(
    path_to_metrics: str, path_to_timeline: str, path_to_captions: str, stage: dict
) -> None:
    """Write a caption for each phase of the film."""
    count, reads = stage["settings"]["snapshots"], stage["reads"]
    table = metrics.read(path_to_metrics, count, reads["summarize"])
    times = Timeline(*timeline.read(path_to_timeline, count, reads["timeline"]))
    shown = cues.cues(times, metrics.sentences(table))
    figure = stage["settings"]["figure"]
    place = captions.Place((figure["width"], figure["height"]), figure["theme"])
    atomic_write_bytes(path_to_captions, captions.webvtt(shown, place).encode())


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_captions(
            path_to_metrics=snakemake.input.metrics,
            path_to_timeline=snakemake.input.timeline,
            path_to_captions=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
