"""Generate one shard of a dataset."""

import json
from pathlib import Path

from epochreel.artifacts import dataset_shards
from epochreel.core import seeding
from epochreel.core.log import log
from epochreel.experiment_api import loader
from epochreel.provenance import keys
from epochreel.runtime.job import job


def generate_dataset(path_to_shard: str, stage: dict, base: Path) -> None:
    """Write the examples `first` … `first + count - 1` of one split to a shard."""
    settings = stage["settings"]
    data = loader.find(settings["experiment"], base).load("data")
    options = loader.resolve_paths(settings["settings"], stage["folders"], base)
    indices = range(stage["first"], stage["first"] + stage["count"])
    origin = (settings["seed"], dataset_shards.SPLITS.index(stage["split"]), stage["first"])
    seeding.seed_all(seeding.derive_seed(*origin, what="shard"))
    examples = data.generate(options, settings["seed"], stage["split"], indices)
    metadata = {name: stage[name] for name in ("split", "first")}
    metadata["key"] = json.loads(keys.key(stage))
    source = f"{data.__file__}: generate"
    examples = seeding.seed_each(examples, *origin, what="example")
    examples = dataset_shards.checked_examples(examples, stage["count"], source)
    written = dataset_shards.write(path_to_shard, examples, metadata, source)
    log.info("wrote %d examples to %s", written, path_to_shard)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        generate_dataset(
            path_to_shard=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
