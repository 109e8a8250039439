"""`python -m fuzz.planted.child COPY PROGRAM ARGUMENT ...`: runs a program over a copy of the library.

PROGRAM is a file, or `pytest`. The process does not begin where it would import `wsproto` from elsewhere than
COPY.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

WRONG_COPY = 4
"""The exit code for a `wsproto` from elsewhere; pytest uses it for wrong calls, which nothing here makes."""


def main(copy: str, program: str) -> None:
    """Run `program`, whose arguments stand in `sys.argv`."""
    # As the programs here have it. The copy follows by PYTHONPATH, before the installed packages.
    sys.path[0] = str(ROOT)
    found = importlib.util.find_spec("wsproto")  # without importing it, so that the targets can instrument it
    origin = found.origin if found else None
    if origin != str(Path(copy, "wsproto", "__init__.py")):
        print(f"wsproto would come from {origin}, not from {copy}")
        sys.exit(WRONG_COPY)
    if program == "pytest":
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    del sys.argv[0]
    main(sys.argv.pop(0), sys.argv[0])
