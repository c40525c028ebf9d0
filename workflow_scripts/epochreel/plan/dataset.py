"""The datasets of a config: their shards and source files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from epochreel.config import schema
from epochreel.core import user_files
from epochreel.core.errors import UserError, shown
from epochreel.core.user_files import Listing
from epochreel.experiment_api import loader, source_checks, sources
from epochreel.plan import schemas
from epochreel.provenance.file_checksums import content_digest

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

    def folders(self) -> dict[str, list[str] | None]:
        """Map the settings that name a folder to the suffixes of the files there; None for all."""
        data, settings = self._schema.get("data", {}), self.settings["settings"]
        suffixes = schema.suffixes(data)
        keys = (key for key in schema.folders(data) if settings.get(key) is not None)
        return {key: suffixes.get(key) for key in keys}

    @cached_property
    def _listing(self) -> Listing:
        settings = self.settings["settings"]
        return sources.list_files(self.experiment, settings, self.folders(), self.base)

    def ignored(self) -> str:
        """Describe the files in the folders that are not read; empty if there are none."""
        return user_files.ignored_line(self._listing.ignored, self.base)

    @cached_property
    def _files(self) -> list[str]:
        """The paths of the listed files, relative to the working folder."""
        listing, files = self._listing, [os.path.relpath(path) for path in self._listing.files]
        names = filter(None, map(_name_fault, files))
        if faults := [*listing.faults, *names, *self._count_faults()]:
            count = f" has {len(faults)} errors" if len(faults) > 1 else ""
            raise UserError(f"config: datasets.{self.name}{count}: {user_files.joined(faults)}")
        return files

    def source_error(self) -> str | None:
        """Return the error about the user's files, or None if they can be used."""
        try:
            self.sources()
        except UserError as error:
            return str(error)
        return None

    def _count_faults(self) -> Iterator[str]:
        """Yield a line for each split with more examples than the files allow."""
        for split, available in self._listing.available.items():
            count = self.settings[split]
            if count == UNBOUNDED or count > available:
                yield f"{split} is {count}; expected at most {available}: add files or lower it"

    def sources(self) -> dict[str, str]:
        """Return the user's files that the data are made from: name → path.

        The folders are read only once. Names begin with the folder's key in the config. Paths are
        relative to the working folder, so that everything can be moved together. Raises one
        `UserError` with all errors in the files.
        """
        return self._sources

    @cached_property
    def _sources(self) -> dict[str, str]:
        # Cached, because the rule calls this for every shard.
        where = f"datasets.{self.name}.settings"
        return dict(zip((f"{where}.{name}" for name in self._named), self._files, strict=True))

    @cached_property
    def _named(self) -> dict[str, Path]:
        settings, files = self.settings["settings"], self._listing.files
        return sources.by_name(files, settings, self.folders(), self.base)

    @cached_property
    def source_digest(self) -> str | None:
        """The digest of these files' names and contents; None if there are no files."""
        return content_digest(self._named) if self._files else None

    def source_settings(self) -> dict[str, str]:
        """Return the digest under the key with which jobs check it; it is in no cache key."""
        return {"sources": self.source_digest} if self.source_digest else {}

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


def _name_fault(file: str) -> str | None:
    """Describe a file name that Snakemake does not support: with braces or invalid UTF-8."""
    if re.search("[{}\ud800-\udfff]", file):
        return (
            f"{shown(file, 500)}: Snakemake does not support paths with braces or invalid UTF-8: "
            "rename the file or folder"
        )
    return None
