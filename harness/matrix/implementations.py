"""The implementations of `testees/` and `examples/testees/`: which files are one, and their names.

`NAME_server`, `NAME_client`, or `NAME_testee` for both roles, in any language; `metadata` reads their heads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.matrix.metadata import TESTEE, TesteeFile, read_testee
from harness.roles import ROLES
from harness.setups import TRANSPORTS, Setup
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.roles import Role
    from harness.setups import Transport

FOLDER = Path(__file__).resolve().parent / "testees"

FOLDERS = (FOLDER, FOLDER.parents[2] / "examples" / "testees")
"""Where the testees are: the matrix's own, and those that a reader may copy."""


@dataclass(frozen=True)
class Implementation:
    """A row of the matrix."""

    name: str
    files: Mapping[Setup, TesteeFile] = field(default_factory=dict)
    """The program for each role and transport that it has."""

    @property
    def language(self) -> str:
        """What it is written for."""
        return next((file.language for file in self.files.values()), "Python")

    def has(self, setup: Setup) -> bool:
        """Tell whether it has a role over a transport; this library has all."""
        return not self.files or setup in self.files


THIS = "library"
"""The name of the row of the library itself, which needs no file."""


def implementations(
    folders: Sequence[Path] = FOLDERS,
    only: Iterable[str] = (),
    transports: Sequence[Transport] = TRANSPORTS,
) -> list[Implementation]:
    """List this library, then the implementations of the folders by name, with what they have of these.

    Raises `CommandError` for a name that none of them has, and for a file that cannot be understood.
    """
    files: dict[str, dict[Setup, TesteeFile]] = {}
    for path in sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir()):
        if found := TESTEE.fullmatch(path.name):
            file = read_testee(path)
            name = file.name or found["name"]
            if not name:
                raise CommandError(f"{path} has no name: its tool.testee has to give one")
            roles: list[Role] = [role for role in ROLES if found["role"] in {role, "testee"}]
            files.setdefault(name, {}).update(
                {Setup(role, transport=transport): file for role in roles for transport in file.transports}
            )
    known = [Implementation(THIS)]
    for name, of_name in sorted(files.items(), key=lambda item: item[0]):
        asked = {setup: file for setup, file in of_name.items() if setup.transport in transports}
        if asked:
            known.append(Implementation(name, asked))
        elif name in only:
            have = " and ".join(dict.fromkeys(setup.transport for setup in of_name))
            raise CommandError(f"{name} has {have} alone: give --transport {have.partition(' ')[0]}")
    names = {implementation.name for implementation in known}
    if unknown := [name for name in only if name not in names]:
        raise CommandError(f"there is no testee {unknown[0]!r}: choose from {', '.join(sorted(names))}")
    chosen = set(only) or names
    return [implementation for implementation in known if implementation.name in chosen]
