"""Write the manifest of a finished run."""

from epochreel import manifest
from epochreel.jobs import job


def write_manifest(paths_to_artifacts: list, path_to_manifest: str) -> None:
    """Write the digests of all that is kept of a run."""
    manifest.write(path_to_manifest, paths_to_artifacts)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_manifest(paths_to_artifacts=snakemake.input, path_to_manifest=snakemake.output[0])
