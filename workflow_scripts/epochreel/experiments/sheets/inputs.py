"""The files that the sheets are made from: the user's fonts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from epochreel.core.user_files import FONTS, Listing, listed


def files(settings: Mapping[str, Any]) -> Listing:
    """List the fonts of perturbed sheets, unless they are those of the packages."""
    if settings["variant"] != "perturbed" or settings["fonts"] is None:
        return Listing()
    return listed(settings["fonts"], FONTS, "font folder")
