"""Starts the bridge between a suite and a testee, and watches it: where it dies, the harness has failed."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.extra.memory import watch_instead
from harness.transports.certificates import certificate
from tooling import children
from tooling.errors import CommandError, MissingError
from tooling.module import MODULE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from harness.roles import Role
    from harness.setups import Transport
    from harness.transports.bridge import Files, Streams
    from tooling.children import Child

LISTENING = re.compile(r"Listening on (wss?://\S+)")

PACKAGES = {"h2": "h2", "h3": "aioquic"}
"""The package that each transport needs."""

SETTLED = 0.02
"""Seconds in which the end of a process shows, whose connections have ended."""


class Way:
    """The way between a suite and a testee: the direct one over HTTP/1.1, or a bridge."""

    def __init__(self, url: str, bridge: Child | None = None) -> None:
        self.url = url
        """The address to which the one goes that connects: the suite's, or the client under test."""
        self._bridge = bridge

    async def must_live(self) -> None:
        """Raise `CommandError` when the bridge ends."""
        if self._bridge is None:
            await asyncio.Event().wait()
        else:
            raise _failed(self._bridge, await self._bridge.ended())

    async def check(self) -> None:
        """Raise `CommandError` where the bridge has ended, by which a verdict may be wrong."""
        if self._bridge is not None:
            await asyncio.sleep(SETTLED)
            if not self._bridge.alive():
                raise _failed(self._bridge, await self._bridge.ended())

    def cut(self) -> None:
        """Kill the bridge, so that the suite sees each connection end: over QUIC a testee's does not show."""
        if self._bridge is not None:
            self._bridge.kill_group()
            self._bridge = None

    def watch(self, testee: Child) -> None:
        """Let the memory of the testee be watched in place of the bridge's."""
        if self._bridge is not None:
            watch_instead(self._bridge.pid, testee.pid)


def _failed(bridge: Child, code: int) -> CommandError:
    """Describe the end of a bridge; no `ChildError`, which is a testee's."""
    return CommandError(str(bridge.death(code)))


@dataclass(frozen=True)
class Carriage:
    """How WebSockets get to a testee and from it."""

    transport: Transport = "h1"
    streams: Streams = "shared"
    tls: bool = False
    """Whether there is TLS over HTTP/2 as well."""

    def check(self) -> None:
        """Raise `MissingError` where a package is not installed."""
        package = PACKAGES.get(self.transport)
        if package and find_spec(package) is None:
            raise MissingError(
                f"--transport {self.transport} needs {package}: python -m pip install -e './harness[streams]'"
            )

    @contextmanager
    def files(self) -> Iterator[Files | None]:
        """Make the certificate that a testee needs over HTTP/3; over HTTP/2 it needs one for `tls` alone."""
        if self.transport == "h3" or self.tls:
            with certificate() as files:
                yield files
        else:
            yield None

    @asynccontextmanager
    async def way(self, role: Role, url: str, files: Files | None, log: Path) -> AsyncIterator[Way]:
        """Give the way to a server under test at `url`, or for a client under test to a suite there."""
        if self.transport == "h1":
            yield Way(url)
            return
        command = command_of(self, role, url, files)
        async with children.start(f"the bridge to {self.transport}", command, log) as bridge:
            yield Way(await _listening(bridge), bridge)


def command_of(carriage: Carriage, role: Role, url: str, files: Files | None) -> list[str]:
    """Return the command of a bridge."""
    port = str(urlsplit(url).port)
    command = [*MODULE, "harness.transports", role, carriage.transport, port]
    if role == "server":
        command += ["--streams", carriage.streams]
    if files:
        command += ["--authority", str(files.authority)]
        command += ["--certificate", str(files.certificate), "--key", str(files.key)]
    return command


async def _listening(bridge: Child) -> str:
    async for line in bridge.lines():
        if found := LISTENING.search(line):
            return found[1]
    raise _failed(bridge, await bridge.ended())
