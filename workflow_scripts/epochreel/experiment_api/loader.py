"""Experiments: where their files lie and how they are loaded, built-in or a person's own.

A built-in experiment is a folder of `epochreel.experiments` and is named by it. A person's
own is a folder anywhere with the same files and is named by its path, which holds a `/`. Its
modules are loaded as a package, so they import each other with `from . import helper`.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from epochreel.core.errors import OWN_PACKAGE, UserError, shown
from epochreel.experiment_api.interface import FILES, NAMES

_BUILT_IN = Path(__file__).parents[1] / "experiments"


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
        check_complete(self.file(module), missing)
        return loaded


def find(name: str, base: Path) -> Experiment:
    """The experiment that the config calls `name`; paths are relative to the folder `base`.

    Raises `UserError` where there is none, or where one of its four files is missing.
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
    return Experiment(folder, f"{OWN_PACKAGE}{suffix}")


def of_stage(stage: Mapping[str, Any], base: Path) -> Experiment:
    """Return the experiment of a stage; the relative paths of its settings start from `base`."""
    return find(stage["settings"]["data"]["experiment"], base)


def resolved(settings: Mapping[str, Any], folders: Iterable[str], base: Path) -> dict[str, Any]:
    """A dataset's settings; those of the keys `folders` are paths that start from `base`."""
    return {**settings, **{name: str(base / settings[name]) for name in folders}}


def check_complete(file: Path, missing: Sequence[str]) -> None:
    """Raise `UserError` where a file lacks names that the workflow calls."""
    if missing:
        raise UserError(f"{shown(str(file), 500)} does not define {' and '.join(missing)}")
