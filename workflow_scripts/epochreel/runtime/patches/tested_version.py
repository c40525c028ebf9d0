"""Check that a package has the version that a patch was tested with."""

from __future__ import annotations

from importlib import metadata

from snakemake.logging import logger


def is_installed(package: str, tested: str, consequence: str) -> bool:
    """Return whether the version `tested` of `package` is installed; warn otherwise.

    Other versions may work differently, so the patch is then not applied. `consequence` is what
    happens without it, for the warning.
    """
    found = metadata.version(package)
    if found != tested:
        logger.warning(
            f"epochreel: {package} {found} is not patched, "
            f"because the patch was tested with {tested}: {consequence}"
        )
    return found == tested
