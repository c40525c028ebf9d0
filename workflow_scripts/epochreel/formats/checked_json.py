"""JSON files with an embedded checksum, so that damage is detected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epochreel.core.files import atomic_write_bytes


def write(path: str | Path, content: Mapping[str, Any], indent: int | None = None) -> None:
    """Write an object, with the SHA-256 of its other keys and values as its key `digest`."""
    checked = {**content, "digest": _digest(content)}
    atomic_write_bytes(path, json.dumps(checked, indent=indent, sort_keys=True).encode())


def read(path: str | Path) -> dict[str, Any]:
    """Return the content of a file written by `write`, without the checksum.

    Raises `FileNotFoundError`, and `ValueError` if the file is damaged.
    """
    try:
        content = json.loads(Path(path).read_bytes())
        is_intact = content.pop("digest") == _digest(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("it is not a JSON file with a digest") from error
    if not is_intact:
        raise ValueError("its content does not match its digest")
    return content


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
