"""Manifests: what a finished run consists of, by digest; and whether it still does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError, first_line
from epochreel.core.files import sha256
from epochreel.formats import checked_json, parquet, png
from epochreel.provenance import lineage

_OTHERS = f"{lineage.STALE} now"


def write(
    path: str | Path,
    artifacts: Iterable[str],
    stages: Mapping[str, str],
    sources: Mapping[str, str],
) -> None:
    """Write the manifest of `artifacts`, and what the stages that made them follow from.

    `sources` are the user's files that the data are made from, name → path.
    A JSON object: `artifacts` (path → SHA-256), `stages` (stage → key in canonical form),
    `sources` (name → SHA-256), and `digest` (see `formats.checked_json`).
    """
    told = {"artifacts": {name: sha256(name) for name in artifacts}, "stages": dict(stages)}
    told["sources"] = {name: sha256(file) for name, file in sources.items()}
    checked_json.write(path, told, indent=1)


def differences(
    path: str | Path,
    kept: Iterable[str],
    keys: Mapping[str, str],
    stages: Mapping[str, str],
    sources: Mapping[str, str],
) -> Iterator[str]:
    """What is no longer as the manifest at `path` says, a line for each artifact or stage.

    `kept` are the artifacts that there should be; `keys` says of artifacts, `stages` of stages,
    what they should follow from: settings, code and versions in canonical form; `sources` are as
    for `write`. Files are read whole; modification times are not looked at.
    Raises `UserError` for a manifest that is damaged.
    """
    told = _read(path)
    key_digest = told["artifacts"]
    for artifact in sorted(key_digest.keys() | keys.keys()):
        line = _line(artifact, key_digest.get(artifact), keys.get(artifact))
        if line:
            yield line
    more = sorted(key_digest.keys() - set(kept))
    if more:
        yield f"{path} holds {len(more)} artifact(s) that the config asks for no more: {more[0]} …"
    for stage in sorted(told["stages"].keys() | stages.keys()):
        if told["stages"].get(stage) != stages.get(stage):
            yield f"{path}: what '{stage}' made {_OTHERS}"
    made_from = told.get("sources", {})
    # Manifests of former versions say nothing of them.
    for name in sorted(made_from.keys() | sources.keys()) if "sources" in told else ():
        if reason := _change(sources.get(name), made_from.get(name)):
            yield f"{name} {reason}"


def _change(file: str | None, made_from: str | None) -> str | None:
    """What became of a file of the user's since the data were made from it, if anything."""
    if made_from is None:
        return f"was added since the data were made: touch {file}, and they are made again"
    if file is None or not Path(file).is_file():
        return "is gone since the data were made: run the same command, and they are made again"
    try:
        is_other = sha256(file) != made_from
    except OSError as error:
        return f"cannot be read: {first_line(error)}"
    if is_other:
        return f"is not what the data were made from: touch {file}, and they are made again"
    return None


def _line(artifact: str, key_digest: str | None, key: str | None) -> str | None:
    """What is wrong with an artifact; a manifest may list one that was damaged before."""
    try:
        reason = _difference(artifact, key_digest, key)
    except UserError as error:
        return str(error)
    except OSError as error:
        reason = f"cannot be read: {first_line(error)}"
    except (ValueError, AttributeError) as error:
        reason = f"is damaged: delete it, and it is made again ({first_line(error)})"
    return f"{artifact} {reason}" if reason else None


def _difference(artifact: str, key_digest: str | None, key: str | None) -> str | None:
    if not Path(artifact).is_file():
        return "is missing"
    if key_digest is None:
        return "is not in the manifest: the run has changed since"
    if sha256(artifact) != key_digest:
        return "is not what was made: delete it, and it is made again"
    if key is not None and json.loads(key) != carried_key(artifact):
        return _OTHERS
    return None


def carried_key(artifact: str) -> Any:
    """The key that an artifact carries; None where it carries none."""
    if artifact.endswith(".png"):
        return json.loads(png.texts(Path(artifact).read_bytes()).get("epochreel", "null"))
    note = parquet.read_metadata(artifact)
    return note.get("key", note)


def _read(path: str | Path) -> dict[str, Any]:
    try:
        return checked_json.read(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged: delete it and run: snakemake {path}") from error
