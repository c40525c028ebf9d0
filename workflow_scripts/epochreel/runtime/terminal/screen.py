"""The terminal: lines above a live display, or plain lines in a file or pipe."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

_STYLES = {"error": "red", "warning": "yellow", "result": "bold"}
_STANDARD = (1, 2)  # File descriptors: standard output and standard error.


class Screen:
    """Output of lines to `stream`; if it is a terminal, a live display can stay below them."""

    def __init__(self, stream: TextIO, nocolor: bool = False):
        self._stream, self._nocolor, self._live = stream, nocolor, None
        self._saved: dict[int, int] = {}
        self._reader: threading.Thread | None = None
        self.is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"

    def print(self, text: str, style: str = "") -> None:
        """Print lines of text, above the live display if there is one."""
        if not self.is_terminal:
            print(text, file=self._stream, flush=True)
        else:
            self._console.print(self._text(text, _STYLES.get(style, "")), soft_wrap=True)

    @property
    def width(self) -> int:
        """The number of columns; for a file, enough for any line."""
        return self._console.width if self.is_terminal else 1000

    @property
    def _console(self) -> Any:
        if not hasattr(self, "_made"):
            from rich.console import Console  # importing it takes 70 ms

            # A copy, since standard error itself will become a pipe.
            number = os.dup(self._stream.fileno())
            file = os.fdopen(number, "w", encoding="utf-8", errors="replace")
            colorless = {"no_color": True} if self._nocolor else {}
            self._made = Console(file=file, highlight=False, markup=False, emoji=False, **colorless)
        return self._made

    def _text(self, text: str, style: str = "") -> Any:
        from rich.text import Text

        return Text.from_ansi(text, style=style, no_wrap=False)

    def begin(self, lines: Callable[[], list[str]], hear: Callable[[bytes], None]) -> None:
        """Show `lines()` live and pass each line that jobs print to `hear`, unless in a file."""
        if not self.is_terminal or self._live:
            return
        from rich.live import Live
        from rich.text import Text

        def shown() -> Any:
            return Text("\n".join(lines()), no_wrap=True, overflow="ellipsis")

        self._live = Live(
            get_renderable=shown,
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="ellipsis",
        )
        self._redirect(hear)
        self._live.start()

    def _redirect(self, hear: Callable[[bytes], None]) -> None:
        """Replace standard output and error, where they are terminals, by a pipe, and read it."""
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        for number in filter(os.isatty, _STANDARD):
            self._saved[number] = os.dup(number)
            os.dup2(writing, number)
        os.close(writing)
        self._reader = threading.Thread(target=_read, args=(reading, hear), daemon=True)
        self._reader.start()

    def end(self) -> None:
        """Remove the live display after the last lines of jobs."""
        sys.stdout.flush()
        sys.stderr.flush()
        for number, saved in self._saved.items():
            os.dup2(saved, number)
            os.close(saved)
        self._saved.clear()
        if self._reader:
            self._reader.join(2)  # It ends with the last job; do not wait for a job that hangs.
        if self._live:
            self._live.stop()
        self._live = self._reader = None


def _read(pipe: int, hear: Callable[[bytes], None]) -> None:
    with os.fdopen(pipe, "rb") as file:
        for line in file:
            # A progress bar overwrites its line: only its last state counts.
            hear(line.rstrip(b"\r\n").rpartition(b"\r")[2])
