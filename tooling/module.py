"""`python module.py NAME ARGUMENT ...`: runs a module of this tree as `python -m NAME ARGUMENT ...` does.

`python -m` looks into the current folder first. A user's may have a folder `harness` of its own, and an
installed harness has its modules inside of the package `wsproto_harness`, where `python -m` finds none.

It needs the standard library alone, and starts as quickly.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from runpy import run_module
from typing import Final

MODULE: Final = (sys.executable, str(Path(__file__).absolute()))
"""What stands before the name of a module, so that it runs."""


def main() -> None:
    """Become the module that the command line names."""
    own = Path(__file__).absolute().parent
    # Its own folder is first there, unless Python runs with -P; it has modules called `errors` and `start`.
    sys.path[:] = [str(own.parent), *(path for path in sys.path if not path or not _same(path, own))]
    del sys.argv[0]
    run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _same(path: str, folder: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(folder)


if __name__ == "__main__":
    main()
