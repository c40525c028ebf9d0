"""Encode a run's frames as MP4, WebM or GIF, or save one as the poster."""

import json
from collections.abc import Callable
from pathlib import Path

from epochreel.artifacts import timeline
from epochreel.artifacts.frames import FrameSequence
from epochreel.core.log import log
from epochreel.film import encode as encoder
from epochreel.film import ffmpeg
from epochreel.film.timing import Timeline
from epochreel.provenance import keys
from epochreel.runtime.job import job


def encode(
    make: Callable,
    paths_to_frames: list,
    paths_to_transitions: list,
    path_to_timeline: str | None,
    path_to_target: str,
    stage: dict,
) -> None:
    """Write `path_to_target` from all frames, in order; `make` is a function of `film.encode`.

    `paths_to_transitions` are the transitions before each frame, or empty. The poster has no
    timeline.
    """
    settings = stage["settings"]
    film = settings["film"]
    size = (settings["width"], settings["height"])
    tags = {}
    if "title" in settings:
        tags = {"title": settings["title"], "key_digest": keys.key_digest(stage)}
    if "ffmpeg" in film:
        log.info("%s: %s", ffmpeg.ffmpeg_path(film), ffmpeg.ffmpeg_line(film))
    sequence = FrameSequence(paths_to_frames, size, paths_to_transitions, stage["reads"])
    times = []
    if path_to_timeline:
        shown = timeline.read(path_to_timeline, len(paths_to_frames), stage["reads"]["timeline"])
        times = [Timeline(*shown)]
    make(sequence, *times, path_to_target, film, **tags)
    log.info("wrote %s from %d frames", path_to_target, len(paths_to_frames))


ENCODERS = {
    ".mp4": encoder.encode_film,
    ".webm": encoder.encode_webm,
    ".gif": encoder.encode_gif,
    ".png": encoder.save_poster,
}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        encode(
            make=ENCODERS[Path(snakemake.output[0]).suffix],
            paths_to_frames=snakemake.input.frames,
            paths_to_transitions=snakemake.input.transitions,
            path_to_timeline=snakemake.input.get("timeline"),
            path_to_target=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
