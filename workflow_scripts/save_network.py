"""Save the network of a run's last snapshot as a separate file."""

from pathlib import Path

from epochreel.artifacts import checkpoint_index
from epochreel.core.files import atomic_copy
from epochreel.runtime.job import job


def save_network(
    path_to_checkpoint: str, path_to_index: str, path_to_network: str, key_digest: str
) -> None:
    """Copy the last checkpoint, which may be deleted later.

    `key_digest` is the expected digest of the checkpoint index's cache key.

    A hard link would not work: Snakemake sets the modification time of a job's outputs to the end
    of the job, so the checkpoint would seem newer than the files made from it.
    """
    last = int(Path(path_to_checkpoint).stem)
    checkpoint_index.check_last(path_to_index, path_to_checkpoint, last, key_digest)
    atomic_copy(path_to_checkpoint, path_to_network)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        save_network(
            path_to_checkpoint=snakemake.input.checkpoint,
            path_to_index=snakemake.input.checkpoint_index,
            path_to_network=snakemake.output[0],
            key_digest=snakemake.params.trained,
        )
