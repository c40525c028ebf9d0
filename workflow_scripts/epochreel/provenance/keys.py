"""What an artifact follows from: settings, code and versions, in one canonical form.

Snakemake reruns a job when its `params` change. Each rule's `params` are one string made here,
so that exactly those changes count that can change the stage's result: not the order of keys,
nor comments, docstrings, layout or the modification times of files.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any


def canonical(value: Any) -> str:
    """`value` as JSON in its one canonical form.

    Keys are sorted, there is no white space, whole numbers are written as such (1.0 as 1), and
    NaN is refused.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def digest(value: Any) -> str:
    """The SHA-256 of `canonical(value)`, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def key(stage: Mapping[str, Any]) -> str:
    """What an artifact notes of its origin, in canonical form.

    That is the stage's settings, code and versions, and under `reads`, by stage, the digests of
    the keys of what it reads. The block that it was made in is left out: the same artifact is made
    in any.
    """
    return canonical({name: stage[name] for name in ("settings", "code", "versions", "reads")})


def key_digest(stage: Mapping[str, Any]) -> str:
    """The SHA-256 of a stage's key: `digest` of what its artifacts note."""
    return digest(json.loads(key(stage)))


@cache
def version(package: str) -> str:
    """The installed version of a package, without its local label."""
    return importlib.metadata.version(package).split("+")[0]


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of `packages`, without local labels.

    `2.13.0+cpu` and `2.13.0+cu130` are the same release: results may move between a machine
    with a GPU and one without, and are not made again there.
    """
    return {name: version(name) for name in packages}
