"""Write the manifest of a finished run."""

import json
from itertools import chain

from epochreel.artifacts import manifest
from epochreel.artifacts.verification import RunArtifacts
from epochreel.runtime.job import job


def write_manifest(
    files: dict, path_to_index: str, path_to_manifest: str, settings: dict, sources: list
) -> None:
    """Write the checksums of all artifacts of a run and the cache keys of its stages.

    `files` are the artifacts by kind; `path_to_index` is the checkpoint index of the last block;
    `settings` is the result of `Run.manifest_settings`, and `sources` are the files that its entry
    `sources` names. All files are checked first, so that a manifest never lists a file that is
    damaged or was made with other settings.
    """
    stages = {name: json.loads(key) for name, key in settings["stages"].items()}
    RunArtifacts(
        files, stages, settings["made_by"], path_to_index, settings["last_snapshots"]
    ).check()
    source_paths = dict(zip(settings["sources"], sources, strict=True))
    artifacts = chain.from_iterable(files.values())
    manifest.write(path_to_manifest, artifacts, settings["stages"], source_paths)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        not_artifacts = ("last_index", "sources")
        inputs = snakemake.input.items()
        files = {name: list(paths) for name, paths in inputs if name not in not_artifacts}
        write_manifest(
            files=files,
            path_to_index=snakemake.input.last_index,
            path_to_manifest=snakemake.output[0],
            settings=json.loads(snakemake.params.settings),
            sources=snakemake.input.sources,
        )
