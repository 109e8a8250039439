"""`python -I -S guard.py PROGRAM ARGUMENT ...`: becomes a program that ends with the process that started it.

The starter makes it lead a session, and keeps the other end of its standard input. A watcher, which is no
child of the program, waits for that end to close; then it ends the program by SIGTERM, then by SIGKILL with
all that it has started: the program may be in an endless loop. Its process, signals, exit code and processor
time are its own.

It needs the standard library alone, and starts quickly.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import Final

GUARD: Final = (sys.executable, "-I", "-S", __file__)
"""What stands before the command of a program, so that it is guarded."""

GRACE = 4.0
"""Seconds between SIGTERM and SIGKILL."""

LOOK = 0.02
"""Seconds between two looks whether the program has ended."""


def main() -> None:
    """Become the program that the command line names, once something watches it."""
    program = os.getpid()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            _watch(program)
        os._exit(0)
    os.waitpid(child, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - as the starter wants it


def _watch(program: int) -> None:
    """Wait for the end of standard input, then end the group of `program`, which this process is in."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    for output in (sys.stdout, sys.stderr):  # who reads them waits for their end
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
    while os.read(sys.stdin.fileno(), 4096):
        pass
    until = time.monotonic() + GRACE
    # The number stays the program's as long as this process is in its group.
    with suppress(ProcessLookupError):
        os.kill(program, signal.SIGTERM)
        while time.monotonic() < until:
            time.sleep(LOOK)
            os.kill(program, 0)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
