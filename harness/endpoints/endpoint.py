"""The endpoint under test: a server that runs already, or one that a command starts, and starts again."""

from __future__ import annotations

import asyncio
import random
import re
import shlex
import socket
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.endpoints.reach import UnreachableError, offers_streams, reach
from harness.transports.bridge import to_server
from tooling import children
from tooling.children import ChildError
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.endpoints.reach import Reached
    from harness.endpoints.target import Target
    from harness.setups import Transport
    from tooling.children import Child

PORT = "{port}"
"""Stands in a command and in a URL for the port that the harness has chosen."""

LISTENING = re.compile(r"Listening on (wss?://\S+)")
"""The line by which a server may say where it listens."""

POLL = 0.05
"""Seconds between two tries to connect to a server that starts."""

HANDSHAKE = 0.5
"""Seconds that one of HTTP/3 may take."""

START = 20.0
"""Seconds that a server has to start."""


@dataclass
class Endpoint:
    """A server; `ensure` has it running, and `stop` ends it if it was started here.

    :param parse: makes a target of a URL; raises `CommandError` where that is none.
    :param timeout: seconds that the server has to answer a request.
    """

    url: str
    parse: Callable[[str], Target]
    timeout: float
    command: str = ""
    transport: Transport = "h1"
    target: Target | None = None
    reached: Reached | None = None
    child: Child | None = None
    cpu_time: float = 0.0
    """Seconds that the processes which have ended took."""

    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _reading: asyncio.Task[str] | None = None

    @property
    def name(self) -> str:
        """What reports call it: as it names itself, else by its command or URL."""
        return (self.reached and self.reached.name) or self.command or self.url

    async def ensure(self, log: Path) -> Target:
        """Have it running, and return where; raises `CommandError` where it cannot be reached.

        Over HTTP/2 and HTTP/3 that is where a bridge listens, which leads there.
        """
        if self.target and (not self.command or (self.child and self.child.alive())):
            return self.target
        if self.command:
            await self.stop()
        target = await self._start(log) if self.command else self.parse(self.url)
        self.target = await self._bridged(target) if target.over else target
        self.reached = await reach(self.target, self.timeout)
        return self.target

    async def _bridged(self, target: Target) -> Target:
        """Return it behind a bridge, once it is known to speak the transport."""
        assert target.over  # noqa: S101  # for the checker
        try:
            await offers_streams(target.over, self.timeout)
        except UnreachableError as error:
            raise UnreachableError(f"{target.url}: {error}") from None
        if found := target.place.watch():
            self._stack.enter_context(found.instead_of_this_process())
        url = await self._stack.enter_async_context(to_server(target.over, lambda _: None, streams="own"))
        return target.behind(url)

    async def stop(self) -> None:
        """End the process, if there is one."""
        if self._reading:  # two must not read
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._stack.aclose()
        if self.child:
            self.cpu_time += self.child.cpu_time or 0.0
        self.child = self._reading = self.target = None

    async def _start(self, log: Path) -> Target:
        port = _free_port()
        words = [word.replace(PORT, str(port)) for word in shlex.split(self.command)]
        url = self.url.replace(PORT, str(port))
        if not url and PORT in self.command:
            url = f"{'wss' if self.transport == 'h3' else 'ws'}://127.0.0.1:{port}/"
        target = self.parse(url) if url else None
        if target and await _accepts(target):
            raise CommandError(f"{url}: something listens there already, before {self.command!r} has started")
        self.child = await self._stack.enter_async_context(children.start(f"{self.command!r}", words, log))
        said: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(_read(self.child, said))
        until = asyncio.get_running_loop().time() + START
        while asyncio.get_running_loop().time() < until:
            if said.done():
                return self._told(said.result(), target)
            if not self.child.alive():
                raise self.child.death(await self.child.ended())
            if target and await _accepts(target):
                return target
            await asyncio.sleep(POLL)
        where = url or "ws://HOST:PORT, which it has to say as `Listening on ws://HOST:PORT`"
        raise ChildError(
            f"{self.command!r} did not listen on {where} within {START:g} s",
            self.child.tail(),
            self.child.log,
        )

    def _told(self, url: str, target: Target | None) -> Target:
        """Return the target at the address that the server has said; a path of the user's stays."""
        told = self.parse(url.replace("ws://", "wss://") if self.transport == "h3" else url)
        if not target:
            return told
        return target if told.place.port == target.place.port else told


async def _read(child: Child, said: asyncio.Future[str]) -> str:
    """Read what a server prints, so that it can go on printing; the address that it says is kept."""
    async for line in child.lines():
        if (found := LISTENING.search(line)) and not said.done():
            said.set_result(found[1])
    return ""


async def _accepts(target: Target) -> bool:
    """Tell whether a port accepts a connection."""
    if target.over and target.over.transport == "h3":
        try:
            (await target.over.connect(None, HANDSHAKE)).end()
        except OSError:
            return False
        return True
    try:
        _, writer = await asyncio.open_connection(target.place.host, target.place.port)
    except OSError:
        return False
    writer.transport.abort()
    return True


def _free_port() -> int:
    """Find a port below those that the system gives to connections: nobody takes it before the server."""
    for port in random.sample(range(20_000, 32_768), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise CommandError("no TCP port from 20000 to 32767 is free: 100 of them were tried")


def checked(command: str, url: str) -> None:
    """Raise `CommandError` where a command cannot be run, or a URL has a `{port}` without one."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CommandError(f"--command {command!r} is not a command line: {error}") from None
    if command and not words:
        raise CommandError("--command '' is empty: give a program and its arguments")
    if PORT in url and PORT not in command:
        raise CommandError(f"{url!r}: {PORT} stands for the port that --command gets, which has none")
