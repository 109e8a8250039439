"""The Pythons of this machine: those on PATH, and pyenv's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

MINORS: Final = (10, 11, 12, 13, 14)
"""Those of Python 3 that pyproject.toml names."""

PROBE: Final = "import sys, venv; print(sys.version_info[1], sys.implementation.name)"
SECONDS: Final = 20


def found() -> dict[str, Path]:
    """Return an interpreter for each version that is here, by its name, such as `3.12`."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    there: dict[str, Path] = {}
    for minor in MINORS:
        on_path = shutil.which(f"python3.{minor}")
        candidates = [*sorted(pyenv.glob(f"3.{minor}.*/bin/python")), *([Path(on_path)] if on_path else [])]
        works = next((python for python in candidates if _is(python, minor)), None)
        if works is not None:
            there[f"3.{minor}"] = works
    return there


def missing(there: dict[str, Path]) -> list[str]:
    """Return the versions that are not here."""
    return [name for minor in MINORS if (name := f"3.{minor}") not in there]


def _is(python: Path, minor: int) -> bool:
    """Tell whether it is CPython of that version and makes environments: a shim may lead nowhere."""
    try:
        done = subprocess.run(  # noqa: S603 - a list
            [python, "-c", PROBE], capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.split() == [str(minor), "cpython"]
