"""Verify finished runs against their manifests."""

from pathlib import Path

from epochreel import manifest
from epochreel.errors import UserError
from epochreel.files import sha256, write_whole
from epochreel.jobs import NOTICE, job, log
from epochreel.plan import Plan, Run


def verify(config: dict, base: Path, path_to_report: str) -> None:
    """Compare every run that has a manifest with it, and name what differs.

    Relative paths of the config start from `base`. Raises `UserError` where anything differs;
    else the report names the runs that are as they were made.
    """
    found, sound, plan = 0, [], Plan(config, base)
    for run in plan.runs.values():
        if not Path(run.manifest).is_file():
            log.log(NOTICE, "run '%s' is not finished: it has no %s", run.name, run.manifest)
            continue
        differences = list(manifest.differences(run.manifest, run.kept(), run.keys(), run.stages()))
        differences += _published(run) if run is plan.main else []
        for line in differences:
            log.error("%s", line)
        if not differences:
            log.log(NOTICE, "run '%s' is as it was made", run.name)
            sound.append(run.name)
        found += len(differences)
    if found:
        raise UserError(f"{found} artifact(s) differ")
    write_whole(path_to_report, "".join(f"{name}\n" for name in sound).encode())


def _published(run: Run) -> list[str]:
    """What is wrong with the published film of the main run, where there is one."""
    film, copy = Path(next(run.kept())), Path("training.mp4")
    if not (film.is_file() and copy.is_file()) or sha256(film) == sha256(copy):
        return []
    return [f"{copy} is not {film}: delete it, and it is made again"]


if __name__ == "__main__":
    with job(snakemake.log[0]):
        verify(
            config=snakemake.config,
            base=snakemake.params.base,
            path_to_report=snakemake.output[0],
        )
