"""The implementations of `testees/`: `NAME_server.py` and `NAME_client.py`, and the packages that they need.

A file begins with inline script metadata, as packaging tools know it:

    # /// script
    # dependencies = ["websockets"]
    # ///

`tooling/peers.txt` pins a package that stands there without a version. The first package gives the row of the
matrix its title. A file without packages runs in this environment.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.testee.commands import Testee, library
from tooling.errors import CommandError
from tooling.peers import pinned

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.roles import Role

FOLDER = Path(__file__).resolve().parent / "testees"

METADATA = re.compile(r"(?m)^# /// script$\n((?:^#(?: .*)?$\n)+?)^# ///$")
ROLE = re.compile(r"(?P<name>\w+)_(?P<role>server|client)\.py")


@dataclass(frozen=True)
class TesteeFile:
    """One role of an implementation."""

    path: Path
    packages: tuple[str, ...]
    """The packages that it needs, pinned: `NAME==VERSION`."""


@dataclass(frozen=True)
class Implementation:
    """A row of the matrix."""

    name: str
    title: str
    files: Mapping[Role, TesteeFile]

    def testee(self, pythons: Mapping[Role, Path]) -> Testee:
        """Return the commands, by the interpreter of each role."""
        commands = {role: (str(python), str(self.files[role].path)) for role, python in pythons.items()}
        return Testee(self.title, commands.get("server", ()), commands.get("client", ()))


THIS = "library"
"""The name of the row of the library itself, which needs no file."""


def implementations(folder: Path, only: Iterable[str] = ()) -> list[Implementation]:
    """List this library and the implementations of a folder, by title.

    Raises `CommandError` for a name that none of them has.
    """
    files: dict[str, dict[Role, TesteeFile]] = {}
    for path in sorted(folder.glob("*.py")):
        if found := ROLE.fullmatch(path.name):
            role: Role = "server" if found["role"] == "server" else "client"
            files.setdefault(found["name"], {})[role] = TesteeFile(path, _packages(path))
    others = [Implementation(name, _title(name, roles), roles) for name, roles in files.items()]
    this = Implementation(THIS, f"{library().name.replace('/', ' ')} (this library)", {})
    known = [this, *sorted(others, key=lambda other: other.title)]
    names = {implementation.name for implementation in known}
    if unknown := [name for name in only if name not in names]:
        raise CommandError(f"there is no testee {unknown[0]!r}: choose from {', '.join(sorted(names))}")
    chosen = set(only) or names
    return [implementation for implementation in known if implementation.name in chosen]


def _packages(path: Path) -> tuple[str, ...]:
    found = METADATA.search(path.read_text(encoding="utf-8"))
    if not found:
        return ()
    try:
        metadata: dict[str, Any] = tomllib.loads(re.sub(r"(?m)^# ?", "", found[1]))
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"the metadata of {path} cannot be read: {error}") from error
    packages = metadata.get("dependencies", [])
    if not isinstance(packages, list) or not all(isinstance(package, str) for package in packages):
        raise CommandError(f"the dependencies of {path} are not a list of packages: {packages!r:.80}")
    try:
        return tuple(package if "==" in package else pinned(package)[0] for package in packages)
    except CommandError as error:
        raise CommandError(f"{path}: {error}") from error


def _title(name: str, roles: Mapping[Role, TesteeFile]) -> str:
    """Return `uvicorn 0.54.0 (wsproto 1.3.2)`, or the name where there is no package."""
    packages = [package.replace("==", " ") for file in roles.values() for package in file.packages]
    first, *others = list(dict.fromkeys(packages)) or [name]
    return f"{first} ({', '.join(others)})" if others else first
