"""Verify finished runs against their manifests."""

from collections.abc import Iterator
from pathlib import Path

from epochreel.artifacts import manifest
from epochreel.core.errors import UserError
from epochreel.core.files import sha256
from epochreel.core.log import NOTICE, log
from epochreel.plan.plan import Plan, Run
from epochreel.runtime.job import job


def verify(config: dict, base: Path) -> None:
    """Compare every run that has a manifest with it, and name what differs.

    Relative paths of the config start from `base`. Raises `UserError` where anything differs, and
    where a run has a film and no manifest to compare it with.
    """
    found, plan = 0, Plan(config, base)
    for run in plan.runs.values():
        if not any(Path(path).is_file() for path in (run.files.manifest, run.files.film)):
            log.log(NOTICE, "run '%s' is not finished: it has no %s", run.name, run.files.film)
            continue
        differences = [*_differences(run), *(_published(run) if run is plan.main else [])]
        for line in differences:
            log.error("%s", line)
        if not differences:
            log.log(NOTICE, "run '%s' is as it was made", run.name)
        found += len(differences)
    if found:
        raise UserError(f"{found} file(s) differ or cannot be compared")


def _differences(run: Run) -> Iterator[str]:
    """What is wrong with what is kept of a run, and with the user's files it was made from."""
    files = run.files
    if not Path(files.manifest).is_file():
        yield f"{files.film} has no manifest to be compared with: run: snakemake {files.manifest}"
        return
    try:
        sources = run.dataset.sources()
    except UserError as error:  # The folder is gone: the results can be looked at all the same.
        yield str(error)
        sources = {}
    expected = run.artifact_keys(), run.stages(), sources
    yield from manifest.differences(files.manifest, files.artifacts(), *expected)


def _published(run: Run) -> list[str]:
    """What is wrong with the published film of the main run, where there is one."""
    film, copy = Path(run.files.film), Path("training.mp4")
    if not (film.is_file() and copy.is_file()) or sha256(film) == sha256(copy):
        return []
    return [f"{copy} is not {film}: delete it, and it is made again"]


if __name__ == "__main__":
    with job(snakemake.log[0]):
        verify(config=snakemake.config, base=snakemake.params.base)
