"""What commands for people print on."""

from __future__ import annotations

import sys

from rich.console import Console

PIPED_WIDTH = 200  # columns where nobody's terminal sets a limit


def stdout() -> Console:
    """Return the console of standard output: as wide as the terminal, wide enough for our tables where it is a pipe."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


def stderr() -> Console:
    """Return the console of standard error: progress and complaints; progress is shown on a terminal only."""
    return Console(stderr=True, highlight=False, soft_wrap=True)
