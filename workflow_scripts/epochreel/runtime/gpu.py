"""Check for a GPU that torch can use."""

from __future__ import annotations

import subprocess
import sys

_PROBE = "import torch; print(torch.cuda.is_available())"


def torch_finds_none() -> bool:
    """Return True if torch finds no GPU here; False if it finds one or cannot be imported.

    Another process imports torch: this takes two seconds, and planning must not import it.
    """
    command = [sys.executable, "-c", _PROBE]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout.strip() == "False"
