"""The plan of the workflow: what the config asks for, as numbers, paths and settings of stages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from epochreel.config import schema
from epochreel.core.errors import UserError, shown
from epochreel.plan import schemas
from epochreel.plan.consistency import check_run
from epochreel.plan.dataset import Dataset
from epochreel.plan.run import Run
from epochreel.plan.run_settings import block_digits


class Plan:
    """A checked config. `base` is the folder that its relative paths start from.

    Raises `UserError` for a config that cannot be carried out.
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

    def _run(self, name: str, settings: dict[str, Any]) -> Run:
        dataset = self.dataset(settings["dataset"], f"runs.{name}.dataset")
        run = Run(name, settings, dataset, self.size)
        check_run(run, f"runs.{name}")
        return run

    @property
    def slots(self) -> list[str]:
        """The trailing digits of the snapshots of one block: `00` … `99` for blocks of 100."""
        width = len(str(self.size)) - 1
        return [f"{slot:0{width}d}" if width else "" for slot in range(self.size)]

    @property
    def block_digits(self) -> int:
        """The number of leading digits that name a block."""
        return block_digits(self.size)

    def run(self, name: str, key: str | None = None) -> Run:
        """The run of that name, or `UserError`; `key` is the config's key that names it."""
        return _named("run", name, self.runs, key)

    @staticmethod
    def pattern_of(runs: Iterable[Run]) -> str:
        """A regular expression that matches the names of `runs` alone, and nothing for none."""
        return "|".join(run.name for run in runs) or "(?!)"

    def check_targets(self, targets: Iterable[str]) -> None:
        """Check that runs have the snapshots and kinds of files that `targets` name.

        Without this, Snakemake would make the slots of a block after the run's last snapshot,
        which are links to that one, as if they were snapshots. Names of rules and other files pass.
        Raises `UserError`.
        """
        for target in targets:
            match = re.fullmatch(r"results/([^/]+)/([a-z_]+)/(\d{6})\.\w+", os.path.relpath(target))
            if match and match[1] in self.runs:
                run = self.runs[match[1]]
                if int(match[3]) >= run.snapshots:
                    raise UserError(f"{target}: run '{run.name}' ends at snapshot {run.last}")
                if match[2] in run.files.lacking():
                    raise UserError(f"{target}: run '{run.name}' has no {match[2]}")

    def dataset(self, name: str, key: str | None = None) -> Dataset:
        """The dataset of that name, or `UserError`; `key` is the config's key that names it."""
        return _named("dataset", name, self.datasets, key)


def _named(kind: str, name: str, known: Mapping[str, Any], key: str | None) -> Any:
    if name in known:
        return known[name]
    names = ", ".join(known)
    if key is None:
        raise UserError(f"there is no {kind} {shown(name)} in the config; it has {names}")
    raise UserError(f"config: '{key}' holds {shown(name)}; it may hold one of {names}")
