"""Whether an artifact is the one that its reader expects: what it follows from, and its place.

An artifact notes the key that it follows from (settings, code, versions, and the digests of the
keys of what its stage has read); its readers hold the digest of the key that it must note.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError
from epochreel.provenance.keys import digest

OTHERS = "follows from other settings, code or versions than the config asks for"
MEND = "delete it and run the same command again"


def check_key(path: str | Path, noted: Any, key_digest: str) -> None:
    """Raise `UserError` unless `noted`, the key that `path` notes, is the one of digest `key_digest`."""
    check_key_digest(path, digest(noted), key_digest)


def check_key_digest(path: str | Path, noted: Any, key_digest: str) -> None:
    """The same where a file notes the digest of its key alone."""
    if noted != key_digest:
        raise UserError(f"{path} {OTHERS}: {MEND}")


def check_place(path: str | Path, found: Any, place: Any, what: str = "snapshot") -> None:
    """Raise `UserError` where a file is of the place `found` and not of `place`."""
    if found != place:
        raise UserError(f"{path} holds {what} {found} in the place of {place}: {MEND}")
