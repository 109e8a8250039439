"""The standard output of every command."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console

WIDTH: Final = 160
"""Columns of the output where it does not go to a terminal."""


class Output(Console):
    """Standard output, which raises BrokenPipeError where nobody reads it any more, as print does."""

    def __init__(self) -> None:
        super().__init__(width=None if sys.stdout.isatty() else WIDTH)

    def on_broken_pipe(self) -> None:
        """Raise it again."""
        raise BrokenPipeError


def say(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is, however long."""
    console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)
