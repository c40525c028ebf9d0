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
# These modules cannot change a result: they word errors, keep locks, log, watch processes and
# measure the machine. They are not part of any digest, nor is what only they import.
_WITHOUT_RESULT = ("core.errors", "core.log", "core.lock", "runtime", "training.system_sampler")
# What Python raises for a file that it cannot parse or compile; its parser has a stack of its own,
# and calls it want of memory when that is full.
UNREADABLE = (SyntaxError, ValueError, OSError, RecursionError, MemoryError)


def code_digest(files: Iterable[Path], folder: Path | None = None) -> str:
    """A digest of what the code in `files` says, and in all project modules that they import.

    Modules of `epochreel` and of `folder` (a user's experiment) are followed; other packages count
    by their versions. Comments, docstrings, layout, the wording of errors and of log messages do
    not count. The digest is the same under every supported version of Python and wherever the files
    lie.
    """
    return digest(modules(files, folder))


def modules(files: Iterable[Path], folder: Path | None = None) -> dict[str, str]:
    """The modules that `code_digest` looks at, by dotted name, each with a digest of its own."""
    # Links are left as they are: Python too looks for a module's siblings where its name lies.
    roots = {"epochreel": LIBRARY} | ({"experiment": folder.absolute()} if folder else {})
    found: dict[str, str] = {}
    waiting = [Path(file).absolute() for file in files]
    while waiting:
        path = waiting.pop()
        name = _module_name(path, roots)
        if name in found or _is_without_result(name):
            continue
        found[name], imports = _read_module(path)
        # To load a module is to run the packages that it lies in.
        package = (0, name.rpartition(".")[0], "")
        waiting.extend(_imported_files((*imports, package), name, path, roots))
    return found


def _is_without_result(name: str) -> bool:
    root, _, rest = name.partition(".")
    return root == "epochreel" and any(
        rest == known or rest.startswith(f"{known}.") for known in _WITHOUT_RESULT
    )


def parse(path: Path) -> ast.Module:
    """The syntax tree of a Python file. Raises `UserError` with the line where it is none."""
    try:
        with warnings.catch_warnings(action="ignore"):  # The job that runs the file shows them.
            return ast.parse(path.read_bytes())
    except UNREADABLE as error:
        raise UserError(unreadable(path, error)) from error


def unreadable(path: Path, error: BaseException) -> str:
    """Why a file cannot be read as Python, one of `UNREADABLE`, in one line."""
    line = f" (line {error.lineno})" if getattr(error, "lineno", None) else ""
    reason = getattr(error, "msg", None) or first_line(error)
    if isinstance(error, RecursionError | MemoryError):
        reason = "it is nested too deeply: split what is long in it"
    return f"{path} cannot be read as Python: {reason}{line}"


@cache
def _read_module(path: Path) -> tuple[str, tuple[tuple[int, str, str], ...]]:
    """The digest of one module's syntax tree, and its imports as (level, module, name)."""
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
    spelt: list[str] = []
    try:
        _spell(tree, spelt)
    except RecursionError as error:
        raise UserError(unreadable(path, error)) from error
    return hashlib.sha256("".join(spelt).encode()).hexdigest(), tuple(imports)


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
    """True for `raise …Error(…)` and statements like `log.info(…)`: text for people only."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        raised = node.exc.func
        return getattr(raised, "id", getattr(raised, "attr", "")).endswith("Error")
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    called = node.value.func if is_call else None
    logs = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)
    return logs and called.value.id == "log" and called.attr in _LOGGING


def _drop_text(message: ast.AST) -> None:
    """Empty all text in a message; keep what it computes, such as the values that it names."""
    for node in ast.walk(message):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(sorted(kind._fields))


def _spell(node: Any, text: list[str]) -> None:
    """Add a syntax tree to `text`. Empty fields are left out: Python versions differ in them.

    The hot path of planning: a start spells all the code that its stages run, in 100,000 calls.
    """
    if isinstance(node, ast.AST):
        kind = type(node)
        text.append(f"({kind.__name__}")
        for name in _fields(kind):
            value = getattr(node, name, None)
            if kind is ast.JoinedStr:  # 3.12 notes the empty format of f"{x:}".
                value = [part for part in value if getattr(part, "value", None) != ""]
            if value is not None and value != []:
                text.append(f" {name}=")
                _spell(value, text)
        text.append(")")
    elif isinstance(node, list):
        text.append("[")
        for item in node:
            _spell(item, text)
            text.append(",")
        text.append("]")
    else:
        text.append(f"{type(node).__name__}:{node!r}")


def _module_name(path: Path, roots: Mapping[str, Path]) -> str:
    """The dotted name of a module below one of `roots`; a script's is its stem."""
    for package, root in roots.items():
        if path.is_relative_to(root):
            parts = path.relative_to(root).with_suffix("").parts
            return ".".join([package, *(part for part in parts if part != "__init__")])
    return path.stem


def _imported_files(
    imports: Iterable[tuple[int, str, str]], name: str, path: Path, roots: Mapping[str, Path]
) -> Iterator[Path]:
    """The project's files that a module's imports run, packages' `__init__` files included."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for level, module, item in imports:
        # One dot means the package itself, each further one the package around.
        parents = package[: len(package) - level + 1] if level else []
        parts = [*parents, *(module.split(".") if module else []), *([item] if item else [])]
        if parts and parts[0] in roots:
            yield from _files_of(roots[parts[0]], parts[1:])


def _files_of(root: Path, parts: list[str]) -> Iterator[Path]:
    """The files run by importing `parts` below `root`; a trailing name inside a module is none."""
    folder = root
    # The root's own `__init__` first, then one part deeper each time.
    for part in [None, *parts]:
        folder = folder / part if part else folder
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"
        elif part and folder.with_suffix(".py").is_file():
            yield folder.with_suffix(".py")
            return
        elif not folder.is_dir():
            return
