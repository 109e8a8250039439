"""Builds the compiled core by itself, with flags of one's own: for sanitizers, coverage and other Pythons."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from sysconfig import get_path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
COMPILER: Final = os.environ.get("CC", "gcc")
FLAGS: Final = ("-shared", "-fPIC", "-std=c11", "-g", "-fvisibility=hidden", "-Wall", "-Wextra")
_ASKED: Final = (
    "import json, sys, sysconfig; "
    "print(json.dumps([sysconfig.get_path('include'), sysconfig.get_config_var('EXT_SUFFIX')]))"
)


def has_compiler() -> bool:
    """Tell whether there is a compiler to build with, and the headers of this Python."""
    return shutil.which(COMPILER) is not None and Path(get_path("include"), "Python.h").is_file()


def copy_of_source(folder: Path) -> Path:
    """Copy `src` into `folder`, without what was built; return the copy, from which to import."""
    copy = folder / "src"
    shutil.copytree(
        ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so", "*.pyd")
    )
    return copy


def headers_of(python: str) -> tuple[str, str]:
    """Return the folder of the headers of a Python, and how the name of its extensions ends."""
    asked = subprocess.run([python, "-c", _ASKED], capture_output=True, text=True, check=True)  # noqa: S603
    include, suffix = json.loads(asked.stdout)
    return include, suffix


def build(source: Path, *flags: str, python: str = sys.executable) -> Path:
    """Compile `source/core` into `source/wsproto`; return the extension.

    :param flags: stand behind the usual ones, as `-O0` or `-fsanitize=address`.
    :param python: is the one to build for; it needs its headers.
    :raises RuntimeError: where the compiler fails, with what it said.
    """
    include, suffix = headers_of(python)
    built = source / "wsproto" / f"_core{suffix}"
    files = sorted(map(str, (source / "core").glob("*.c")))
    command = [COMPILER, *FLAGS, f"-I{include}", "-O2", *flags, *files, "-o", str(built)]
    done = subprocess.run(command, cwd=source / "core", capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return built
