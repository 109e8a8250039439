"""The command `wsproto-harness`: `python -m harness` of the repository, installed.

An installed package has the folders of the repository inside, where no other package meets their names; a
checkout (`pip install --editable ./harness`) has them two folders further up.
"""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).absolute().parent
_TREE = _HERE if (_HERE / "harness").is_dir() else _HERE.parents[1]


def main() -> int:
    """Run the command line and return its exit code."""
    sys.path.insert(0, str(_TREE))  # before a `harness` of anybody else
    from tooling.start import main_of  # noqa: PLC0415  # it can be found only now

    return main_of("harness")()
