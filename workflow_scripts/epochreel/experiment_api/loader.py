"""Find and load experiments, built-in or user-defined.

A built-in experiment is a folder in `epochreel.experiments`, referred to by its name. A
user-defined experiment is a folder anywhere with the same files, referred to by its path, which
contains a `/`. Its modules are loaded as a package, so they can import each other with
`from . import helper`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from epochreel.core.errors import USER_PACKAGE_PREFIX, UserError, shown
from epochreel.experiment_api import user_code
from epochreel.experiment_api.interface import FILES, NAMES

log = logging.getLogger("epochreel")
_BUILT_IN = Path(__file__).parents[1] / "experiments"
_AFRESH = "_afresh"


@dataclass(frozen=True)
class Experiment:
    """An experiment: its folder and the package name under which its modules are loaded."""

    folder: Path
    package: str

    @property
    def is_builtin(self) -> bool:
        """True if the experiment ships with Epochreel."""
        return self.folder.parent == _BUILT_IN

    def file(self, module: str) -> Path:
        """Return the path of one of the experiment's files, such as `data`."""
        return self.folder / f"{module}.py"

    def afresh(self) -> Experiment:
        """Return the same experiment, to be loaded again as by another process.

        Its modules are new ones, which lack what the functions of the first have kept in them.
        """
        return replace(self, package=f"{self.package}{_AFRESH}")

    def to_repeat(self, first: int, count: int) -> Experiment | None:
        """Return the experiment with which a job repeats some of its units, to compare results.

        A user's functions may keep state between units, such as examples or snapshots. `first` and
        `count` are the job's units: the first job of a run or split repeats some if it has several.
        """
        is_repeated = first == 0 and count > 1 and not self.is_builtin
        return self.afresh() if is_repeated else None

    def load(self, module: str) -> ModuleType:
        """Import one of the experiment's files, such as `model`; see `user_code.load`.

        Raises `UserError` if the file lacks a required name.
        """
        if not self.is_builtin and self.package not in sys.modules:
            package = ModuleType(self.package)
            package.__path__ = [str(self.folder)]
            sys.modules[self.package] = package
        try:
            loaded = user_code.load(f"{self.package}.{module}", str(self.file(module)))
        except Exception:
            if not self.package.endswith(_AFRESH):
                raise
            # A module may register something, such as a color map, that cannot be registered twice.
            log.debug("%s cannot be loaded again", self.file(module), exc_info=True)
            return replace(self, package=self.package.removesuffix(_AFRESH)).load(module)
        missing = [name for name in NAMES.get(module, ()) if not hasattr(loaded, name)]
        check_complete(self.file(module), missing)
        return loaded


def find(name: str, base: Path) -> Experiment:
    """Find an experiment by its name or path in the config; paths are relative to `base`.

    Raises `UserError` if it does not exist, or lacks one of its three required files.
    """
    if "/" not in name:
        built_in = sorted(path.parent.name for path in _BUILT_IN.glob("*/model.py"))
        if name not in built_in:
            raise UserError(
                f"experiment {shown(name)} is not built in; expected one of "
                f"{', '.join(built_in)}, or a path such as ./my_experiment"
            )
        return Experiment(_BUILT_IN / name, f"epochreel.experiments.{name}")
    try:
        folder = config_path(base, name).resolve()
        missing = [f"{module}.py" for module in FILES if not (folder / f"{module}.py").is_file()]
    except (OSError, ValueError, RuntimeError):
        raise UserError(f"experiment {shown(name)}: this is not a valid path") from None
    if missing:
        raise UserError(
            f"experiment {shown(name)}: missing {', '.join(missing)} in {shown(str(folder), 500)}"
        )
    suffix = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Experiment(folder, f"{USER_PACKAGE_PREFIX}{suffix}")


def of_stage(stage: Mapping[str, Any], base: Path) -> Experiment:
    """Return the experiment of a stage; relative paths in its settings start from `base`."""
    return find(stage["settings"]["data"]["experiment"], base)


def resolve_paths(settings: Mapping[str, Any], keys: Iterable[str], base: Path) -> dict[str, Any]:
    """Return a dataset's settings with the paths at `keys` resolved against `base`."""
    named = {key: settings[key] for key in keys if settings[key] is not None}
    return {**settings, **{key: str(config_path(base, named[key])) for key in named}}


def config_path(base: Path, text: str) -> Path:
    """Resolve a path in a config: `~` is the home folder, and relative paths start at `base`.

    If there is no such home folder, `~` is kept.
    """
    return base / os.path.expanduser(text)


def check_complete(file: Path, missing: Sequence[str]) -> None:
    """Raise `UserError` if required names are missing in a file."""
    if missing:
        raise UserError(f"{shown(str(file), 500)} does not define {' and '.join(missing)}")
