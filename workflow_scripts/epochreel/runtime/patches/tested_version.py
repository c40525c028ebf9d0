"""Check that a patch meets the version of a package that it was tested with."""

from __future__ import annotations

from importlib import metadata

from snakemake.logging import logger


def is_installed(package: str, tested: str, otherwise: str) -> bool:
    """Return whether `package` is installed in the version `tested`.

    Any other version may work differently, so a patch then changes nothing, and the user reads one
    warning: which versions, and in `otherwise` what it means to go without the patch.
    """
    found = metadata.version(package)
    if found != tested:
        logger.warning(
            f"epochreel: {package} {found} is not patched, "
            f"since the patch was tested with {tested}: {otherwise}"
        )
    return found == tested
