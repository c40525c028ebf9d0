"""Loaded by every Python with this folder on its path: log each result that a process opens."""

import os
import sys

_log = os.open(os.environ["READS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _note(event: str, arguments: tuple) -> None:
    if event == "open" and str(arguments[0]).startswith("results/"):
        os.write(_log, f"{os.getpid()} {arguments[0]}\n".encode())


sys.addaudithook(_note)
