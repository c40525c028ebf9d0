"""What the command planned: the sources and the cache keys that its jobs must run with.

The command that plans writes one record of the digests of all sources that count in cache keys, and
of all keys. Its jobs find the record through an environment variable, on a cluster too, and check
against it each module that they load and each key that they use. A job ends if a file or the config
changed after planning, or if it has another copy of the library or another version of a package.
Its results would otherwise be stored under a key that does not describe them.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.abc
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.machinery import (
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NoReturn

from epochreel.core.errors import USER_PACKAGE_PREFIX, UserError, first_line, printable
from epochreel.core.files import atomic_write_bytes
from epochreel.core.log import log, to_terminal
from epochreel.provenance import source_digest

RECORD = "EPOCHREEL_PLANNED"
"""Environment variable: the path of the record."""
LIBRARY = Path(__file__).parents[1]
_PREFIXES = ("epochreel.", USER_PACKAGE_PREFIX)
_SCRIPT_START = b"######## snakemake preamble end #########\n"
_RETRY = "changed while the workflow was running: run the same command again"


# -- In the command that plans


def write(path: Path, sources: Mapping[Path, tuple[str, str]], keys: Iterable[str]) -> None:
    """Write the record: for each source its bytes' and its code's digest, and the keys' digests."""
    record = {
        "scripts": str(LIBRARY.parent),
        "sources": {str(source): digests for source, digests in sources.items()},
        "keys": sorted(keys),
    }
    try:
        atomic_write_bytes(path, gzip.compress(json.dumps(record).encode(), mtime=0))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {first_line(error)}") from error


def bytes_digest(source: bytes) -> str:
    """Return the digest of a source's bytes, which is compared before that of its code."""
    return hashlib.blake2b(source, digest_size=16).hexdigest()


# -- In its jobs


def is_job() -> bool:
    """Return whether this process works for a command that has planned."""
    return RECORD in os.environ


@cache
def _record() -> dict[str, Any] | None:
    """Return the record, or None outside the jobs of a workflow."""
    if not is_job():
        return None
    try:
        return json.loads(gzip.decompress(Path(os.environ[RECORD]).read_bytes()))
    except (OSError, EOFError, ValueError):
        raise UserError(
            f"{os.environ[RECORD]} is missing or damaged, since the command that planned this "
            "job has ended: run it again"
        ) from None


def read_source(path: Path) -> bytes:
    """Read a source file. Raises `UserError` if it cannot be read or is not the planned one."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UserError(source_digest.describe_parse_error(path, error)) from error
    check_source(path, source)
    return source


def check_source(path: Path, source: bytes) -> None:
    """Raise `UserError` if the code of a source file is not the planned one."""
    record = _record()
    if record is None:
        return
    planned = record["sources"].get(str(path))
    if planned is None:
        if not path.is_relative_to(record["scripts"]):
            _refuse_unknown(path, record)
        return
    in_bytes, in_code = planned
    if in_bytes != bytes_digest(source) and in_code != source_digest.digest_module(path, source)[0]:
        raise UserError(f"{path} {_RETRY}")


def _refuse_unknown(path: Path, record: Mapping[str, Any]) -> None:
    if path.is_relative_to(LIBRARY):
        raise UserError(
            f"{path} was loaded instead of the library in {record['scripts']}: "
            "remove it from PYTHONPATH and site-packages"
        )
    raise UserError(
        f"{path} was loaded, but planning did not find its import: import it with "
        f"'from . import {path.stem}', so that results depend on its content"
    )


def check_key(key_digest: str) -> None:
    """Raise `UserError` if a job uses a cache key that was not planned."""
    record = _record()
    if record is not None and key_digest not in record["keys"]:
        raise UserError(f"the config or the code {_RETRY}")


# -- The import hook


class _SourceLoader(SourceFileLoader):
    """Compiles exactly the bytes that it has checked. Python's own loader may use a .pyc file."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        try:
            source = read_source(Path(path))
        except UserError as error:
            _end(error)
        return self.source_to_code(source, path)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of the library and of users' experiments."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(_PREFIXES):
            _refuse_sibling(name)
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader | SourcelessFileLoader):
            spec.loader = _SourceLoader(name, spec.origin)
        return spec


@cache
def _user_folders() -> set[str]:
    """Return the folders of users' experiments."""
    sources = map(Path, _record()["sources"])
    scripts = _record()["scripts"]
    return {str(path.parent) for path in sources if not path.is_relative_to(scripts)}


def _refuse_sibling(name: str) -> None:
    """End the job at an absolute import from an experiment's folder, which planning does not see.

    User code may put its folder on `sys.path`.
    """
    folders = [folder for folder in sys.path if folder in _user_folders()]
    spec = PathFinder.find_spec(name, folders) if folders else None
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin)
        _end(
            UserError(
                f"{path} was loaded by an absolute import, which planning does not follow: import "
                f"it with 'from . import {name}', so that results depend on its content"
            )
        )


def install() -> None:
    """In a job, check its script, the modules that are loaded, and each that it loads later."""
    if not is_job():
        return
    sys.meta_path.insert(0, _Finder())
    main = sys.modules["__main__"]
    try:
        for name, module in list(sys.modules.items()):
            if name == "epochreel" or name.startswith(_PREFIXES):
                read_source(Path(module.__file__))
        if hasattr(main, "__real_file__"):  # Snakemake runs a copy of the script, after a preamble.
            copy = Path(main.__real_file__).read_bytes()
            check_source(Path(main.__file__), copy.partition(_SCRIPT_START)[2])
    except UserError as error:
        _end(error)


def _end(error: UserError) -> NoReturn:
    """Report an error and end the process at once: code around an import may catch exceptions."""
    if not log.handlers:  # The script has not entered `job` yet.
        to_terminal()
    log.error("%s", printable(str(error)))
    os._exit(1)
