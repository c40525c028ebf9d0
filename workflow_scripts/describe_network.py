"""Describe the layers of a run's network."""

import json
from pathlib import Path

from epochreel.artifacts import layer_table
from epochreel.artifacts.dataset_shards import Split
from epochreel.core import device, seeding
from epochreel.experiment_api import loader, sources
from epochreel.provenance import keys
from epochreel.runtime.job import job
from epochreel.training.data_source import example_of
from epochreel.training.network_layers import layer_rows
from epochreel.training.training_data import stream


def describe_network(paths_to_train: list, path_to_layers: str, stage: dict, base: Path) -> None:
    """Write the layer table, in the order in which the layers process one training example.

    `paths_to_train` is the first shard of the training set, or empty for an unbounded one.
    """
    settings, cpu = stage["settings"], device.choose(threads=1)
    experiment = loader.of_stage(stage, base)
    model = experiment.load("model")
    if paths_to_train:
        example = example_of(Split.sample(stage, "train", paths_to_train, 1), cpu)
    else:
        sources.check_unchanged(experiment, settings["data"]["settings"], stage, base)
        example = stream(experiment, stage, base, 1, cpu).example()
    seeding.seed_all(settings["seed"])
    network = device.put(model.Network(settings["network"], settings["data"]["settings"]), cpu)
    rows = layer_rows(network, lambda: model.loss(network, example))
    layer_table.write(path_to_layers, rows, keys.key(stage))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        describe_network(
            paths_to_train=snakemake.input.train,
            path_to_layers=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
