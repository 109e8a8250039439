"""`python -m fuzz.supervised PROGRAM ARGUMENT ...`: a Python program that does not outlive who started it."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from pathlib import Path


def end_with_standard_input() -> None:
    """Kill this process and all that it started when its standard input ends: who started it is gone.

    It has to lead a session of its own.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_standard_input()
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)  # as Python does it for a program
    runpy.run_path(sys.argv[0], run_name="__main__")
