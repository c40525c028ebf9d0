"""The datasets of a config: their shards and source files."""

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
MAX_SHARDS = 100_000  # per split: shard names have five digits


class Dataset:
    """One dataset of the config; relative paths in it start from the folder `base`."""

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
        if count > MAX_SHARDS:
            size = self.settings["examples_per_shard"]
            raise UserError(
                f"config: datasets.{self.name}.examples_per_shard is {size}, which makes {count} "
                f"shards of the split {split}; expected at most {MAX_SHARDS} shards: raise it"
            )

    def check(self, part: str, value: Any, where: str) -> Any:
        """Validate `value` against the experiment's schema of `part` and fill in defaults."""
        return schema.checked(value, self._schema.get(part, {}), where)

    @property
    def is_stream(self) -> bool:
        """True if the training set is unbounded: drawn during training, not stored in shards."""
        return self.settings["train"] == UNBOUNDED

    def _shard_count(self, split: str) -> int:
        examples = self.settings[split]
        return 0 if examples == UNBOUNDED else -(-examples // self.settings["examples_per_shard"])

    def shards(self, split: str) -> list[str]:
        """Return the paths of a split's shards; none for an unbounded training set."""
        numbers = range(self._shard_count(split))
        return [f"results/datasets/{self.name}/{split}/{i:05d}.parquet" for i in numbers]

    def sample(self, count: int) -> list[str]:
        """Return the shards that contain the first `count` training examples."""
        return self.shards("train")[: -(-count // self.settings["examples_per_shard"])]

    def folders(self) -> dict[str, Path]:
        """Return the user's folders that the settings name, by key."""
        keys = schema.folders(self._schema.get("data", {}))
        folders = {key: self.settings["settings"].get(key) for key in keys}
        return {key: self.base / value for key, value in folders.items() if value is not None}

    def sources(self) -> dict[str, str]:
        """Return the files in these folders that the data are made from: name → path.

        The folders are read only once. Names begin with the folder's key in the config. Paths are
        relative to the working folder, so that everything can be moved together. Raises `UserError`
        for a folder that does not exist or cannot be read, and for a file name that Snakemake does
        not support.
        """
        return self._sources

    @cached_property
    def _sources(self) -> dict[str, str]:
        # Cached, because the rule calls this for every shard.
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
        """Return the paths of the source files, sorted and without duplicates."""
        return sorted(set(self.sources().values()))

    def shard_range(self, split: str, shard: str) -> dict[str, Any]:
        """Return a shard's split, first example and size. Raises `UserError` if there is none."""
        if self.settings[split] == UNBOUNDED:
            raise UserError(
                f"dataset '{self.name}' has no shards of the split {split}: it is unbounded"
            )
        first = int(shard) * self.settings["examples_per_shard"]
        count = min(self.settings["examples_per_shard"], self.settings[split] - first)
        if count < 1:
            raise UserError(
                f"dataset '{self.name}' has no shard {shard} of the split {split}: it has "
                f"{self.settings[split]} examples"
            )
        return {"split": split, "first": first, "count": count}


def _files_in(folder: Path, where: str) -> list[Path]:
    """Return all files in a folder, and its subfolders, that the config names at key `where`."""
    try:
        return [path for path in walk_files(folder) if path.is_file()]
    except PermissionError as error:
        name = shown(str(error.filename), 500)
        raise UserError(f"config: {where}: cannot read {name}: permission denied") from error
    except (OSError, ValueError, RuntimeError) as error:  # Name too long, null byte, link loop.
        name = shown(str(folder), 500)
        raise UserError(f"config: {where}: folder {name} does not exist") from error


def _check_name(file: str) -> None:
    """Reject names with braces, Snakemake's wildcards, or surrogates, which are invalid UTF-8."""
    if re.search("[{}\ud800-\udfff]", file):
        raise UserError(
            f"{shown(file, 500)}: Snakemake does not support paths with braces or invalid UTF-8: "
            "rename the file or folder"
        )
