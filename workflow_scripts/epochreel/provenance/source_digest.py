"""The digest of one module's code, without comments, layout, docstrings and messages."""

from __future__ import annotations

import ast
import hashlib
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError, first_line

# The exceptions that Python raises for a file that it cannot parse or compile. The parser has its
# own stack, and raises MemoryError when that overflows.
PARSE_ERRORS = (SyntaxError, ValueError, OSError, RecursionError, MemoryError)


def parse(path: Path, source: bytes) -> ast.Module:
    """Return the syntax tree of the Python file `path`, whose content is `source`.

    Raises `UserError` if it cannot be parsed.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # The job that runs the file prints them.
            return ast.parse(source)
    except PARSE_ERRORS as error:
        raise UserError(describe_parse_error(path, error)) from error


def describe_parse_error(path: Path, error: BaseException) -> str:
    """Explain in one line why a file is not valid Python; `error` is one of `PARSE_ERRORS`."""
    line = f" (line {error.lineno})" if getattr(error, "lineno", None) else ""
    reason = getattr(error, "msg", None) or first_line(error)
    if isinstance(error, RecursionError | MemoryError):
        reason = "it is nested too deeply: split long expressions and statements"
    return f"{path} cannot be read as Python: {reason}{line}"


Import = tuple[int, str, str]
"""An import: its level (number of leading dots), the module and the name imported from it."""


def digest_module(path: Path, source: bytes) -> tuple[str, tuple[Import, ...]]:
    """Return the digest of a module's syntax tree, and its imports.

    `path` is named in the error. Raises `UserError` if the source cannot be parsed.
    """
    tree = parse(path, source)
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
