"""Input and params functions shared by the rules: settings and file names. No rules.

They use PLAN, SLOTS, `Path`, `cache`, `canonical`, `of_shard` and `or_stop` from common.smk, and
IS_COMMAND and `begin` from startup.smk.
"""

import json
import os
from decimal import Decimal

from snakemake.logging import logger

from epochreel.provenance.file_checksums import content_digest
from epochreel.runtime import gpu


@cache
def check_targets():
    """Check the command's target files (a job on a cluster has none), then call `begin`."""
    # Snakemake sets `dag_settings` after reading the Snakefile and before calling input functions.
    settings = workflow.dag_settings
    PLAN.check_targets([*settings.targets, *settings.forcerun, *settings.until])
    begin()


@cache
def check_steps(run):
    """Check that the steps of a run's existing snapshots are those in the config, once per run."""
    run.check_steps()


def run_of(wildcards):
    """Return the run of a job.

    Nearly every function below calls this, so the targets are checked before any job is planned.
    """
    check_targets()
    run = PLAN.run(wildcards.run)
    check_steps(run)
    return run


@cache
def runs_of_all():
    """Return the runs that the target `all` makes, and log which ones it omits."""
    needing = [run.name for run in PLAN.runs.values() if run.settings["needs"] == "gpu"]
    # Snakemake sets this for every executor that is not local, even in a dry run.
    settings = workflow.execution_settings
    on_cluster = settings is not None and settings.use_threads
    if not needing or on_cluster or not gpu.torch_finds_none():
        return list(PLAN.runs.values())
    need = "it needs" if len(needing) == 1 else "they need"
    names = ", ".join(needing)
    logger.warning(f"epochreel: omitting {names}: {need} a GPU, and torch finds none here")
    return [run for run in PLAN.runs.values() if run.name not in needing]


@or_stop
def files_of_all(_wildcards):
    """The files that the target `all` makes."""
    check_targets()
    runs = runs_of_all()
    kept = [file for run in runs for file in (*run.files.artifacts(), run.files.manifest)]
    pages = [file for run in runs for file in run.files.of("report")]
    return [*(["training.mp4"] if PLAN.main in runs else []), *kept, *pages]


def all_of(kind):
    """All files of one kind of a run, such as its frames."""
    return or_stop(lambda wildcards: run_of(wildcards).files.of(kind))


def last_of(kind):
    """The file of one kind of a run's last snapshot or block."""
    return or_stop(lambda wildcards: run_of(wildcards).files.last(kind))


def of_run(name):
    """The files that the method `name` of `RunFiles` returns for a run."""
    return or_stop(lambda wildcards: getattr(run_of(wildcards).files, name)())


def of_block(name):
    """The files that the method `name` of `RunFiles` returns for a block."""
    return or_stop(lambda wildcards: getattr(run_of(wildcards).files, name)(wildcards.block))


def of_segment(kind, segment=None):
    """The files of one kind of the snapshots of a segment: of `segment`, or of the wildcard."""

    def files(wildcards):
        return run_of(wildcards).files.of_segment(kind, segment or wildcards.segment)

    return or_stop(files)


def settings_of(stage, segment=None):
    """The fingerprint of a run's stage, or of one block or segment of it, as canonical JSON."""

    def settings(wildcards):
        run = run_of(wildcards)
        position = wildcards.get("block"), wildcards.get("segment", segment)
        return canonical(run.job_settings(stage, *position))

    return or_stop(settings)


@or_stop
def snapshots_of(wildcards):
    """The number of a run's snapshots, as a `Decimal`: Snakemake does not track it in params."""
    return Decimal(run_of(wildcards).snapshots)


@or_stop
def title_of(wildcards):
    """The title and the name of a run, the heading of its part of the report."""
    return f"{run_of(wildcards).settings['title']} ({wildcards.run})"


def threads_of(part):
    """The number of threads in the part `part` of a run's settings."""
    return or_stop(lambda wildcards: run_of(wildcards).settings[part]["threads"])


def key_of(stage):
    """The digest of the cache key that the artifacts of a run's stage carry."""
    return or_stop(lambda wildcards: run_of(wildcards).key_digest(stage))


def shards_of(split):
    """The shards of a split of a run's dataset."""
    return or_stop(lambda wildcards: run_of(wildcards).dataset.shards(split))


def runs_keeping(checkpoints):
    """A pattern for the wildcard `run`: runs that keep `all` checkpoints, or only the `last`."""
    return PLAN.pattern_of(
        run for run in PLAN.runs.values() if run.settings["keep_checkpoints"] == checkpoints
    )


def files_of_block(kind, suffix):
    """The files of one kind of a block, one for each slot."""
    return expand(f"results/{{{{run}}}}/{kind}/{{{{block}}}}{{slot}}.{suffix}", slot=SLOTS)


@or_stop
def projections_of_block(wildcards):
    """The projections of one block; none if the run projects no points."""
    paths = expand(
        f"results/{wildcards.run}/projections/{wildcards.block}{{slot}}.parquet", slot=SLOTS
    )
    return paths if run_of(wildcards).projects else []


def of_block_before(path):
    """The file `path` of the previous block; none for the first block."""

    def previous(wildcards):
        number = int(wildcards.block) - 1
        block = f"{number:0{PLAN.block_digits}d}"
        return path.format(run=wildcards.run, block=block) if number >= 0 else []

    return previous


# The planned digests of the user's files, by dataset. Jobs on a cluster plan again, but inherit
# these digests through their environment.
SOURCES = "EPOCHREEL_SOURCES"
DIGESTS = {} if IS_COMMAND else json.loads(os.environ.get(SOURCES, "{}"))


@cache
def dataset_of(name):
    """Return a dataset with the planned digest of its files; warn of ignored files once."""
    check_targets()
    dataset = PLAN.dataset(name)
    if not IS_COMMAND:
        dataset.source_digest = DIGESTS.get(name, dataset.source_digest)
        return dataset
    if ignored := dataset.ignored():
        logger.warning(f"epochreel: dataset '{name}': not read: {ignored}")
    PLAN.check_sources(dataset)
    DIGESTS[name] = dataset.source_digest
    os.environ[SOURCES] = json.dumps(DIGESTS)
    return dataset


@or_stop
def dataset_sources(wildcards):
    """The user's files that a dataset is made from."""
    return dataset_of(wildcards.dataset).files()


@or_stop
def shard_settings(wildcards):
    """The fingerprint of one shard of a dataset, as canonical JSON."""
    dataset = dataset_of(wildcards.dataset)
    position = wildcards.split, wildcards.shard
    return canonical(of_shard(dataset, *position) | dataset.source_settings())


@or_stop
def stream_sources(wildcards):
    """The user's files that a run's unbounded training set is drawn from."""
    dataset = run_of(wildcards).dataset
    return dataset_of(dataset.name).files() if dataset.is_stream else []


@or_stop
def run_sources(wildcards):
    """The user's files that a run's data are made from, in the manifest's order."""
    return list(dataset_of(run_of(wildcards).dataset.name).sources().values())


@or_stop
def image_digest(wildcards):
    """The digest of a user's image; empty if the image is missing, which Snakemake reports."""
    path = Path("images", f"{wildcards.name}.png")
    return content_digest({"image": path}) if path.is_file() else ""


@or_stop
def manifest_settings(wildcards):
    """The content of a run's manifest except its files, as canonical JSON."""
    return canonical(run_of(wildcards).manifest_settings())
