"""Loaded by every Python of a witnessed workplace: records what a job loads, opens and starts."""

import atexit
import json
import os
import re
import sys

_SCRIPT = re.compile(r"\.snakemake/scripts/tmp[^/]*\.(\w+)\.py$")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Audit event → the arguments with the changed path and with the folder that it is relative to.
_CHANGES = {
    "os.link": (1, 3),
    "os.mkdir": (0, 2),
    "os.remove": (0, 1),
    "os.rename": (1, 3),
    "os.rmdir": (0, 1),
    "os.symlink": (1, 2),
    "os.utime": (0, 3),
}
_REFUSED = ("os.system", "socket.connect", "socket.bind")
_STARTS = ("os.exec", "os.posix_spawn", "subprocess.Popen")
_KINDS = ("read", "written", "started", "unpickled", "refused")
_seen = {kind: set() for kind in _KINDS}


def _watch(event: str, arguments: tuple) -> None:
    """Record one audit event of Python (https://docs.python.org/3/library/audit_events.html)."""
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, (str, bytes)):
            _seen["written" if flags & _WRITING else "read"].add(_whole(path))
    elif event in _CHANGES:
        path, folder = (arguments[place] for place in _CHANGES[event])
        if isinstance(path, (str, bytes, os.PathLike)):
            _seen["written"].add(_whole(path, folder))
    elif event in _STARTS:
        _seen["started"].add(str(arguments[0]))
    elif event == "pickle.find_class":
        _seen["unpickled"].add(".".join(map(str, arguments)))
    elif event in _REFUSED:
        _seen["refused"].add(event)


def _whole(path: str | bytes | os.PathLike, folder: int = -1) -> str:
    """Return the absolute path of one that may be relative to an open folder."""
    start = "" if folder == -1 else os.readlink(f"/proc/self/fd/{folder}")
    return os.path.abspath(os.path.join(start, os.fsdecode(path)))


def _note(rule: str) -> None:
    """Write one file per job: the rule's script, and the names of all that was loaded."""
    about = {"script": rule, "modules": sorted(sys.modules)}
    about |= {what: sorted(names) for what, names in _seen.items()}
    path = os.path.join(os.environ["WITNESS"], f"{rule}-{os.getpid()}.json")
    with open(path, "w") as file:
        json.dump(about, file)


def _write_at_exit() -> None:
    script = _SCRIPT.search(sys.argv[0]) if sys.argv else None
    if script and "WITNESS" in os.environ:
        _note(script[1])


atexit.register(_write_at_exit)
sys.addaudithook(_watch)
