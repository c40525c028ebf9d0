"""Verify finished runs against their manifests, even while Snakemake is running.

The exit status is 0 if all files are intact, and 1 otherwise.
"""

from collections.abc import Iterator
from pathlib import Path

from epochreel.artifacts import manifest
from epochreel.core.errors import UserError
from epochreel.core.files import sha256
from epochreel.core.log import NOTICE, log
from epochreel.plan.plan import Plan, Run
from epochreel.runtime import command
from epochreel.runtime.job import job


def verify(plan: Plan) -> None:
    """Compare each run with its manifest and log what differs.

    Raises `UserError` if anything differs, or if a run has a film but no manifest.
    """
    found = 0
    for run in plan.runs.values():
        if not any(Path(path).is_file() for path in (run.files.manifest, run.files.film)):
            log.log(NOTICE, "run '%s' is not finished: %s is missing", run.name, run.files.film)
            continue
        differences = [*_differences(run), *(_published(run) if run is plan.main else [])]
        for line in differences:
            log.error("%s", line)
        if not differences:
            log.log(NOTICE, "run '%s' matches its manifest", run.name)
        found += len(differences)
    if found:
        raise UserError(f"{found} file(s) differ or cannot be compared")


def _differences(run: Run) -> Iterator[str]:
    """Yield a line for each artifact or source file of a run that differs from the manifest."""
    files = run.files
    if not Path(files.manifest).is_file():
        yield f"{files.film} has no manifest: run: snakemake {files.manifest}"
        return
    try:
        run.check_steps()
    except UserError as error:
        yield str(error)
    try:
        sources = run.dataset.sources()
    except UserError as error:  # The results can still be checked without the user's files.
        yield str(error)
        sources = None
    expected = run.artifact_keys(), run.stages(), sources
    yield from manifest.differences(files.manifest, files.artifacts(), *expected)


def _published(run: Run) -> list[str]:
    """Return a line if the published film exists and differs from the main run's film."""
    film, copy = Path(run.files.film), Path("training.mp4")
    if not (film.is_file() and copy.is_file()) or sha256(film) == sha256(copy):
        return []
    return [f"{copy} differs from {film}: delete it and run the same command again"]


if __name__ == "__main__":
    if "snakemake" in globals():
        with job(snakemake.log[0]):
            verify(Plan(snakemake.config, snakemake.params.base))
    else:
        options = command.options(__doc__)
        with command.command():
            verify(Plan.read(options.configfile, options.config))
