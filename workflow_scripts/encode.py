"""Encode a run's frames: as the film, or in one of its other forms."""

import json
from collections.abc import Callable

from epochreel import provenance, video
from epochreel.jobs import job, log
from epochreel.reels import Reel


def encode(
    make: Callable, paths_to_frames: list, paths_to_tweens: list, path_to_target: str, stage: dict
) -> None:
    """Make `path_to_target` of all frames, in order; `make` is one of `video`'s functions.

    `paths_to_tweens` are the pictures that lead to each frame, or empty.
    """
    settings = stage["settings"]
    film = settings["film"]
    size = (settings["width"], settings["height"])
    noted = {"title": "title", "digest": "key"}
    told = {noted[name]: settings[name] for name in noted if name in settings}
    if "ffmpeg" in film:
        log.info("%s: %s", video.ffmpeg_path(film), video.ffmpeg_line(film))
    if make is video.encode_film:
        told["made"] = provenance.key_digest(stage)
    reel = Reel(paths_to_frames, size, paths_to_tweens, stage["reads"])
    make(reel, path_to_target, film, **told)
    log.info("made %s of %d frames", path_to_target, len(paths_to_frames))


MAKERS = {
    "encode": video.encode_film,
    "encode_webm": video.encode_webm,
    "encode_gif": video.encode_gif,
    "save_poster": video.save_poster,
}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        encode(
            make=MAKERS[snakemake.rule],
            paths_to_frames=snakemake.input.frames,
            paths_to_tweens=snakemake.input.tweens,
            path_to_target=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
