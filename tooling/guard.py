"""`python -I -S guard.py PROGRAM ARGUMENT ...`: runs a program that ends with the process that started it.

The starter makes the guard lead a session, and keeps the other end of its standard input. When that end
closes, the guard ends the program, by SIGTERM, then by SIGKILL with all that it has started: the program may
be in an endless loop. SIGTERM goes on to the program, whose exit code becomes the guard's.

It needs the standard library alone, and starts quickly.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys

GRACE = 4.0
"""Seconds between SIGTERM and SIGKILL."""


def main() -> int:
    """Run the program that the command line names."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # it wakes select()
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL) as program:  # noqa: S603
        signal.signal(signal.SIGTERM, lambda *_: program.terminate())
        while program.poll() is None:
            ready, _, _ = select.select([sys.stdin.fileno(), reader], [], [])
            if reader in ready:
                os.read(reader, 4096)
            elif not os.read(sys.stdin.fileno(), 4096):
                _end(program)
        return program.returncode


def _end(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    code = main()
    if code < 0:  # a signal ended the program: end by the same one, without a second core dump
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
