"""Virtual environments for peers, made on first use and kept: one for each set of packages."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import shutil
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tooling import children
from tooling.errors import CommandError, MissingError
from tooling.tree import IS_CHECKOUT, ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

CACHE: Final = ROOT / ".peers" if IS_CHECKOUT else Path.home() / ".cache" / "wsproto-harness"
"""The folder of the environments."""

TIME_LIMIT: Final = 600.0
"""Seconds that making one may take."""

PIP_INSTALL: Final = ("--disable-pip-version-check", "--no-input", "install", "--quiet")

READY: Final = "ready"
"""The file that shows that an environment is complete."""


def make_environment(packages: Sequence[str], say: Callable[[str], None], cache: Path = CACHE) -> Path:
    """Call `environment_with` from a program without an event loop."""
    return asyncio.run(environment_with(packages, say, cache))


async def environment_with(
    packages: Sequence[str], say: Callable[[str], None], cache: Path = CACHE, build: Sequence[str] = ()
) -> Path:
    """Return the interpreter of an environment with these packages; without any, the one that runs this.

    `say` gets a line where the environment has to be made. Raises `MissingError` where that fails.

    :param build: a command that is run in the end; `{folder}` in it is the environment's, `{python}` an
        interpreter that has pip, `{pins[0]}` the first package.
    """
    if not packages:
        return Path(sys.executable)
    name = Path(packages[0].partition("==")[0]).name
    made_of = "\0".join([*packages, *build, sys.version])
    folder = cache / f"{name}-{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"
    python = folder / "bin" / "python"
    module = (sys.executable, "-m")
    commands = [
        (*module, "venv", "--without-pip", str(folder)),
        (*module, "pip", f"--python={python}", *PIP_INSTALL, *packages),
    ]
    if build:
        words = {"folder": folder, "python": sys.executable, "pins": packages}
        commands.append(tuple(word.format(**words) for word in build))
    await made_by(commands, folder, packages, say)
    return python


async def made_by(
    commands: Sequence[Sequence[str]],
    folder: Path,
    packages: Sequence[str],
    say: Callable[[str], None],
    files: Sequence[Path] = (),
) -> None:
    """Have a folder that these commands fill, which is made where it is not complete.

    `say` gets a line where it has to be made. Raises `MissingError` where that fails.

    :param packages: what it is made of, for the user.
    :param files: are copied into it first.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    async with _locked(folder.with_name(f"{folder.name}.lock")):
        if (folder / READY).is_file():
            return
        say(f"installing {', '.join(packages)} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        log = folder.with_name(f"{folder.name}.log")
        try:
            _copy(files, folder)
            for command in commands:
                await _run(command, log)
        except CommandError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise MissingError(f"cannot install {' '.join(packages)}: {error}") from error
        (folder / READY).touch()


def _copy(files: Sequence[Path], folder: Path) -> None:
    if files:
        folder.mkdir()
    for file in files:
        shutil.copy(file, folder)


async def _run(command: Sequence[str], log: Path) -> None:
    """Run a command to its end; raises `CommandError` where it fails or takes too long."""
    async with children.start("the installation", command, log, cwd=ROOT) as child:
        try:
            code = await asyncio.wait_for(child.ended(), TIME_LIMIT)
        except asyncio.TimeoutError:
            raise CommandError(f"the installation took more than {TIME_LIMIT:g} s") from None
        if code:
            raise child.death(code)


@asynccontextmanager
async def _locked(file: Path) -> AsyncIterator[None]:
    """Wait until no other process makes the same environment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.1)
        yield
