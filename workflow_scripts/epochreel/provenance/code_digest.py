"""A digest of the code that a result depends on."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError, first_line
from epochreel.provenance.keys import digest

LIBRARY = Path(__file__).parents[1]
# These modules cannot change a result: they format errors, hold locks, log, watch processes and
# measure the machine. They, and modules that only they import, are not part of any digest.
_WITHOUT_RESULT = ("core.errors", "core.log", "core.lock", "runtime", "training.system_sampler")
# The exceptions that Python raises for a file that it cannot parse or compile. The parser has its
# own stack, and raises MemoryError when that overflows.
PARSE_ERRORS = (SyntaxError, ValueError, OSError, RecursionError, MemoryError)


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


def _is_without_result(name: str) -> bool:
    root, _, rest = name.partition(".")
    return root == "epochreel" and any(
        rest == known or rest.startswith(f"{known}.") for known in _WITHOUT_RESULT
    )


def parse(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file. Raises `UserError` if it cannot be parsed."""
    try:
        with warnings.catch_warnings(action="ignore"):  # The job that runs the file prints them.
            return ast.parse(path.read_bytes())
    except PARSE_ERRORS as error:
        raise UserError(describe_parse_error(path, error)) from error


def describe_parse_error(path: Path, error: BaseException) -> str:
    """Explain in one line why a file is not valid Python; `error` is one of `PARSE_ERRORS`."""
    line = f" (line {error.lineno})" if getattr(error, "lineno", None) else ""
    reason = getattr(error, "msg", None) or first_line(error)
    if isinstance(error, RecursionError | MemoryError):
        reason = "it is nested too deeply: split long expressions and statements"
    return f"{path} cannot be read as Python: {reason}{line}"


@cache
def _read_module(path: Path) -> tuple[str, tuple[tuple[int, str, str], ...]]:
    """Return the digest of a module's syntax tree, and its imports as (level, module, name)."""
    tree = parse(path)
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(0, alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports += [(node.level, node.module or "", alias.name) for alias in node.names]
        elif isinstance(node, _DOCUMENTED):
            _drop_docstring(node)
        elif _is_message(node):
            _drop_text(node.exc if isinstance(node, ast.Raise) else node)
    text: list[str] = []
    try:
        _serialize(tree, text)
    except RecursionError as error:
        raise UserError(describe_parse_error(path, error)) from error
    return hashlib.sha256("".join(text).encode()).hexdigest(), tuple(imports)


_LOGGING = ("debug", "info", "warning", "error", "exception", "critical", "log")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _drop_docstring(node: Any) -> None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        del node.body[0]


def _is_message(node: ast.AST) -> bool:
    """Return whether a node is `raise …Error(…)` or a statement such as `log.info(…)`."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        raised = node.exc.func
        return getattr(raised, "id", getattr(raised, "attr", "")).endswith("Error")
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    called = node.value.func if is_call else None
    logs = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)
    return logs and called.value.id == "log" and called.attr in _LOGGING


def _drop_text(message: ast.AST) -> None:
    """Empty all strings in a message; keep its expressions, such as the values that it names."""
    for node in ast.walk(message):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(sorted(kind._fields))


def _serialize(node: Any, text: list[str]) -> None:
    """Append a syntax tree to `text`, without empty fields, in which Python versions differ.

    The hot path of planning: it is called 100,000 times when a command starts, for all code that
    the stages run.
    """
    if isinstance(node, ast.AST):
        kind = type(node)
        text.append(f"({kind.__name__}")
        for name in _fields(kind):
            value = getattr(node, name, None)
            if kind is ast.JoinedStr:  # Python 3.12 records the empty format of f"{x:}".
                value = [part for part in value if getattr(part, "value", None) != ""]
            if value is not None and value != []:
                text.append(f" {name}=")
                _serialize(value, text)
        text.append(")")
    elif isinstance(node, list):
        text.append("[")
        for item in node:
            _serialize(item, text)
            text.append(",")
        text.append("]")
    else:
        text.append(f"{type(node).__name__}:{node!r}")


def _module_name(path: Path, roots: Mapping[str, Path]) -> str:
    """Return the dotted name of a module below one of `roots`; for scripts, the stem."""
    for package, root in roots.items():
        if path.is_relative_to(root):
            parts = path.relative_to(root).with_suffix("").parts
            return ".".join([package, *(part for part in parts if part != "__init__")])
    return path.stem


def _imported_files(
    imports: Iterable[tuple[int, str, str]], name: str, path: Path, roots: Mapping[str, Path]
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
