"""Encode a segment of a film: consecutive snapshots, or the end of the film."""

import json
from pathlib import Path

from epochreel.artifacts import segment_files, timeline
from epochreel.artifacts.frames import FrameSequence
from epochreel.core.log import log
from epochreel.film import encode, ffmpeg, segments
from epochreel.film.segment_store import SegmentStore
from epochreel.film.timing import Timeline
from epochreel.provenance import keys
from epochreel.runtime.job import job


def encode_segment(
    pictures: dict, path_to_timeline: str | None, path_to_segment: str, is_end: bool, stage: dict
) -> None:
    """Write a segment, or copy it if the store has one with the same content.

    `pictures` are the `frames`, `transitions` and `closing` of a `FrameSequence`. Without a
    timeline, the pace is even.
    """
    settings, first, count = stage["settings"], stage["first"], stage["count"]
    film, key_digest = settings["film"], keys.key_digest(stage)
    size = settings["width"], settings["height"]
    sequence = FrameSequence(size=size, drawn=stage["reads"], first=first, **pictures)
    if path_to_timeline:
        shown = timeline.read(path_to_timeline, stage["snapshots"], stage["reads"]["timeline"])
        times = segments.without_end(Timeline(*shown), film)
    else:
        times = segments.even_times(first + count, film)
    segment = (
        segments.of_end(times, first, settings["tweens"], film)
        if is_end
        else segments.of_snapshots(times, first, count, settings["tweens"])
    )
    made_by = {name: stage[name] for name in ("code", "versions")}
    content = segments.digest(segment, sequence.check(), encode.settings_of(film) | made_by)
    target = Path(path_to_segment)
    store = SegmentStore(target.parents[1] / "store" / "segments", target.suffix)
    if store.has(content):
        log.info("taking %s from the store", target)
    else:
        log.info("%s: %s", ffmpeg.ffmpeg_path(film), ffmpeg.ffmpeg_line(film))
        encode.encode_segment(sequence, segment, store.path(content), film, content, target)
    place = segment_files.Position(
        first, 0 if is_end else count, segment.start, segment.length, content
    )
    segment_files.write(target, store.path(content), place, key_digest)
    log.info("wrote %s with %d film frames", target, segment.length)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        closing = snakemake.input.get("closing")
        encode_segment(
            pictures={
                "frames": snakemake.input.frames,
                "transitions": snakemake.input.get("transitions", []),
                "closing": closing[0] if closing else None,
            },
            path_to_timeline=next(iter(snakemake.input.timeline), None),
            path_to_segment=snakemake.output[0],
            is_end=closing is not None,
            stage=json.loads(snakemake.params.settings),
        )
