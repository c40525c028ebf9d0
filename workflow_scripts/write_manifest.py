"""Write the manifest of a finished run."""

import json
from collections.abc import Mapping
from itertools import chain

from epochreel.artifacts import manifest
from epochreel.artifacts.verification import Kept
from epochreel.runtime.job import job


def write_manifest(
    files: dict,
    path_to_state: str,
    path_to_manifest: str,
    stages: dict,
    ends: list,
    sources: Mapping[str, str],
) -> None:
    """Write the digests of all that is kept of a run, and what its stages follow from.

    `files` are what is kept, by kind; `path_to_state` is the state of the last block, and `ends`
    are the numbers of the blocks' last snapshots. All is looked at before: a manifest of what is
    damaged or another's would vouch for it. `sources` are the user's files that the data are made
    from, by name.
    """
    keys = {name: json.loads(key) for name, key in stages.items()}
    Kept(files, keys, path_to_state, ends).refuse_wrong()
    manifest.write(path_to_manifest, chain.from_iterable(files.values()), stages, sources)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        others = ("state", "sources")
        files = {name: list(paths) for name, paths in snakemake.input.items() if name not in others}
        names = json.loads(snakemake.params.sources)
        write_manifest(
            files=files,
            path_to_state=snakemake.input.state,
            path_to_manifest=snakemake.output[0],
            stages=json.loads(snakemake.params.stages),
            ends=json.loads(snakemake.params.ends),
            sources=dict(zip(names, snakemake.input.sources, strict=True)),
        )
