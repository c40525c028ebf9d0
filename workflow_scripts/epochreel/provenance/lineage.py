"""Check that an artifact is the one that its reader expects: its cache key and its position.

An artifact carries its cache key: settings, code, versions, and the key digests of the stages that
its own stage read. Readers know the digest of the key that they expect.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError
from epochreel.provenance.keys import digest

STALE = "was made with other settings, code or versions than the config requires"
FIX = "delete it and run the same command again"


def check_key(path: str | Path, key: Any, key_digest: str) -> None:
    """Raise `UserError` unless the cache key that a file carries has this digest."""
    check_key_digest(path, digest(key), key_digest)


def check_key_digest(path: str | Path, found: Any, key_digest: str) -> None:
    """Raise `UserError` unless the key digest that a file carries is the expected one."""
    if found != key_digest:
        raise UserError(f"{path} {STALE}: {FIX}")


def check_position(path: str | Path, found: Any, expected: Any, what: str = "snapshot") -> None:
    """Raise `UserError` unless a file holds the expected snapshot, or the expected `what`."""
    if found != expected:
        raise UserError(f"{path} holds {what} {found}, not {expected}: {FIX}")
