"""The sources of a dataset: the user's files that it is made from.

An experiment lists them in inputs.py; its data.py reads what that function lists:

    files(settings) -> paths, or a `Listing`

Without inputs.py they are all files in the folders that the settings name (`format: folder`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError, raise_wrong_result
from epochreel.core.user_files import Listing
from epochreel.experiment_api import calls
from epochreel.experiment_api.loader import Experiment, config_path
from epochreel.provenance.file_checksums import content_digest

Folders = Mapping[str, Sequence[str] | None]
"""Keys of the settings that name a folder → suffixes of the files that are read; None for all."""

_WHILE_RUNNING = "while the workflow was running: run the same command again"


def list_files(
    experiment: Experiment, settings: Mapping[str, Any], folders: Folders, base: Path
) -> Listing:
    """List the files that a dataset with these settings is made from.

    Paths in the settings are relative to `base`. Errors in the files are listed in `faults`.
    Raises `UserError` if a user's inputs.py fails.
    """
    paths = _paths(settings, folders, base)
    if experiment.file("inputs").is_file():
        full = {**settings, **{key: str(path) for key, path in paths.items()}}
        listing = _as_listing(calls.call(experiment, "inputs", "files", full), experiment, base)
    else:
        listing = Listing()
        for key, path in paths.items():
            listing.add_folder(path, folders[key], f"{key}: folder")
    listing.files = list(dict.fromkeys(listing.files))
    return listing


def _as_listing(found: Any, experiment: Experiment, base: Path) -> Listing:
    if isinstance(found, Listing):
        return found
    if not isinstance(found, list) or not all(isinstance(path, str | Path) for path in found):
        source = f"{experiment.file('inputs')}: files"
        raise_wrong_result(source, found, "paths of files, as text or pathlib.Path")
    files = [config_path(base, str(path)) for path in found]
    missing = [
        f"inputs.py lists {path}, which is not a file: add it, or correct `files`"
        for path in files
        if not path.is_file()
    ]
    return Listing(files, faults=missing)


def by_name(
    files: Iterable[Path], settings: Mapping[str, Any], folders: Folders, base: Path
) -> dict[str, Path]:
    """Name each file by its folder's key and its path there, so that moving it changes nothing."""
    starts = {key: f"{path}/" for key, path in _paths(settings, folders, base).items()}
    found = {}
    for path in files:
        text = str(path)
        key = next((key for key in starts if text.startswith(starts[key])), None)
        name = f"{key}: {text[len(starts[key]) :]}" if key else os.path.relpath(path, base)
        found[name] = path
    return found


def _paths(settings: Mapping[str, Any], folders: Folders, base: Path) -> dict[str, Path]:
    named = {key: settings.get(key) for key in folders}
    return {key: config_path(base, value) for key, value in named.items() if value is not None}


def check_unchanged(
    experiment: Experiment,
    settings: Mapping[str, Any],
    stage: Mapping[str, Any],
    base: Path,
    planned: Iterable[str] | None = None,
) -> None:
    """Check that a dataset's files are those that were planned.

    `stage` has the keys `folders` and, if there are files, `sources`, their digest. `planned` are
    the inputs of the job, if known. Raises `UserError` if files were added, removed or changed.
    """
    if "sources" not in stage:
        return
    listing = list_files(experiment, settings, stage["folders"], base)
    if planned is not None:
        now, before = (set(map(os.path.abspath, paths)) for paths in (listing.files, planned))
        for what, paths in (("added", now - before), ("removed", before - now)):
            if paths:
                raise UserError(f"{min(paths)} was {what} {_WHILE_RUNNING}")
    files = by_name(listing.files, settings, stage["folders"], base)
    if content_digest(files, remembers=False) != stage["sources"]:
        raise UserError(f"the files that the dataset is made from changed {_WHILE_RUNNING}")
