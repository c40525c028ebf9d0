"""Publish the main run's film in the working folder."""

from epochreel.core.files import atomic_copy
from epochreel.formats import video
from epochreel.runtime.job import job


def publish(path_to_film: str, path_to_published: str, key_digest: str) -> None:
    """Check the film against its expected key digest and copy it.

    It is a copy and not a hard link for the reason given in `save_network`.
    """
    video.check(path_to_film, key_digest)
    atomic_copy(path_to_film, path_to_published)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        publish(
            path_to_film=snakemake.input[0],
            path_to_published=snakemake.output[0],
            key_digest=snakemake.params.encoded,
        )
