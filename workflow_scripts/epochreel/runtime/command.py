"""Context of scripts that a user starts while Snakemake runs: `verify` and `preview`.

A second Snakemake command would be rejected, or would delete the first one's locks when it ends.
These scripts take no lock, plan from the same config, and write nothing except their own result.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
from collections.abc import Iterator

from epochreel.core.log import log, to_terminal
from epochreel.runtime.job import errors_in_one_line


@contextlib.contextmanager
def command() -> Iterator[None]:
    """Run the body of a script; print its notices and one-line errors on the terminal.

    Ctrl-C, SIGTERM and a closed terminal end the script and delete unfinished files.
    """
    to_terminal()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        with errors_in_one_line():
            yield
    except KeyboardInterrupt:
        log.error("interrupted")
        raise SystemExit(128 + signal.SIGINT) from None


def options(description: str, **positional: str) -> argparse.Namespace:
    """Parse the command line: `positional` arguments, name → help, and the config's options.

    `configfile` and `config` are lists, like Snakemake's options of the same names.
    """
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    for name, text in positional.items():
        parser.add_argument(name, metavar=name.upper(), help=text)
    about = "config files, merged in order (default: config.yaml)"
    parser.add_argument(
        "--configfile", "--configfiles", nargs="+", default=[], metavar="FILE", help=about
    )
    about = "values that override the config, as for snakemake"
    parser.add_argument("--config", "-C", nargs="*", default=[], metavar="KEY=VALUE", help=about)
    return parser.parse_args()
