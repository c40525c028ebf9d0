"""Generate one shard of a dataset."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

from epochreel.artifacts import dataset_shards
from epochreel.core import seeding
from epochreel.core.log import log
from epochreel.experiment_api import loader, sources
from epochreel.provenance import keys
from epochreel.runtime.job import job


def generate_dataset(
    path_to_shard: str, stage: dict, base: Path, paths_to_sources: list | None = None
) -> None:
    """Write the examples `first` … `first + count - 1` of one split to a shard.

    `paths_to_sources` are the user's files that the data are made from, as planned.
    """
    experiment = loader.find(stage["settings"]["experiment"], base)
    options = stage["settings"]["settings"]
    check = partial(sources.check_unchanged, experiment, options, stage, base, paths_to_sources)
    check()
    data, (first, count) = experiment.load("data"), (stage["first"], stage["count"])
    metadata = {name: stage[name] for name in ("split", "first")}
    metadata["key"] = json.loads(keys.key(stage))
    source = f"{data.__file__}: generate"
    examples = generate(data, stage, base, range(first, first + count))
    written = dataset_shards.write(path_to_shard, _then(examples, check), metadata, source)
    log.info("wrote %d examples to %s", written, path_to_shard)
    if again := experiment.to_repeat(first, count):
        alone = generate(again.load("data"), stage, base, range(count - 1, count))
        dataset_shards.check_last(path_to_shard, alone, source)


def generate(data: ModuleType, stage: dict, base: Path, indices: range) -> Iterator[dict]:
    """Yield the examples `indices` of a split, checked and as copies."""
    settings = stage["settings"]
    options = loader.resolve_paths(settings["settings"], stage["folders"], base)
    origin = (settings["seed"], dataset_shards.SPLITS.index(stage["split"]), indices.start)
    seeding.seed_all(seeding.derive_seed(*origin, what="shard"))
    examples = data.generate(options, settings["seed"], stage["split"], indices)
    examples = seeding.seed_each(examples, *origin, what="example")
    return dataset_shards.checked_examples(examples, len(indices), f"{data.__file__}: generate")


def _then(examples: Iterator, check: Callable[[], None]) -> Iterator:
    """Yield all examples, then check that the files that they were made from have not changed."""
    yield from examples
    check()


if __name__ == "__main__":
    with job(snakemake.log[0]):
        generate_dataset(
            path_to_shard=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
            paths_to_sources=snakemake.input,
        )
