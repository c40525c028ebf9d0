"""Predict on a user's image."""

import json
from pathlib import Path

from epochreel.core.files import atomic_write
from epochreel.core.log import log
from epochreel.experiment_api import loader
from epochreel.inference.predictor import Predictor
from epochreel.runtime.job import job


def predict(
    path_to_image: str,
    path_to_network: str,
    path_to_index: str,
    path_to_prediction: str,
    stage: dict,
    base: Path,
) -> None:
    """Write a table of what a run's network predicts for an image."""
    experiment = loader.of_stage(stage, base)
    paths = path_to_image, path_to_network, path_to_index
    table = Predictor(experiment, stage, *paths).call("predict")
    with atomic_write(path_to_prediction) as tmp_path:
        table.to_csv(tmp_path, index=False, float_format="%.4f", lineterminator="\n")
    log.info("wrote %d rows for %s", len(table), path_to_image)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        predict(
            path_to_image=snakemake.input.image,
            path_to_network=snakemake.input.network,
            path_to_index=snakemake.input.checkpoint_index,
            path_to_prediction=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
