"""Write the manifest of a finished run."""

import json

from epochreel import film_seals, manifest, provenance, states
from epochreel.jobs import job


def write_manifest(
    path_to_film: str,
    path_to_network: str,
    path_to_state: str,
    paths_to_others: list,
    path_to_manifest: str,
    stages: dict,
    last: int,
) -> None:
    """Write the digests of all that is kept of a run, and what its stages follow from.

    Film and network, which no other stage has read, are checked; `path_to_state` is the state of
    the block that ends with the run's last snapshot, number `last`.
    """
    made = {name: provenance.digest(json.loads(stages[name])) for name in ("encode", "train")}
    film_seals.check(path_to_film, made["encode"])
    states.refuse_another_last(path_to_state, path_to_network, last, made["train"])
    artifacts = [path_to_film, path_to_network, *paths_to_others]
    manifest.write(path_to_manifest, artifacts, stages)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_manifest(
            path_to_film=snakemake.input.film,
            path_to_network=snakemake.input.network,
            path_to_state=snakemake.input.state,
            paths_to_others=snakemake.input.others,
            path_to_manifest=snakemake.output[0],
            stages=json.loads(snakemake.params.stages),
            last=snakemake.params.last,
        )
