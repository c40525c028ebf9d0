"""Publish the main run's film at the top of the folder."""

from epochreel.core.files import atomic_copy
from epochreel.formats import mp4
from epochreel.runtime.job import job


def publish(path_to_film: str, path_to_published: str, encoded: str) -> None:
    """Copy the film. (A second name would not do: see save_network.)

    `encoded` is the digest of the key that it must follow from.
    """
    mp4.check(path_to_film, encoded)
    atomic_copy(path_to_film, path_to_published)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        publish(
            path_to_film=snakemake.input[0],
            path_to_published=snakemake.output[0],
            encoded=snakemake.params.encoded,
        )
