"""Experiments: where their files lie and how they are loaded, built-in or a person's own.

A built-in experiment is a folder of `epochreel.experiments` and is named by it. A person's
own is a folder anywhere with the same files and is named by its path, which holds a `/`. Its
modules are loaded as a package, so they import each other with `from . import helper`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from epochreel.core.errors import OWN_PACKAGE, UserError, shown
from epochreel.experiment_api.interface import FILES, NAMES
from epochreel.provenance.code_digest import parse

_BUILT_IN = Path(__file__).parents[1] / "experiments"
_VALUES = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.JoinedStr)
"""What no function is, when it is assigned."""


@dataclass(frozen=True)
class Experiment:
    """An experiment by its folder; `package` is the name that its modules are loaded under."""

    folder: Path
    package: str

    @property
    def is_builtin(self) -> bool:
        """Whether the experiment comes with Epochreel."""
        return self.folder.parent == _BUILT_IN

    def file(self, module: str) -> Path:
        """The path of one of the experiment's files, such as `data`."""
        return self.folder / f"{module}.py"

    def defines(self, module: str, name: str) -> bool:
        """Whether one of the experiment's files may define `name`; its code is not run."""
        return may_define(self.file(module), name)

    def takes(self, module: str, name: str, count: int) -> bool:
        """Whether a function of one of the files may be given `count` arguments, in order.

        The code is not run: what is decorated, imported or otherwise made may take any number. So
        may what has several definitions, if one of them does. A constant takes none.
        """
        tree = parse(self.file(module))
        return is_global(tree, name) or _any_may_take(tree, name, count)

    def load(self, module: str) -> ModuleType:
        """Import one of the experiment's files, such as `model`.

        Raises `UserError` where it lacks what the workflow calls.
        """
        if not self.is_builtin and self.package not in sys.modules:
            package = ModuleType(self.package)
            package.__path__ = [str(self.folder)]
            sys.modules[self.package] = package
        loaded = importlib.import_module(f"{self.package}.{module}")
        missing = [name for name in NAMES.get(module, ()) if not hasattr(loaded, name)]
        _refuse_missing(self.file(module), missing)
        return loaded


def find(name: str, base: Path) -> Experiment:
    """The experiment that the config calls `name`; paths are relative to the folder `base`.

    Raises `UserError` where there is none, where one of its four files is missing, or where any of
    its files is no Python or lacks a function that the workflow calls. No code of it is run.
    """
    if "/" not in name:
        known = sorted(path.parent.name for path in _BUILT_IN.glob("*/model.py"))
        if name not in known:
            raise UserError(
                f"experiment {shown(name)} is not built in (built in: {', '.join(known)}); "
                "name your own by its path, such as ./my_experiment"
            )
        return Experiment(_BUILT_IN / name, f"epochreel.experiments.{name}")
    try:
        folder = (base / name).resolve()
        missing = [f"{module}.py" for module in FILES if not (folder / f"{module}.py").is_file()]
    except (OSError, ValueError):
        raise UserError(f"experiment {shown(name)}: no folder can have this path") from None
    if missing:
        raise UserError(
            f"experiment {shown(name)}: {shown(str(folder), 500)} lacks {', '.join(missing)}"
        )
    suffix = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    experiment = Experiment(folder, f"{OWN_PACKAGE}{suffix}")
    for module in NAMES:
        if module in FILES or experiment.file(module).is_file():
            missing = [name for name in NAMES[module] if not experiment.defines(module, name)]
            _refuse_missing(experiment.file(module), missing)
    return experiment


def resolved(settings: Mapping[str, Any], folders: Iterable[str], base: Path) -> dict[str, Any]:
    """A dataset's settings; those of the keys `folders` are paths that start from `base`."""
    return {**settings, **{name: str(base / settings[name]) for name in folders}}


def _refuse_missing(file: Path, missing: Sequence[str]) -> None:
    if missing:
        raise UserError(f"{shown(str(file), 500)} does not define {' and '.join(missing)}")


def may_define(file: Path, name: str) -> bool:
    """Whether the top level of a Python file may define `name`; its code is not run."""
    return any(found in (name, "*") for found, _ in _defined(parse(file)))


def _defined(body: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The names that a module or the body of a class may define, each with what does.

    That is the value where a constant or a display of values is assigned. `*` stands for all the
    names of another module.
    """
    waiting = list(ast.iter_child_nodes(body))
    while waiting:  # A long `elif` is nested more deeply than functions may call each other.
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = (alias.asname or alias.name.partition(".")[0] for alias in node.names)
            yield from ((name, node) for name in names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, _VALUES):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, node.value) for target in targets if _is_name(target))
            waiting += [node.value, *(target for target in targets if not _is_name(target))]
        else:
            if isinstance(node, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
                captured = node.rest if isinstance(node, ast.MatchMapping) else node.name
                yield captured or "_", node
            waiting.extend(ast.iter_child_nodes(node))


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def is_global(tree: ast.Module, name: str) -> bool:
    """Whether a function of a module may set `name` for all of it, by `global`."""
    return any(isinstance(node, ast.Global) and name in node.names for node in ast.walk(tree))


def _any_may_take(body: ast.AST, name: str, count: int) -> bool:
    return any(_may_take(node, count) for found, node in _defined(body) if found in (name, "*"))


def _may_take(node: ast.AST, count: int) -> bool:
    if isinstance(node, _VALUES):
        return False
    if getattr(node, "decorator_list", None):
        return True
    if isinstance(node, ast.ClassDef):
        return _class_may_take(node, count)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return True
    given = node.args
    most = len(given.posonlyargs) + len(given.args)
    has_all = most - len(given.defaults) <= count and None not in given.kw_defaults
    return has_all and (given.vararg is not None or most >= count)


def _class_may_take(node: ast.ClassDef, count: int) -> bool:
    names = {name for name, _ in _defined(node)}
    if node.keywords or names & {"__new__", "*"}:
        return True
    if "__init__" in names:
        return _any_may_take(node, "__init__", count + 1)  # `self` is one more
    return bool(node.bases) or not count
