"""Reruns as far as a plan knows them: the settings that Snakemake compares, without Snakemake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import reruns

from epochreel.core.errors import UserError
from epochreel.plan import fingerprints
from epochreel.plan.dataset import SPLITS, Dataset
from epochreel.plan.plan import Plan
from epochreel.plan.run import Run
from epochreel.plan.stages import STAGES
from epochreel.provenance.keys import canonical

# (Run or dataset, rule) → the settings of its jobs, by block or shard.
Settings = dict[tuple[str, str], dict[str, str]]


def settings_of(config: Mapping, folder: Path) -> Settings:
    """Return the settings of every job of every run and dataset of a config."""
    reruns.write_palette(folder)
    plan = Plan(dict(config), folder)
    found: Settings = {}
    for run in plan.runs.values():
        found |= {(run.name, rule): settings for rule, settings in _of_run(run)}
    for name, dataset in plan.datasets.items():
        found |= {(name, f"generate_dataset ({s})"): _of_split(dataset, s) for s in SPLITS}
    return found


def _of_run(run: Run) -> Iterator[tuple[str, dict[str, str]]]:
    for rule, stage in STAGES.items():
        if not stage.settings or not stage.exists(run):
            continue
        try:
            if any("{block}" in made.path or "{snapshot}" in made.path for made in stage.makes):
                yield rule, {b: canonical(run.block_settings(rule, b)) for b in run.blocks()}
            else:
                yield rule, {"": canonical(run.stage_settings(rule))}
        except UserError:
            assert rule in reruns.FORMS  # Not every experiment has the formats made on request.


def _of_split(dataset: Dataset, split: str) -> dict[str, str]:
    return {
        path: canonical(fingerprints.of_shard(dataset, split, Path(path).stem))
        for path in dataset.shards(split)
    }


def changed(config: Mapping, before: Settings, after: Settings) -> set[str]:
    """Return the jobs that rerun where settings changed; `config` is the one of `after`."""
    found = set()
    differing = {name for name in after if after[name] != before.get(name)}
    for run, about in config["runs"].items():
        rules = {rule for name, rule in differing if name in (run, about["dataset"])}
        if rules:
            found |= reruns.jobs_of(config, run, rules)
    return found
