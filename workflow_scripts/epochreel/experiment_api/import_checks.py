"""Whether what an experiment of one's own imports of its folder is there."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from epochreel.core.errors import UserError
from epochreel.experiment_api.loader import is_global, may_define
from epochreel.provenance.code_digest import parse

_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
# With these a module gives itself names that its text does not show.
_MAKERS = {"exec", "globals", "locals", "vars", "setattr", "modules", "__dict__"}
_MAKERS |= {"global_enum", "global_flag_repr"}


def refuse_missing(file: Path, root: Path) -> None:
    """Refuse a relative import, in `file`, of a module or a name that is not there below `root`.

    Imports that may fail are left alone: those in `try` with `except ImportError`, below
    `suppress(ImportError)`, or for type checkers alone. No code is run. Raises `UserError` with
    file and line.
    """
    importlib.invalidate_caches()
    for node in _imports(parse(file)):
        missing = _missing(node, file.parent, root)
        if missing:
            raise UserError(
                f"{file} imports {missing}, which is not there (line {node.lineno}): "
                "mend the import, or put the module there"
            )


def _imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    """The relative imports that are to succeed when they are run, in the order of their lines."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node
        elif not _may_fail(node):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def _may_fail(node: ast.AST) -> bool:
    if isinstance(node, ast.Try | ast.TryStar):
        return any(not one.type or _names(one.type) & _CAUGHT for one in node.handlers)
    if isinstance(node, ast.With):
        managers = [_names(item.context_expr) for item in node.items]
        return any("suppress" in names and names & _CAUGHT for names in managers)
    return isinstance(node, ast.If) and "TYPE_CHECKING" in _names(node.test)


def _names(node: ast.AST) -> set[str]:
    """The names and attributes in an expression."""
    parts = ast.walk(node)
    return {getattr(part, "id", None) or getattr(part, "attr", "") for part in parts}


def _missing(node: ast.ImportFrom, folder: Path, root: Path) -> str | None:
    """What a relative import in a module of `folder` finds nothing for, as it is written there."""
    dots = "." * node.level
    for _ in range(node.level - 1):
        if folder == root:
            return f"{dots}{node.module or ''}"
        folder = folder.parent
    parts = node.module.split(".") if node.module else []
    for number, part in enumerate(parts, start=1):
        kind = _kind(folder, part)
        if kind is None or (kind == "module" and number < len(parts)):
            return dots + ".".join(parts[: number + (kind is not None)])
        folder /= part
    names = (alias.name for alias in node.names)
    lacking = (name for name in names if not _offers(folder, name, root))
    return next((f"{dots}{'.'.join([*parts, name])}" for name in lacking), None)


def _kind(folder: Path, name: str) -> str | None:
    """What `name` in a folder is to Python: a module, a package (any folder is one), or None."""
    found = PathFinder.find_spec(name, [str(folder)])
    if found is None:
        return None
    return "module" if found.submodule_search_locations is None else "package"


def _offers(place: Path, name: str, root: Path) -> bool:
    """Whether `name` can be imported from a module or package, its path given without suffix.

    The experiment's own folder is a package whose `__init__` is not run.
    """
    if name == "*" or _kind(place, name):
        return True
    if place == root:
        return False
    files = (place / "__init__.py", place.with_name(f"{place.name}.py"))
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return not place.is_dir()  # A compiled module, which may have any.
    return _may_have(file, name)


def _may_have(file: Path, name: str) -> bool:
    """Whether a module may have that name once it is loaded, as its text tells."""
    if (name.startswith("__") and name.endswith("__")) or may_define(file, name):
        return True
    tree = parse(file)
    return (
        may_define(file, "__getattr__")
        or not _MAKERS.isdisjoint(_names(tree))
        or is_global(tree, name)
    )
