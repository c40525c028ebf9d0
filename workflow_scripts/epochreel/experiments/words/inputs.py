"""The files that the words are made from: the user's images of backgrounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from epochreel.core.user_files import IMAGES, Listing, listed

NO_FOLDER = "background is folder, but backgrounds is null: set it to a folder of images"


def files(settings: Mapping[str, Any]) -> Listing:
    """List the images that backgrounds are cropped from, in the order of their numbers."""
    if settings["background"] != "folder":
        return Listing()
    if settings["backgrounds"] is None:
        return Listing(faults=[NO_FOLDER])
    return listed(settings["backgrounds"], IMAGES, "folder of backgrounds")
