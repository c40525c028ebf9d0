"""Write the manifest of a finished run."""

import json
from itertools import chain

from epochreel.artifacts import manifest
from epochreel.artifacts.verification import RunArtifacts
from epochreel.runtime.job import job


def write_manifest(
    files: dict, path_to_index: str, path_to_manifest: str, settings: dict, sources: list
) -> None:
    """Write the digests of all that is kept of a run, and what its stages depend on.

    `files` are what is kept, by kind; `path_to_index` is the state of the last block; `settings`
    are those of `Run.manifest_settings`, and `sources` the files that its `sources` name. All is
    checked before: the manifest of a damaged or foreign file would vouch for it.
    """
    stages = {name: json.loads(key) for name, key in settings["stages"].items()}
    RunArtifacts(
        files, stages, settings["made_by"], path_to_index, settings["last_snapshots"]
    ).check()
    named = dict(zip(settings["sources"], sources, strict=True))
    artifacts = chain.from_iterable(files.values())
    manifest.write(path_to_manifest, artifacts, settings["stages"], named)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        others = ("checkpoint_index", "sources")
        files = {name: list(paths) for name, paths in snakemake.input.items() if name not in others}
        write_manifest(
            files=files,
            path_to_index=snakemake.input.checkpoint_index,
            path_to_manifest=snakemake.output[0],
            settings=json.loads(snakemake.params.settings),
            sources=snakemake.input.sources,
        )
