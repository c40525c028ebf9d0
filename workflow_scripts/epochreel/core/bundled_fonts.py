"""The font files that come with matplotlib, found without importing it."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from epochreel.core.errors import UserError


def bundled(name: str) -> Path:
    """The path of a font file that comes with matplotlib, such as `DejaVuSans.ttf`.

    `UserError` where matplotlib or the file is missing.
    """
    path = bundled_folder() / name
    if not path.is_file():
        raise UserError(f"{path} is missing: install matplotlib again (see requirements.txt)")
    return path


@lru_cache(1)
def bundled_folder() -> Path:
    """The folder of matplotlib's font files. `UserError` where matplotlib is not installed."""
    spec = find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("matplotlib, whose fonts are drawn with, is missing: see requirements.txt")
    return Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf")
