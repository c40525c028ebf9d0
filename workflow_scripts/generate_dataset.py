"""Generate one shard of a dataset."""

import json
from pathlib import Path

from epochreel import chance, experiments, provenance, shards
from epochreel.jobs import job, log


def generate_dataset(path_to_shard: str, stage: dict, base: Path) -> None:
    """Write the examples `first` … `first + count - 1` of one split.

    Relative paths of the settings start from `base`.
    """
    settings = stage["settings"]
    data = experiments.find(settings["experiment"], base).load("data")
    own = experiments.resolved(settings["settings"], stage["folders"], base)
    indices = range(stage["first"], stage["first"] + stage["count"])
    origin = (settings["seed"], shards.SPLITS.index(stage["split"]), stage["first"])
    chance.begin(chance.number(*origin, what="shard"))
    examples = data.generate(own, settings["seed"], stage["split"], indices)
    about = {name: stage[name] for name in ("split", "first")}
    about["key"] = json.loads(provenance.key(stage))
    source = f"{data.__file__}: generate"
    examples = chance.each_anew(examples, *origin, what="example")
    examples = shards.alike(examples, stage["count"], source)
    written = shards.write(path_to_shard, examples, about, source)
    log.info("wrote %d examples to %s", written, path_to_shard)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        generate_dataset(
            path_to_shard=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
