"""Save the network of a run's last snapshot under a name of its own."""

from pathlib import Path

from epochreel.artifacts import checkpoint_index
from epochreel.core.files import atomic_copy
from epochreel.runtime.job import job


def save_network(
    path_to_checkpoint: str, path_to_index: str, path_to_network: str, trained: str
) -> None:
    """Copy the last checkpoint, which may not be kept.

    `trained` is the digest of the key that the state of its block must note.

    A second name would not do: Snakemake sets the time of a finished job's outputs to now, which
    would make the checkpoint seem newer than what was made of it.
    """
    last = int(Path(path_to_checkpoint).stem)
    checkpoint_index.check_last(path_to_index, path_to_checkpoint, last, trained)
    atomic_copy(path_to_checkpoint, path_to_network)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        save_network(
            path_to_checkpoint=snakemake.input.checkpoint,
            path_to_index=snakemake.input.checkpoint_index,
            path_to_network=snakemake.output[0],
            trained=snakemake.params.trained,
        )
