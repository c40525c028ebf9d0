"""Fingerprints: the settings, code, package versions and inputs that results depend on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from epochreel.experiment_api.loader import Experiment
from epochreel.plan.dataset import SPLITS, Dataset
from epochreel.plan.run_settings import RunSettings
from epochreel.plan.stages import STAGES, Variant
from epochreel.provenance import keys
from epochreel.provenance.code_digest import code_digest


def fingerprint(
    stage: str, experiment: Experiment, settings: Mapping[str, Any], variant: Variant
) -> dict[str, Any]:
    """Return the fingerprint of a stage with `reads` left empty."""
    return {
        "settings": dict(settings),
        "reads": {},
        "code": _code(stage, experiment, variant),
        "versions": keys.versions(STAGES[stage].packages_of(variant)),
    }


@cache
def _code(stage: str, experiment: Experiment, variant: Variant) -> str:
    folder = None if experiment.is_builtin else experiment.folder
    return code_digest(STAGES[stage].files_of(experiment, variant), folder)


def of_shard(dataset: Dataset, split: str, shard: str) -> dict[str, Any]:
    """Return the fingerprint of one shard of a dataset."""
    position = dataset.shard_range(split, shard)
    return _of_dataset(dataset) | position | {"folders": dataset.folders()}


def shard_keys(dataset: Dataset) -> dict[str, str]:
    """Return the expected cache key of each shard of a dataset, by path."""
    key = keys.key(_of_dataset(dataset))
    return {path: key for split in SPLITS for path in dataset.shards(split)}


@cache
def dataset_digest(dataset: Dataset) -> str:
    """Return the key digest of all shards of a dataset."""
    return keys.key_digest(_of_dataset(dataset))


def _of_dataset(dataset: Dataset) -> dict[str, Any]:
    """Return the part of the fingerprint that is the same for all shards."""
    settings = {name: dataset.settings[name] for name in ("experiment", "seed", "settings")}
    return fingerprint("generate_dataset", dataset.experiment, settings, Variant())


class Fingerprints:
    """The fingerprints of one run's stages, each computed once for all blocks."""

    def __init__(self, run: RunSettings):
        self._run, self._cache = run, dict[str, dict[str, Any]]()

    def of(self, stage: str) -> dict[str, Any]:
        """Return the fingerprint of a stage; `reads` has the key digests of the stages it reads."""
        if stage not in self._cache:
            self._cache[stage] = self._compute(stage)
        return dict(self._cache[stage])

    def digest(self, stage: str) -> str:
        """Return the digest of the cache key that the artifacts of a stage carry."""
        if stage == "generate_dataset":
            return dataset_digest(self._run.dataset)
        return keys.key_digest(self.of(stage))

    def _compute(self, stage: str) -> dict[str, Any]:
        run, declared = self._run, STAGES[stage]
        found = fingerprint(stage, run.experiment, declared.settings(run), Variant.of(run))
        found["reads"] = {name: self.digest(name) for name in self._read_by(stage)}
        if "data" in declared.also(Variant.of(run)).files:
            found["folders"] = run.dataset.folders()
        return found

    def _read_by(self, stage: str) -> list[str]:
        """Return the stages that a stage reads and that the run has."""
        run, declared = self._run, STAGES[stage]
        names = [name for name in declared.reads if STAGES[name].exists(run)]
        return [name for name in names if declared.reads_if(name)(run)]
