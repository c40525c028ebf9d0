"""The datasets of a config: their shards, and what these are made from."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from epochreel.config import schema
from epochreel.core.errors import UserError, shown
from epochreel.core.files import walk_files
from epochreel.experiment_api import loader, source_checks
from epochreel.plan import schemas

SPLITS = ("train", "validation", "test")
UNBOUNDED = "unbounded"
MOST_SHARDS = 100_000  # of a split: their names have five digits


class Dataset:
    """One dataset of the config. `base` is the folder that its relative paths start from."""

    def __init__(self, name: str, settings: dict[str, Any], base: Path):
        self.name, self.base = name, base
        self.experiment = loader.find(settings["experiment"], base)
        if not self.experiment.is_builtin:
            source_checks.validate_experiment(self.experiment)
        self._schema = schemas.of_experiment(self.experiment)
        where = f"datasets.{name}.settings"
        settings["settings"] = self.check("data", settings["settings"], where)
        self.settings = settings
        for split in SPLITS:
            self._check_shard_count(split)

    def _check_shard_count(self, split: str) -> None:
        count = self._shard_count(split)
        if count > MOST_SHARDS:
            each = self.settings["examples_per_shard"]
            raise UserError(
                f"config: 'datasets.{self.name}.examples_per_shard' holds {each}, which makes "
                f"{count} shards of the split {split}; there may be {MOST_SHARDS}: make them larger"
            )

    def check(self, part: str, value: Any, where: str) -> Any:
        """`value` checked against the experiment's own schema of `part`, defaults filled in."""
        return schema.checked(value, self._schema.get(part, {}), where)

    @property
    def is_stream(self) -> bool:
        """Whether the training set is unbounded: drawn while it is used, and in no shard."""
        return self.settings["train"] == UNBOUNDED

    def _shard_count(self, split: str) -> int:
        examples = self.settings[split]
        return 0 if examples == UNBOUNDED else -(-examples // self.settings["examples_per_shard"])

    def shards(self, split: str) -> list[str]:
        """The paths of a split's shards; none for an unbounded training set."""
        numbers = range(self._shard_count(split))
        return [f"results/datasets/{self.name}/{split}/{i:05d}.parquet" for i in numbers]

    def sample(self, count: int) -> list[str]:
        """The shards that hold the first `count` training examples."""
        return self.shards("train")[: -(-count // self.settings["examples_per_shard"])]

    def folders(self) -> dict[str, Path]:
        """The folders of the user's that the settings name, by key."""
        keys = schema.folders(self._schema.get("data", {}))
        named = {key: self.settings["settings"].get(key) for key in keys}
        return {key: self.base / value for key, value in named.items() if value is not None}

    def sources(self) -> dict[str, str]:
        """The files in those folders that its data are made from, as found first: name → path.

        Names begin with the folder's key in the config; paths are relative to the working folder,
        so that all may move together. Raises `UserError` for a folder that is none or cannot be
        read, and for a file whose name Snakemake cannot carry.
        """
        return self._sources

    @cached_property
    def _sources(self) -> dict[str, str]:
        # Every shard asks for them.
        found, suffixes = {}, schema.suffixes(self._schema.get("data", {}))
        for key, folder in self.folders().items():
            where = f"datasets.{self.name}.settings.{key}"
            for path in _files_in(folder, where):
                if path.suffix.lower() in suffixes.get(key, [path.suffix.lower()]):
                    found[f"{where}: {path.relative_to(folder)}"] = os.path.relpath(path)
        for file in found.values():
            _check_name(file)
        return found

    def files(self) -> list[str]:
        """The paths of these files, each once, sorted."""
        return sorted(set(self.sources().values()))

    def shard_place(self, split: str, shard: str) -> dict[str, Any]:
        """The split, first example and size of a shard. Raises `UserError` if there is none."""
        if self.settings[split] == UNBOUNDED:
            raise UserError(
                f"dataset '{self.name}' has no shards of its split {split}: it is unbounded"
            )
        first = int(shard) * self.settings["examples_per_shard"]
        count = min(self.settings["examples_per_shard"], self.settings[split] - first)
        if count < 1:
            raise UserError(
                f"dataset '{self.name}' has {self.settings[split]} examples in its split {split}: "
                f"there is no shard {shard}"
            )
        return {"split": split, "first": first, "count": count}


def _files_in(folder: Path, where: str) -> list[Path]:
    """All files below a folder that the config names at the key `where`."""
    try:
        return [path for path in walk_files(folder) if path.is_file()]
    except PermissionError as error:
        named = shown(str(error.filename), 500)
        raise UserError(f"config: '{where}': {named} cannot be read: permission denied") from error
    except (OSError, ValueError, RuntimeError) as error:  # Too long a name, a null byte, a loop.
        named = shown(str(folder), 500)
        raise UserError(f"config: '{where}': there is no folder {named}") from error


def _check_name(file: str) -> None:
    """Braces are wildcards to Snakemake; bytes that are no UTF-8 reach Python as surrogates."""
    if re.search("[{}\ud800-\udfff]", file):
        raise UserError(
            f"{shown(file, 500)}: Snakemake takes no path with braces, or with bytes that are no "
            "UTF-8: rename it"
        )
