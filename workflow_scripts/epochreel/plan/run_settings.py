"""The checked settings of one run, and what follows from them alone: snapshots and blocks."""

from __future__ import annotations

from typing import Any

from epochreel.config import schema
from epochreel.core.errors import UserError
from epochreel.experiment_api.loader import Experiment
from epochreel.plan import schemas
from epochreel.plan.dataset import Dataset

FILM_WIDE = ("aligned_umap", "linear")
"""Projections that are one fit over all snapshots."""


def block_digits(size: int) -> int:
    """The number of leading digits that name a block of `size` snapshots."""
    return 6 - (len(str(size)) - 1)


class RunSettings:
    """The settings of one run, defaults filled in; its snapshots in blocks of `size`."""

    def __init__(self, name: str, settings: dict[str, Any], dataset: Dataset, size: int):
        self.name, self.settings, self.dataset, self.size = name, settings, dataset, size
        where = f"runs.{name}"
        self.network = dataset.check("network", settings["network"], f"{where}.network")
        kinds = schema.by_name(schemas.shared()["$defs"]["projections"])
        self.projection = schema.checked(settings["projection"], kinds, f"{where}.projection")
        figure = settings["figure"]
        drawn = dataset.check("figure", figure["settings"], f"{where}.figure.settings")
        self.figure = figure | {"settings": drawn}

    @property
    def experiment(self) -> Experiment:
        """The run's experiment."""
        return self.dataset.experiment

    @property
    def epochs(self) -> int:
        """How long the run trains."""
        return self.settings["epochs"]

    @property
    def keeps_all(self) -> bool:
        """True if all checkpoints are kept."""
        return self.settings["keep_checkpoints"] == "all"

    @property
    def projects(self) -> bool:
        """True if the film shows high-dimensional points in the plane."""
        return self.experiment.file("projection").is_file()

    @property
    def has_fit(self) -> bool:
        """True if the projection is one fit over all snapshots."""
        return self.projects and self.projection["name"] in FILM_WIDE

    @property
    def has_transitions(self) -> bool:
        """True if points move between snapshots."""
        return bool(self.figure["transitions"])

    @property
    def snapshots(self) -> int:
        """The number of snapshots, including the untrained network."""
        return self.epochs * self.settings["snapshots_per_epoch"] + 1

    @property
    def last(self) -> str:
        """The number of the last snapshot, in six digits."""
        return f"{self.snapshots - 1:06d}"

    def numbers(self) -> list[str]:
        """The numbers of all snapshots, in six digits."""
        return [f"{snapshot:06d}" for snapshot in range(self.snapshots)]

    def blocks(self) -> list[str]:
        """The names of all blocks: the leading digits of their snapshots' numbers."""
        count = -(-self.snapshots // self.size)
        return [f"{block:0{block_digits(self.size)}d}" for block in range(count)]

    def snapshot_count(self, block: str) -> int:
        """The number of a block's snapshots within the run. Raises `UserError` if it has none."""
        count = min(self.size, self.snapshots - int(block) * self.size)
        if count < 1:
            raise UserError(f"run '{self.name}' ends at snapshot {self.last}")
        return count

    def last_snapshots(self) -> list[int]:
        """The number of each block's last snapshot."""
        return [int(block) * self.size + self.snapshot_count(block) - 1 for block in self.blocks()]
