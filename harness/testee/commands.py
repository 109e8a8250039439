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
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tooling.errors import CommandError
from tooling.module import MODULE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.setups import Setup, Transport
    from harness.transports.bridge import Files

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
"""Its programs are the servers over HTTP/2 and HTTP/3: they are what users run. Only a checkout has them."""

STREAM_SERVERS: Mapping[Transport, str] = {"h2": "http2_server.py", "h3": "http3_server.py"}

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
    stream_servers: Mapping[Transport, Sequence[str]] = field(default_factory=dict)
    """The commands of servers over HTTP/2 and HTTP/3, where `server` has not all transports."""

    def command(self, setup: Setup, files: Files | None = None) -> list[str]:
        """Return the command of a setup, a server's with its port.

        :param files: the certificate, where the transport needs one.
        """
        core = ["env", "WSPROTO_PURE=1"] if setup.variant == "pure" else []
        variant = ["--variant", setup.variant] if self.has_variants else []
        over = [] if setup.transport == "h1" else ["--transport", setup.transport]
        if setup.role == "client":
            return [*core, *self.client, *variant, *over, *(["--ca", str(files.authority)] if files else [])]
        shown = ["--certificate", str(files.certificate), "--key", str(files.key)] if files else []
        if setup.transport in self.stream_servers:
            return [*self.stream_servers[setup.transport], *shown]
        return [*core, *self.server, *variant, "--port", "0", *over, *shown]


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
    over: dict[Transport, Sequence[str]] = {
        transport: (sys.executable, str(EXAMPLES / program), "127.0.0.1", "0")
        for transport, program in STREAM_SERVERS.items()
    }
    return Testee(name, (*LIBRARY, "serve"), (*LIBRARY, "drive"), has_variants=True, stream_servers=over)
