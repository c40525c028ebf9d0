"""Manifests: what a finished run consists of, by digest; and whether it still does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from epochreel import png, tables
from epochreel.errors import UserError
from epochreel.files import sha256, write_whole


def write(path: str | Path, artifacts: Iterable[str]) -> None:
    """Write the manifest of `artifacts`: a JSON object of path → SHA-256."""
    digests = {artifact: sha256(artifact) for artifact in sorted(artifacts)}
    write_whole(path, json.dumps(digests, indent=1, sort_keys=True).encode())


def differences(path: str | Path, keys: Mapping[str, str]) -> Iterator[str]:
    """What is no longer as the manifest at `path` says, a line for each artifact.

    `keys` says of artifacts what they should follow from: settings, code and versions in
    canonical form. Files are read whole; modification times are not looked at.
    """
    digests = _read(path)
    for artifact in sorted(digests.keys() | keys.keys()):
        reason = _difference(artifact, digests.get(artifact), keys.get(artifact))
        if reason:
            yield f"{artifact} {reason}"


def _difference(artifact: str, digest: str | None, key: str | None) -> str | None:
    if not Path(artifact).is_file():
        return "is missing"
    if digest is None:
        return "is not in the manifest: the run has changed since"
    if sha256(artifact) != digest:
        return "is not what was made: delete it, and it is made again"
    if key is not None and json.loads(key) != _carried(artifact):
        return "follows from other settings, code or versions than the config asks for now"
    return None


def _carried(artifact: str) -> Any:
    """The key that an artifact carries."""
    if artifact.endswith(".png"):
        return json.loads(png.texts(Path(artifact).read_bytes())["epochreel"])
    note = tables.note(artifact)
    key = note.get("key", note)
    return json.loads(key) if isinstance(key, str) else key


def _read(path: str | Path) -> dict[str, str]:
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: delete it and run: snakemake {path}") from error
