"""Terminal: a line per run, then the film or the errors. No rules.

Uses PLAN, IS_COMMAND and IS_MODULE from common.smk and startup.smk.
"""

from functools import cache

from epochreel.experiment_api import declared_metrics
from epochreel.runtime.terminal import handler, reasons


@cache
def metrics_declared_by(run):
    return declared_metrics.read(PLAN.runs[run].experiment.file("evaluation"))


def steps_of(owner):
    """The training steps of a run's snapshots; none for a dataset."""
    return PLAN.runs[owner].steps if owner in PLAN.runs else ()


def snapshots_of_job(run, wildcards):
    """Return the first snapshot and the count of a job's block or segment; None for other jobs."""
    found = PLAN.runs[run]
    if block := wildcards.get("block"):
        return int(block) * PLAN.size, found.snapshot_count(block)
    if segment := wildcards.get("segment"):
        position = found.segment_position(segment)
        return position["first"], position["count"]


def metric_in_words(run, values):
    """Return the main metric of a run and its value as text."""
    declared = metrics_declared_by(run)
    defined = {name: value for name, value in values.items() if value is not None}
    name = declared_metrics.main_metric(defined, declared)
    return declared_metrics.in_words(declared[name], defined[name]) if name else ""


def metric_so_far(run, block):
    """Return the same for the last snapshot of a block."""
    from epochreel.artifacts import metrics  # Loads pyarrow: 0.2 s.
    from epochreel.formats import parquet

    table = parquet.read(f"results/{run}/metrics/{block}.parquet")
    last = metrics.rows(table)[-1]
    return metric_in_words(run, {n: last[n] for n in metrics.names(table) if last[n] == last[n]})


def whole_of_job(wildcards):
    """The snapshots of a run, or the examples of a split, of which a job makes a part."""
    if run := wildcards.get("run"):
        found = PLAN.runs[run]
        size = PLAN.size if wildcards.get("block") else found.settings["film"]["segment"]
        return reasons.Whole(found.dataset.name, found.snapshots, size)
    if dataset := wildcards.get("dataset"):
        settings = PLAN.dataset(dataset).settings
        return reasons.Whole(dataset, settings[wildcards.split], settings["examples_per_shard"])
    return reasons.Whole()


def films_among(paths):
    """Yield a line for each film among the files that a command makes or has, the main one last."""
    from epochreel.film.summary import film_line

    runs = sorted(PLAN.runs.values(), key=lambda run: run is PLAN.main)
    films = {run.files.film: run for run in runs if run.files.film in paths}
    if "training.mp4" in paths:
        films.pop(PLAN.main.files.film, None)
        films["training.mp4"] = PLAN.main
    for film, run in films.items():
        try:
            yield film_line(film, run.files.last("metrics"), metrics_declared_by(run.name))
        except Exception:  # A command that has succeeded must not fail at its last line.
            yield film


if IS_COMMAND and not IS_MODULE:
    # The command ends its jobs at Ctrl-C. A job that is importing modules would print a traceback.
    shell.prefix("set -euo pipefail; trap '' INT; ")
    handler.install(
        workflow,
        handler.Subject(
            steps=steps_of,
            block=snapshots_of_job,
            metric=metric_in_words,
            metric_so_far=metric_so_far,
            whole=whole_of_job,
            films=films_among,
        ),
    )
