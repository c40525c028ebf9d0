"""Read a page of one's own."""

import json
from pathlib import Path

import torch

from epochreel import checkpoints, experiments
from epochreel.errors import UserError
from epochreel.files import whole_file
from epochreel.jobs import job, log
from epochreel.pages import open_page


def read(
    path_to_page: str, path_to_network: str, path_to_reading: str, stage: dict, base: Path
) -> None:
    """Write the table of what a run's network reads on a page.

    Relative paths of the settings start from `base`. The CPU reads, with one thread, so that the
    same page gives the same bytes on a machine with a GPU.
    """
    settings = stage["settings"]
    data = settings["data"]
    experiment = experiments.find(data["experiment"], base)
    if not experiment.file("reading").is_file():
        raise UserError(f"experiment '{data['experiment']}' reads no pages: it has no reading.py")
    torch.set_num_threads(1)
    page = open_page(path_to_page)
    network = experiment.load("model").Network(settings["network"], data["settings"])
    checkpoints.load_into(network, path_to_network)
    try:
        table = experiment.load("reading").read(network.eval(), page, data["settings"])
    except UserError as error:
        raise UserError(f"{path_to_page}: {error}") from error
    with whole_file(path_to_reading) as beside:
        table.to_csv(beside, index=False, float_format="%.4f", lineterminator="\n")
    log.info("read %d numbers on %s", len(table), path_to_page)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        read(
            path_to_page=snakemake.input.page,
            path_to_network=snakemake.input.network,
            path_to_reading=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
