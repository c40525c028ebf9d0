"""Save the network of a run's last snapshot under a name of its own."""

from epochreel import seals
from epochreel.files import link_whole
from epochreel.jobs import job


def save_network(path_to_checkpoint: str, path_to_network: str) -> None:
    """Give the last checkpoint a second name, which stays where checkpoints are not kept."""
    seals.check(path_to_checkpoint)
    link_whole(path_to_checkpoint, path_to_network)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        save_network(
            path_to_checkpoint=snakemake.input.checkpoint,
            path_to_network=snakemake.output[0],
        )
