"""Read an image of one's own."""

import json
from pathlib import Path

from epochreel.core.files import whole_file
from epochreel.core.log import log
from epochreel.experiment_api import loader
from epochreel.inference.predictor import Reading
from epochreel.runtime.job import job


def read(
    path_to_image: str,
    path_to_network: str,
    path_to_state: str,
    path_to_reading: str,
    stage: dict,
    base: Path,
) -> None:
    """Write the table of what a run's network reads in an image."""
    experiment = loader.of_stage(stage, base)
    paths = path_to_image, path_to_network, path_to_state
    table = Reading(experiment, stage, *paths).made("read")
    with whole_file(path_to_reading) as beside:
        table.to_csv(beside, index=False, float_format="%.4f", lineterminator="\n")
    log.info("read %d rows in %s", len(table), path_to_image)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        read(
            path_to_image=snakemake.input.image,
            path_to_network=snakemake.input.network,
            path_to_state=snakemake.input.state,
            path_to_reading=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
