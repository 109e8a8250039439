"""Virtual environments for testees, made on first use and kept: one for each set of pinned packages."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from commands.errors import CommandError
from harness import children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CACHE = Path(__file__).resolve().parent.parent / ".matrix"
"""Where they are kept."""

PIP_INSTALL = ("--disable-pip-version-check", "--no-input", "install", "--quiet")

READY = "ready"
"""The file that says an environment is whole."""


async def python_with(packages: Sequence[str], say: Callable[[str], None], cache: Path) -> Path:
    """Give the interpreter of an environment with these packages.

    `say` gets a line where one has to be made. Raises `CommandError` where that fails.
    """
    if not packages:
        return Path(sys.executable)
    name = packages[0].partition("==")[0]
    made_of = "\0".join([*packages, sys.version])
    folder = cache / f"{name}-{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"
    python = folder / "bin" / "python"
    if (folder / READY).is_file():
        return python
    say(f"installing {', '.join(packages)} into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    log = cache / f"{folder.name}.log"
    try:
        await _run(["venv", "--without-pip", str(folder)], log)
        await _run(["harness.run_pip", f"--python={python}", *PIP_INSTALL, *packages], log)
    except CommandError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise CommandError(f"cannot install {' '.join(packages)}: {error}") from error
    (folder / READY).touch()
    return python


async def _run(module: Sequence[str], log: Path) -> None:
    """Run a module to its end; raises `CommandError` where it fails."""
    command = [sys.executable, "-m", *module]
    async with children.start("the installation", command, log) as child:
        async for _ in child.lines():
            pass
        if code := await child.ended():
            raise child.death(code)
