"""`python -m tooling.supervised PROGRAM ARGUMENT ...`: a program that ends with the one that started it.

`-m MODULE ARGUMENT ...` runs a module. The one that starts it makes it lead a session of its own and keeps
the other end of its standard input: when that end closes, the program dies, with all that it has started.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from pathlib import Path


def end_with_standard_input(number: signal.Signals = signal.SIGTERM, *, group: bool = False) -> None:
    """Send a signal to this process when its standard input ends: the process that started it is gone.

    :param group: send it to all that this process has started as well; it has to lead a session.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        if group:
            os.killpg(0, number)
        else:
            os.kill(os.getpid(), number)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Run the program or module that the command line names."""
    end_with_standard_input(signal.SIGKILL, group=True)
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(sys.argv[0]).parent)  # as Python does it for a program
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
