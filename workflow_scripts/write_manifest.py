"""Write the manifest of a finished run."""

import json

from epochreel import manifest
from epochreel.jobs import job


def write_manifest(paths_to_artifacts: list, path_to_manifest: str, stages: dict) -> None:
    """Write the digests of all that is kept of a run, and what its stages follow from."""
    manifest.write(path_to_manifest, paths_to_artifacts, stages)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_manifest(
            paths_to_artifacts=snakemake.input,
            path_to_manifest=snakemake.output[0],
            stages=json.loads(snakemake.params.stages),
        )
