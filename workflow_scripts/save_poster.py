"""Save one of a run's frames as the poster."""

import json

from epochreel.artifacts.frames import FrameSequence
from epochreel.film import encode
from epochreel.runtime.job import job


def save_poster(paths_to_frames: list, path_to_poster: str, stage: dict) -> None:
    """Check the frame that the settings select, and copy it."""
    settings = stage["settings"]
    size = (settings["width"], settings["height"])
    sequence = FrameSequence(paths_to_frames, size, drawn=stage["reads"])
    encode.save_poster(sequence, path_to_poster, settings["film"])


if __name__ == "__main__":
    with job(snakemake.log[0]):
        save_poster(
            paths_to_frames=snakemake.input.frames,
            path_to_poster=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
