"""From a testee's file to a command: what it lacks here, its packages installed, its source built."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.setups import Setup
from harness.testee.commands import EXAMPLES, library
from tooling.environments import CACHE, environment_with, made_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.matrix.implementations import Implementation
    from harness.matrix.metadata import TesteeFile

NPM_INSTALL = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")


@dataclass(frozen=True)
class Program:
    """A role of an implementation that can be started."""

    command: tuple[str, ...]
    fingerprint: str
    """Changes with whatever may change its results: its source, its packages, what builds and runs it."""


def lacking(file: TesteeFile) -> str:
    """Say what has to be installed before this file can be run: `go, Debian's libboost-dev`."""
    programs = [*file.needs, *(["npm"] if file.npm else [])]
    absent = [program for program in programs if shutil.which(program) is None]
    installed = debian_versions(file.debian)
    return ", ".join([*absent, *(f"Debian's {name}" for name in file.debian if name not in installed)])


def debian_versions(packages: Iterable[str]) -> Mapping[str, str]:
    """Return the version of each package of Debian's that is installed, without Debian's own parts of it."""
    names = list(packages)
    if not names or shutil.which("dpkg-query") is None:
        return {}
    command = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status} ${Version}\n", *names]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    lines = [line.split() for line in asked.stdout.splitlines()]
    return {line[0]: re.sub(r"^\d+:|[+~-].*", "", line[2]) for line in lines if line[1:2] == ["installed"]}


async def program_of(file: TesteeFile, say: Callable[[str], None], cache: Path = CACHE) -> Program:
    """Install and build what a file needs that does not lack anything, once.

    Raises `MissingError` where that fails.
    """
    packages = made_of(file)
    sources = [file.path, *file.helpers()]
    fingerprint = _fingerprint(file, packages, sources)
    if not file.start:
        python = await environment_with(file.packages, say, cache, file.build)
        command: tuple[str, ...] = (str(python), str(file.path))
        if file.behind:
            setup = Setup("server", transport=file.behind)
            behind = this_library(setup)
            command += ("--echo", shlex.join(library().command(setup)))
            fingerprint += behind.fingerprint
        return Program(command, fingerprint)
    folder = cache / f"{file.path.stem}-{fingerprint[:8]}"
    places = {"folder": str(folder), "source": str(folder / file.path.name)}
    pins = [pin.replace("==", "@") for pin in file.npm]
    commands: list[tuple[str, ...]] = [(*NPM_INSTALL, f"--prefix={folder}", *pins)] if pins else []
    if file.build:
        commands.append(tuple(word.format(**places) for word in file.build))
    await made_by(commands, folder, packages or [file.path.name], say, sources)
    return Program(tuple(word.format(**places) for word in file.start), fingerprint)


def _fingerprint(file: TesteeFile, packages: Iterable[str], sources: Iterable[Path]) -> str:
    digest = hashlib.sha256("\0".join([*packages, *file.build, *file.start, sys.version]).encode())
    for source in sources:
        digest.update(source.name.encode() + source.read_bytes())
    for program in file.needs:
        path = Path(shutil.which(program) or program).resolve()
        digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


def this_library(setup: Setup) -> Program:
    """Return this library's testee; its source, and that of the servers, is the fingerprint."""
    found = find_spec("wsproto")
    package = Path(found.origin).parent if found and found.origin else Path()
    digest = hashlib.sha256(sys.version.encode())
    streams = (EXAMPLES,) if setup.transport != "h1" else ()
    for folder in (package, Path(__file__).resolve().parents[1] / "testee", *streams):
        for file in sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".c", ".so"}):
            digest.update(file.name.encode() + file.read_bytes())
    testee = library()
    return Program(tuple(testee.server if setup.role == "server" else testee.client), digest.hexdigest())


def title_of(implementation: Implementation) -> str:
    """Return name and version, and in brackets what else it is made of: `uvicorn 0.54.0 (h11 0.16.0)`."""
    if not implementation.files:
        return f"{library().name.replace('/', ' ')} (this library)"
    parts = [part.replace("==", " ") for file in implementation.files.values() for part in made_of(file)]
    first, *others = dict.fromkeys(parts) or [implementation.name]
    title = next((file.title for file in implementation.files.values() if file.title), "")
    if title:
        first = f"{title} {first.partition(' ')[2]}".strip()
    return f"{first} ({', '.join(others)})" if others else first


def made_of(file: TesteeFile) -> list[str]:
    """List its packages with versions, `NAME==VERSION`; without any, the program that it is a part of."""
    installed = debian_versions(file.debian)
    debian = [f"{name}=={installed[name]}" if name in installed else name for name in file.debian]
    if packages := [*file.packages, *file.npm, *debian]:
        return packages
    return [f"{file.needs[0]}=={version}"] if (version := _version_of(file)) else []


def _version_of(file: TesteeFile) -> str:
    if not file.needs or shutil.which(file.needs[0]) is None:
        return ""
    asked = subprocess.run(
        [file.needs[0], "--version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    found = re.search(r"\d+(?:\.\d+)+", asked.stdout)
    return found[0] if found else ""
