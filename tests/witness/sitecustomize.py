"""Loaded by every Python of a workplace that is witnessed: notes which modules a job has loaded."""

import atexit
import json
import os
import re
import sys

_SCRIPT = re.compile(r"\.snakemake/scripts/tmp[^/]*\.(\w+)\.py$")


def _note(rule: str) -> None:
    """One file a job: the rule's script, and the names of all that was loaded."""
    about = {"script": rule, "modules": sorted(sys.modules)}
    path = os.path.join(os.environ["WITNESS"], f"{rule}-{os.getpid()}.json")
    with open(path, "w") as file:
        json.dump(about, file)


def _noted() -> None:
    script = _SCRIPT.search(sys.argv[0]) if sys.argv else None
    if script and "WITNESS" in os.environ:
        _note(script[1])


atexit.register(_noted)
