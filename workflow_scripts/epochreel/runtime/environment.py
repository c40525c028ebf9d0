"""The environment of jobs: what they inherit must not change their results."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

FIXED = {
    "PYTHONHASHSEED": "0",  # The order of a set of strings.
    "LC_ALL": "C.UTF-8",  # How numbers and dates are written, if a user's code sets the locale.
}
REMOVED = (
    "PYTHONOPTIMIZE",  # It removes assertions.
    "PYTHONWARNINGS",  # It may turn a warning into an error.
)


def prepare(scripts: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables that jobs inherit; `scripts` is the folder of the library.

    It comes before every other folder in which a job looks for modules: Snakemake adds it last, so
    another copy of the library in PYTHONPATH or site-packages would win.
    """
    others = environment.get("PYTHONPATH", "").split(os.pathsep)
    folders = [str(scripts), *(folder for folder in others if folder not in ("", str(scripts)))]
    environment["PYTHONPATH"] = os.pathsep.join(folders)
    environment.update(FIXED)
    for name in REMOVED:
        environment.pop(name, None)
