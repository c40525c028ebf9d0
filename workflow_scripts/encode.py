"""Join the segments of a film."""

import json
from pathlib import Path

from epochreel.artifacts import metrics, segment_files, timeline
from epochreel.core.errors import UserError
from epochreel.core.log import log
from epochreel.film import cues
from epochreel.film import encode as encoder
from epochreel.film.segment_store import SegmentStore
from epochreel.film.timing import Timeline
from epochreel.provenance import keys
from epochreel.runtime.job import job


def encode(
    paths_to_segments: list,
    path_to_timeline: str,
    path_to_metrics: str,
    path_to_film: str,
    stage: dict,
) -> None:
    """Check all segments, join them in order, and delete unused ones from the store.

    The chapters of the film are its phases.
    """
    settings, reads, target = stage["settings"], stage["reads"], Path(path_to_film)
    film, snapshots = settings["film"], settings["snapshots"]
    times = Timeline(*timeline.read(path_to_timeline, snapshots, reads["timeline"]))
    table = metrics.read(path_to_metrics, snapshots, reads["summarize"])
    chapters = cues.cues(times, metrics.sentences(table))
    made_by = "encode_webm" if target.suffix == ".webm" else "encode"
    digests = reads[f"{made_by}_segment"], reads.get(f"{made_by}_closing")
    expected = segment_files.expected(snapshots, film["segment"], *digests)
    found = segment_files.check(paths_to_segments, expected)
    if sum(position.length for position in found) != times.length:
        raise UserError(
            f"{target.parent / 'segments'} has {sum(position.length for position in found)} film "
            f"frames, but {path_to_timeline} has {times.length}: delete that folder and run the "
            "same command again"
        )
    size = settings["width"], settings["height"]
    about = settings["title"], keys.key_digest(stage), chapters
    encoder.join(paths_to_segments, target, times.length, size, film, *about)
    store = SegmentStore(target.parent / "store" / "segments", target.suffix)
    store.prune({position.content for position in found})
    log.info("wrote %s from %d segments", target, len(found))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        encode(
            paths_to_segments=snakemake.input.segments,
            path_to_timeline=snakemake.input.timeline,
            path_to_metrics=snakemake.input.metrics,
            path_to_film=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
