"""Draw the prediction for a user's image."""

import json
from pathlib import Path

from epochreel.core.files import atomic_write_bytes
from epochreel.experiment_api import loader
from epochreel.formats import png
from epochreel.inference.predictor import Predictor
from epochreel.runtime.job import job


def draw_prediction(
    path_to_image: str,
    path_to_network: str,
    path_to_index: str,
    path_to_picture: str,
    stage: dict,
    base: Path,
) -> None:
    """Write the experiment's picture of what a run's network predicts for an image."""
    experiment = loader.of_stage(stage, base)
    paths = path_to_image, path_to_network, path_to_index
    pixels = Predictor(experiment, stage, *paths).call("draw_prediction")
    atomic_write_bytes(path_to_picture, png.encode(pixels))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_prediction(
            path_to_image=snakemake.input.image,
            path_to_network=snakemake.input.network,
            path_to_index=snakemake.input.checkpoint_index,
            path_to_picture=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
