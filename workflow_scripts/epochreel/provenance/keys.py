"""Cache keys: the settings, code and versions that an artifact depends on, in canonical form.

Snakemake reruns a job when its `params` change. The `settings` in them are a string made here,
which changes only with what can change the stage's result, and not with the order of keys,
comments, docstrings, layout or the modification times of files.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from epochreel.core.errors import UserError
from epochreel.provenance import planned


def canonical(value: Any) -> str:
    """Return `value` as JSON in canonical form.

    Keys are sorted, there is no white space, and whole numbers have no fraction (1.0 becomes 1).
    Raises `ValueError` for NaN and infinity.
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
    """Return the SHA-256 of `canonical(value)`, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def key(stage: Mapping[str, Any]) -> str:
    """Return the cache key that the artifacts of a stage carry, in canonical form.

    It contains the stage's settings, code and versions, and in `reads` the key digests of the
    stages that it reads. The block is not part of it: an artifact is the same whichever block it is
    made in. In a job, raises `UserError` if the key or a package is not the planned one.
    """
    found = canonical({name: stage[name] for name in ("settings", "code", "versions", "reads")})
    if planned.is_job():
        _check_versions(stage["versions"])
        planned.check_key(digest(json.loads(found)))
    return found


def _check_versions(planned_versions: Mapping[str, str]) -> None:
    for name, expected in planned_versions.items():
        if version(name) != expected:
            raise UserError(
                f"this job has {name} {version(name)}, but the command was planned with "
                f"{expected}: install the same versions everywhere (see requirements.txt)"
            )


def key_digest(stage: Mapping[str, Any]) -> str:
    """Return the digest of a stage's cache key."""
    return digest(json.loads(key(stage)))


@cache
def version(package: str) -> str:
    """Return the installed version of a package, without its local label."""
    return importlib.metadata.version(package).split("+")[0]


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed versions of `packages`, without local labels.

    `2.13.0+cpu` and `2.13.0+cu130` are the same release, so results can move between machines with
    and without a GPU without recomputation.
    """
    return {name: version(name) for name in packages}
