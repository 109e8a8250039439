"""A testee: the library or another implementation, as commands that keep to a contract.

A server is started as `COMMAND --port PORT` (0: any free one), and prints `Listening on ws://HOST:PORT` once
it accepts connections. A client is started as `COMMAND ws://HOST:PORT --agent NAME`, drives the cases of the
fuzzing server there, prints `case N of M` as each begins, and ends. Both take `--max-message-size BYTES`, and
end at SIGTERM. `README.md` has the whole contract.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tooling.errors import CommandError
from tooling.module import MODULE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.setups import Setup

LIBRARY = (*MODULE, "harness.testee")
"""The program that is this library's testee."""


@dataclass(frozen=True)
class Testee:
    """An implementation; a command is empty where the implementation does not have that role."""

    name: str
    server: Sequence[str] = ()
    client: Sequence[str] = ()
    has_variants: bool = False
    """Whether the commands take `--variant NAME`."""

    def command(self, setup: Setup) -> list[str]:
        """Return the command of a setup."""
        command = self.server if setup.role == "server" else self.client
        return [*command, *(["--variant", setup.variant] if self.has_variants else [])]


@cache
def library() -> Testee:
    """Return this library, under the name that it gives itself.

    Raises `CommandError` where it cannot be imported.
    """
    asked = subprocess.run(
        [*LIBRARY, "--version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if asked.returncode:
        why = (asked.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise CommandError(f"the library does not run: {why}")
    name = asked.stdout.strip()
    return Testee(name, server=(*LIBRARY, "serve"), client=(*LIBRARY, "drive"), has_variants=True)
