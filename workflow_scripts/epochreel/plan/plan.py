"""The plan of the workflow: snapshots, paths and stage settings, derived from the config."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from epochreel.config import schema, yaml_file
from epochreel.core.errors import UserError, shown
from epochreel.plan import schemas
from epochreel.plan.consistency import check_run
from epochreel.plan.dataset import Dataset
from epochreel.plan.fingerprints import dataset_digest
from epochreel.plan.run import Run
from epochreel.plan.run_settings import block_digits


class Plan:
    """A validated config; relative paths in it start from the folder `base`.

    Raises `UserError` if the config is invalid.
    """

    def __init__(self, config: Mapping[str, Any], base: Path):
        checked = schema.checked(dict(config), schemas.shared())
        self.size: int = checked["snapshots_per_block"]
        self.datasets = {
            name: Dataset(name, settings, base) for name, settings in checked["datasets"].items()
        }
        self.runs = {name: self._run(name, settings) for name, settings in checked["runs"].items()}
        self.main = self.run(checked["main_run"], "main_run")
        self.checked = checked

    @classmethod
    def read(cls, files: Sequence[str], arguments: Iterable[str]) -> Plan:
        """Return the plan of a command with these `--configfile` and `--config` arguments."""
        config = yaml_file.read_config(files, arguments)
        return cls(config, yaml_file.base_folder(files))

    def _run(self, name: str, settings: dict[str, Any]) -> Run:
        dataset = self.dataset(settings["dataset"], f"runs.{name}.dataset")
        run = Run(name, settings, dataset, self.size)
        check_run(run, f"runs.{name}")
        return run

    @property
    def slots(self) -> list[str]:
        """The trailing digits of a block's snapshots: `00` … `99` for blocks of 100."""
        width = len(str(self.size)) - 1
        return [f"{slot:0{width}d}" if width else "" for slot in range(self.size)]

    @property
    def block_digits(self) -> int:
        """The number of leading digits that name a block."""
        return block_digits(self.size)

    def run(self, name: str, key: str | None = None) -> Run:
        """Return a run by name. Raises `UserError` if it does not exist.

        `key` is the config key that refers to it, if any.
        """
        return _find("run", name, self.runs, key)

    @staticmethod
    def pattern_of(runs: Iterable[Run]) -> str:
        """Return a regular expression that matches only the names of `runs`."""
        return "|".join(run.name for run in runs) or "(?!)"

    def key_digests(self) -> set[str]:
        """Return the digests of the cache keys of all datasets and runs."""
        found = {dataset_digest(dataset) for dataset in self.datasets.values()}
        for run in self.runs.values():
            found |= set(run.key_digests())
        return found

    def check_targets(self, targets: Iterable[str]) -> None:
        """Check that `targets` refer only to snapshots and artifacts that their runs have.

        Otherwise Snakemake would accept slots after a run's last snapshot, which are links to it,
        as if they were snapshots. Rules and other files are not checked. Raises `UserError`.
        """
        for target in targets:
            match = re.fullmatch(
                r"results/([^/]+)/([a-z_]+)(?:/(\d{6}))?\.\w+", os.path.relpath(target)
            )
            if match and match[1] in self.runs:
                run = self.runs[match[1]]
                if int(match[3] or 0) >= run.snapshots:
                    raise UserError(f"{target}: run '{run.name}' ends at snapshot {run.last}")
                if match[2] in run.files.missing_kinds():
                    raise UserError(f"{target}: run '{run.name}' has no {match[2]}")

    def dataset(self, name: str, key: str | None = None) -> Dataset:
        """Return a dataset by name. Raises `UserError` if it does not exist.

        `key` is the config key that refers to it, if any.
        """
        return _find("dataset", name, self.datasets, key)

    def check_sources(self, dataset: Dataset) -> None:
        """Check the user's files that a dataset is made from.

        If any cannot be used, raises `UserError` with the errors of all datasets of the config.
        """
        if dataset.source_error():
            errors = [found.source_error() for found in self.datasets.values()]
            raise UserError("; ".join(filter(None, errors)))


def _find(kind: str, name: str, items: Mapping[str, Any], key: str | None) -> Any:
    if name in items:
        return items[name]
    names = ", ".join(items)
    if key is None:
        raise UserError(f"config: there is no {kind} {shown(name)}; expected one of {names}")
    raise UserError(f"config: {key} is {shown(name)}; expected one of {names}")
