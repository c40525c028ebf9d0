"""Manifests: the checksums and cache keys of a finished run, and checks against them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError, first_line
from epochreel.core.files import sha256
from epochreel.formats import checked_json, parquet, png
from epochreel.provenance import lineage

_OTHER_KEY = f"{lineage.STALE} now"
_REMAKE = "run the same command again (with --forcerun generate_dataset if it plans nothing)"


def write(
    path: str | Path,
    artifacts: Iterable[str],
    stages: Mapping[str, str],
    sources: Mapping[str, str],
) -> None:
    """Write the checksums of `artifacts` and of `sources`, and the cache keys of `stages`.

    `sources` maps names to the user's files that the data was made from. The manifest is a JSON
    object: `artifacts` (path → SHA-256), `stages` (stage → key in canonical form), `sources`
    (name → SHA-256) and `digest` (see `formats.checked_json`).
    """
    content = {"artifacts": {name: sha256(name) for name in artifacts}, "stages": dict(stages)}
    content["sources"] = {name: sha256(file) for name, file in sources.items()}
    checked_json.write(path, content, indent=1)


def differences(
    path: str | Path,
    expected: Iterable[str],
    keys: Mapping[str, str],
    stages: Mapping[str, str],
    sources: Mapping[str, str] | None,
) -> Iterator[str]:
    """Yield one line for each artifact or stage that differs from the manifest at `path`.

    Sources that differ in the same way share a line, since a folder may hold thousands of images.

    `expected` are the artifacts that the run should have; `keys` and `stages` map artifacts and
    stages to the cache keys that they should have now, in canonical form; `sources` are as for
    `write`, or None if they are unknown. Reads all files completely and ignores modification times.
    Raises `UserError` for a damaged manifest.
    """
    manifest = _read(path)
    checksums = manifest["artifacts"]
    for artifact in sorted(checksums.keys() | keys.keys()):
        line = _artifact_line(artifact, checksums.get(artifact), keys.get(artifact))
        if line:
            yield line
    surplus = sorted(checksums.keys() - set(expected))
    if surplus:
        count, first = len(surplus), surplus[0]
        yield f"{path} lists {count} artifact(s) that the config no longer requests: {first} …"
    for stage in sorted(manifest["stages"].keys() | stages.keys()):
        if manifest["stages"].get(stage) != stages.get(stage):
            yield f"{path}: the output of '{stage}' {_OTHER_KEY}"
    # Manifests written by earlier versions have no sources.
    if sources is not None and "sources" in manifest:
        yield from _source_lines(sources, manifest["sources"])


def _source_lines(sources: Mapping[str, str], recorded: Mapping[str, str]) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for name in sorted(recorded.keys() | sources.keys()):
        if reason := _source_difference(sources.get(name), recorded.get(name)):
            names.setdefault(reason, []).append(name)
    for reason, (first, *others) in names.items():
        yield f"{first}{f' (and {len(others)} more)' if others else ''} {reason}"


def _source_difference(file: str | None, recorded: str | None) -> str | None:
    """Return how a user's file differs from the one that the data was made from, or None."""
    if recorded is None:
        return f"was added after the data was made: {_REMAKE}"
    if file is None or not Path(file).is_file():
        return f"was deleted after the data was made: {_REMAKE}"
    try:
        differs = sha256(file) != recorded
    except OSError as error:
        return f"cannot be read: {first_line(error)}"
    if differs:
        return f"changed after the data was made: {_REMAKE}"
    return None


def _artifact_line(artifact: str, checksum: str | None, key: str | None) -> str | None:
    """Return the line for an artifact, or None. A listed artifact may have been damaged before."""
    try:
        reason = _difference(artifact, checksum, key)
    except UserError as error:
        return str(error)
    except OSError as error:
        reason = f"cannot be read: {first_line(error)}"
    except (ValueError, AttributeError) as error:
        reason = f"is damaged: delete it and run the same command again ({first_line(error)})"
    return f"{artifact} {reason}" if reason else None


def _difference(artifact: str, checksum: str | None, key: str | None) -> str | None:
    if not Path(artifact).is_file():
        return "is missing"
    if checksum is None:
        return "is not in the manifest: the run has changed since it was written"
    if sha256(artifact) != checksum:
        return "differs from the manifest: delete it and run the same command again"
    if key is not None and json.loads(key) != read_key(artifact):
        return _OTHER_KEY
    return None


def read_key(artifact: str) -> Any:
    """Read the cache key from an artifact's metadata, or None if it has none."""
    if artifact.endswith(".png"):
        return json.loads(png.texts(Path(artifact).read_bytes()).get("epochreel", "null"))
    metadata = parquet.read_metadata(artifact)
    return metadata.get("key", metadata)


def _read(path: str | Path) -> dict[str, Any]:
    try:
        return checked_json.read(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged: delete it and run: snakemake {path}") from error
