"""Runs pip, for the interpreter that its arguments name; both end with the standard input of this process."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def watch() -> None:
    """Wait for the end, and take along what pip has started."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.killpg(0, signal.SIGTERM)


threading.Thread(target=watch, daemon=True).start()
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__")
