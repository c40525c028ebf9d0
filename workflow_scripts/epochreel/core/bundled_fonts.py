"""Font files that ship with matplotlib, located without importing it."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from epochreel.core.errors import UserError


def bundled(name: str) -> Path:
    """Return the path of a font file that ships with matplotlib, such as `DejaVuSans.ttf`.

    Raises `UserError` if matplotlib or the file is missing.
    """
    path = bundled_folder() / name
    if not path.is_file():
        raise UserError(f"{path} is missing: reinstall matplotlib (see requirements.txt)")
    return path


@lru_cache(1)
def bundled_folder() -> Path:
    """Return the folder of matplotlib's font files.

    Raises `UserError` if matplotlib is not installed.
    """
    spec = find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("matplotlib, which provides the fonts, is missing: see requirements.txt")
    return Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf")
