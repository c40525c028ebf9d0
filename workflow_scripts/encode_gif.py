"""Encode a run's frames as GIF."""

import json

from epochreel.artifacts import timeline
from epochreel.artifacts.frames import FrameSequence
from epochreel.core.log import log
from epochreel.film import encode, ffmpeg
from epochreel.film.timing import Timeline
from epochreel.runtime.job import job


def encode_gif(pictures: dict, path_to_timeline: str, path_to_gif: str, stage: dict) -> None:
    """Write a GIF of all frames; `pictures` are those of a `FrameSequence`."""
    settings, film = stage["settings"], stage["settings"]["film"]
    sequence = FrameSequence(
        size=(settings["width"], settings["height"]), drawn=stage["reads"], **pictures
    )
    log.info("%s: %s", ffmpeg.ffmpeg_path(film), ffmpeg.ffmpeg_line(film))
    snapshots = len(sequence.frames)
    times = Timeline(*timeline.read(path_to_timeline, snapshots, stage["reads"]["timeline"]))
    encode.encode_gif(sequence, times, path_to_gif, film)
    log.info("wrote %s from %d frames", path_to_gif, snapshots)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        encode_gif(
            pictures={
                "frames": snakemake.input.frames,
                "transitions": snakemake.input.transitions,
                "closing": next(iter(snakemake.input.closing), None),
            },
            path_to_timeline=snakemake.input.timeline,
            path_to_gif=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
