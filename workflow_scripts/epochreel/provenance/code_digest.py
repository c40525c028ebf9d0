"""A digest of the code that a result depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from epochreel.provenance import planned, source_digest
from epochreel.provenance.keys import digest
from epochreel.provenance.planned import LIBRARY
from epochreel.provenance.source_digest import Import

# These modules cannot change a result: they format errors, hold locks, log, watch processes and
# measure the machine. They, and modules that only they import, are not part of any digest.
_WITHOUT_RESULT = ("core.errors", "core.log", "core.lock", "runtime", "training.system_sampler")
_read: dict[Path, tuple[str, str]] = {}


def code_digest(files: Iterable[Path], folder: Path | None = None) -> str:
    """Return a digest of the code in `files` and in all project modules that they import.

    Imports are followed within `epochreel` and `folder` (a user's experiment); other packages count
    by version (see `keys.versions`). Comments, layout, the docstrings of modules, classes and
    functions, and the wording of errors and log messages do not count. The digest is the same for
    all supported versions of Python and for any location of the files.
    """
    return digest(modules(files, folder))


def modules(files: Iterable[Path], folder: Path | None = None) -> dict[str, str]:
    """Return the digests of all modules that `code_digest` covers, by dotted name."""
    # Links are not resolved: Python also looks for siblings in the folder that contains the link.
    roots = {"epochreel": LIBRARY} | ({"experiment": folder.absolute()} if folder else {})
    found: dict[str, str] = {}
    queue = [Path(file).absolute() for file in files]
    while queue:
        path = queue.pop()
        name = _module_name(path, roots)
        if name in found or _is_without_result(name):
            continue
        found[name], imports = _read_module(path)
        # Loading a module runs the `__init__` files of its packages.
        package = (0, name.rpartition(".")[0], "")
        queue.extend(_imported_files((*imports, package), name, path, roots))
    return found


@cache
def _read_module(path: Path) -> tuple[str, tuple[Import, ...]]:
    """Read a module once in this process; return the digest of its code, and its imports."""
    source = planned.read_source(path)
    found, imports = source_digest.digest_module(path, source)
    _read[path] = planned.bytes_digest(source), found
    return found, imports


def sources() -> dict[Path, tuple[str, str]]:
    """Return the digests of all modules that this process has read, for `planned.write`."""
    return dict(_read)


def _is_without_result(name: str) -> bool:
    root, _, rest = name.partition(".")
    return root == "epochreel" and any(
        rest == known or rest.startswith(f"{known}.") for known in _WITHOUT_RESULT
    )


def _module_name(path: Path, roots: Mapping[str, Path]) -> str:
    """Return the dotted name of a module below one of `roots`; for scripts, the stem."""
    for package, root in roots.items():
        if path.is_relative_to(root):
            parts = path.relative_to(root).with_suffix("").parts
            return ".".join([package, *(part for part in parts if part != "__init__")])
    return path.stem


def _imported_files(
    imports: Iterable[Import], name: str, path: Path, roots: Mapping[str, Path]
) -> Iterator[Path]:
    """Yield the project files that a module's imports run, including `__init__` files."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for level, module, item in imports:
        # One dot is the package itself, each further dot the package that contains it.
        parents = package[: len(package) - level + 1] if level else []
        parts = [*parents, *(module.split(".") if module else []), *([item] if item else [])]
        if parts and parts[0] in roots:
            yield from _files_of(roots[parts[0]], parts[1:])


def _files_of(root: Path, parts: list[str]) -> Iterator[Path]:
    """Yield the files run by importing `parts` below `root`; the last part may be no module."""
    folder = root
    # Start with the root's own `__init__`, then descend one part at a time.
    for part in [None, *parts]:
        folder = folder / part if part else folder
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"
        elif part and folder.with_suffix(".py").is_file():
            yield folder.with_suffix(".py")
            return
        elif not folder.is_dir():
            return
