"""Write the pages of a run for Snakemake's report: its film, its metrics and its settings."""

import json
from pathlib import Path

from epochreel.artifacts import metrics
from epochreel.core.files import atomic_write_bytes
from epochreel.experiment_api import declared_metrics, loader
from epochreel.formats import video
from epochreel.provenance import keys
from epochreel.runtime.job import job
from epochreel.workspace import run_report


def write_report(
    path_to_film: str, path_to_metrics: str, paths_to_pages: dict, stage: dict, base: Path
) -> None:
    """Write the pages `film`, `metrics` and `settings`."""
    settings, reads = stage["settings"], stage["reads"]
    title = settings["title"]
    video.check(path_to_film, reads["encode"])
    table = metrics.read(path_to_metrics, settings["snapshots"], reads["summarize"])
    declared = declared_metrics.read(loader.of_stage(stage, base).file("evaluation"))
    pages = {
        "film": run_report.film(title, Path(path_to_film).read_bytes()),
        "metrics": run_report.metrics(title, metrics.rows(table), declared),
        "settings": run_report.settings(title, settings["shown"]),
    }
    comment = f"<!-- epochreel {keys.key_digest(stage)} -->\n"
    for name, page in pages.items():
        atomic_write_bytes(paths_to_pages[name], (page + comment).encode())


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_report(
            path_to_film=snakemake.input.film,
            path_to_metrics=snakemake.input.metrics,
            paths_to_pages=dict(snakemake.output.items()),
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
