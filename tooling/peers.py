"""The pinned versions of `peers.txt`, which pip reads too."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

PEERS: Final = Path(__file__).resolve().parent / "peers.txt"

_LINE: Final = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.]+)(?:\s*;(?P<marker>.*))?")

NPM: Final = "npm:"
"""Stands before the names of npm's packages, whose lines have the marker `extra == "npm"`."""


@cache
def versions(file: Path = PEERS) -> Mapping[str, str]:
    """Return the version of each package; raises `CommandError` for a line that pins none."""
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = _LINE.fullmatch(line)
            if pin is None:
                raise CommandError(f"{file}: {line!r} is not NAME==VERSION")
            of_npm = '"npm"' in (pin["marker"] or "")
            found[f"{NPM if of_npm else ''}{pin['name']}"] = pin["version"]
    return found


def pinned(*names: str) -> tuple[str, ...]:
    """Return `NAME==VERSION` for each package; raises `CommandError` for one that `peers.txt` lacks."""
    for name in names:
        if name not in versions():
            raise CommandError(
                f"{name!r} is not pinned: {PEERS} has a line for each of {', '.join(versions())}"
            )
    return tuple(f"{name}=={versions()[name]}" for name in names)
