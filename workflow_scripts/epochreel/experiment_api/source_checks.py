"""Check the source of a user's experiment while planning, without running it.

A mistake in the source stops planning with a one-line error. Code that cannot be judged from its
source, such as a decorated function or a name from `import *`, is accepted; the job that runs it
reports mistakes.
"""

from __future__ import annotations

import ast
import importlib
import warnings
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from epochreel.core.errors import UserError
from epochreel.experiment_api import declared_metrics
from epochreel.experiment_api.interface import CALLS, NAMES
from epochreel.experiment_api.loader import Experiment, check_complete
from epochreel.provenance import code_digest, planned, source_digest

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.Lambda)
# An import in one of these may fail or be skipped: `except ImportError`, `if TYPE_CHECKING`.
_CONDITIONAL = (ast.Try, ast.TryStar, ast.With, ast.If)
# A file that uses one of these may define names that its source does not show.
_DYNAMIC_NAMES = {"exec", "globals", "locals", "vars", "setattr", "__dict__", "global_enum"}
_BY_RUN = {"draw", "evaluate"}  # Checked per run: only some runs call these in this form.


def validate_experiment(experiment: Experiment) -> None:
    """Check that an experiment compiles, that its imports resolve and required names exist.

    Includes the modules in its folder that its files import. Raises `UserError`.
    """
    present = [module for module in NAMES if experiment.file(module).is_file()]
    files = [experiment.file(module) for module in present]
    for path in dict.fromkeys([*files, *_imported(files, experiment.folder)]):
        check_compiles(path)
        check_imports(path, experiment.folder)
    for module in present:
        file = experiment.file(module)
        check_complete(file, [name for name in NAMES[module] if not defines(file, name)])
        for name in CALLS[module].keys() - _BY_RUN:
            check_call(experiment, module, name)
    declared_metrics.read(experiment.file("evaluation"))


def _imported(files: list[Path], folder: Path) -> Iterator[Path]:
    """Yield the files in an experiment's folder that `files` import, directly or indirectly."""
    for name in code_digest.modules(files, folder):
        root, *parts = name.split(".")
        if root == "experiment":
            package = folder.joinpath(*parts, "__init__.py")
            yield package if package.is_file() else package.parent.with_suffix(".py")


def check_compiles(file: Path) -> None:
    """Compile a file, which also detects mistakes such as `return` outside a function."""
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(file.read_bytes(), file, "exec", dont_inherit=True)
    except source_digest.PARSE_ERRORS as error:
        raise UserError(source_digest.describe_parse_error(file, error)) from error


def check_imports(file: Path, root: Path) -> None:
    """Check that the relative imports in a file resolve to modules and names below `root`."""
    importlib.invalidate_caches()
    package = file.parent.relative_to(root).parts
    for node in _unconditional_imports(_parse(file)):
        depth = len(package) - node.level + 1
        parts = [*package[:depth], *(node.module.split(".") if node.module else [])]
        for name in (alias.name for alias in node.names):
            if depth < 0 or not _may_import(root, parts, name):
                raise UserError(
                    f"{file}, line {node.lineno}: 'from {'.' * node.level}{node.module or ''} "
                    f"import {name}': no such module or name; correct the import or add it"
                )


def _parse(file: Path) -> ast.Module:
    return source_digest.parse(file, planned.read_source(file))


def _unconditional_imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    """Yield the relative imports that must succeed when they run."""
    queue: list[ast.AST] = [tree]
    for node in queue:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node
        elif not isinstance(node, _CONDITIONAL):
            queue.extend(ast.iter_child_nodes(node))


def _may_import(root: Path, parts: Sequence[str], name: str) -> bool:
    """Return whether `from root.parts import name` may succeed."""
    target = parts if name == "*" else [*parts, name]
    if not target or _find(root, target):
        return True
    module = _find(root, parts)  # None for `root` itself, whose __init__.py is never run.
    if module is None or module.origin is None:
        return False
    is_source = module.origin.endswith(".py")
    return not is_source or name.startswith("__") or defines(Path(module.origin), name)


def _find(folder: Path, parts: Sequence[str]) -> ModuleSpec | None:
    spec = None
    for part in parts:
        spec = PathFinder.find_spec(part, [str(folder)])
        folder /= part
    return spec


def check_call(experiment: Experiment, module: str, name: str) -> None:
    """Check that a function of an experiment, if defined, accepts the arguments in `CALLS`."""
    file, arguments = experiment.file(module), CALLS[module][name]
    if not accepts(file, name, len(arguments)):
        call = f"({', '.join(arguments)})"
        raise UserError(f"{file}: {name} does not accept {call}; define it as {name}{call}")


def defines(file: Path, name: str) -> bool:
    """Return whether a Python file may define `name` at its top level."""
    tree = _parse(file)
    if _bindings(tree, name) or _bindings(tree, "__getattr__"):
        return True
    used = (getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(tree))
    return not _DYNAMIC_NAMES.isdisjoint(used)


def accepts(file: Path, name: str, count: int) -> bool:
    """Return whether `name` in a Python file, if defined, may be called with `count` arguments."""
    bindings = _bindings(_parse(file), name)
    return not bindings or any(_may_accept(node, count) for node in bindings)


def _bindings(scope: ast.AST, name: str) -> list[ast.AST]:
    """Return the nodes that may bind `name` in the body of a module or a class."""
    found = [n for n in ast.walk(scope) if isinstance(n, ast.Global) and name in n.names]
    queue = list(ast.iter_child_nodes(scope))
    for node in queue:  # A loop: a long `elif` chain is nested too deeply for recursion.
        if _binds(node, name):
            found.append(node)
        if not isinstance(node, _SCOPES):
            queue.extend(ast.iter_child_nodes(node))
    return found


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.alias):
        return (node.asname or node.name.partition(".")[0]) in (name, "*")
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Store)
    return name in (getattr(node, "name", None), getattr(node, "rest", None))


def _may_accept(node: ast.AST, count: int) -> bool:
    if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)) or node.decorator_list:
        return True
    if isinstance(node, ast.ClassDef):
        methods = _bindings(node, "__init__")  # Without `__init__`, a base class decides.
        return not methods or any(_may_accept(method, count + 1) for method in methods)
    parameters = node.args
    most = len(parameters.posonlyargs) + len(parameters.args)
    has_all = most - len(parameters.defaults) <= count and None not in parameters.kw_defaults
    return has_all and (parameters.vararg is not None or most >= count)
