"""A testee: the library or another implementation, as commands that keep to a contract.

A server is started as `COMMAND --port PORT` (0: any free one), and prints `Listening on ws://HOST:PORT` once
it accepts connections; over HTTP/2 and HTTP/3 the servers are those of examples/, which say
`listening on HOST port PORT`. A client is started as `COMMAND ws://HOST:PORT --agent NAME`, drives the cases
of the fuzzing server there, prints `case N of M` as each begins, and ends. Both take
`--max-message-size BYTES`, and end at SIGTERM. `README.md` has the whole contract.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.setups import Setup
    from harness.transports.bridge import Files

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
"""Its programs are the servers over HTTP/2 and HTTP/3: they are what users run. Only a checkout has them."""

STREAM_SERVERS = {"h2": "http2_server.py", "h3": "http3_server.py"}

LIBRARY = (sys.executable, "-m", "harness.testee")
"""The program that is this library's testee."""


@dataclass(frozen=True)
class Testee:
    """An implementation; a command is empty where the implementation does not have that role."""

    name: str
    server: Sequence[str] = ()
    client: Sequence[str] = ()
    has_variants: bool = False
    """Whether the commands take `--variant NAME`."""

    def command(self, setup: Setup, files: Files | None = None) -> list[str]:
        """Return the command of a setup, a server's with its port.

        :param files: the certificate, where the transport needs one.
        """
        if setup.transport != "h1" and setup.role == "server":
            shown = ["--certificate", str(files.certificate), "--key", str(files.key)] if files else []
            return [sys.executable, str(EXAMPLES / STREAM_SERVERS[setup.transport]), "127.0.0.1", "0", *shown]
        variant = ["--variant", setup.variant] if self.has_variants else []
        if setup.role == "server":
            return [*self.server, *variant, "--port", "0"]
        over = [] if setup.transport == "h1" else ["--transport", setup.transport]
        return [*self.client, *variant, *over, *(["--ca", str(files.authority)] if files else [])]


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
