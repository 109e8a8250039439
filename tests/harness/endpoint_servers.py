"""Servers in this process for tests of the command `test`, each on a port of its own."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import trustme

from harness.cli import main
from tests.harness import lax_peers
from tests.harness.recorder import echo
from tests.harness.serving import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Dying:
    """A server that echoes, and ends for good in its connection of a number."""

    def __init__(self, last: int) -> None:
        self.left = last
        self.server: asyncio.Server | None = None

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.left -= 1
        if self.left < 0:
            assert self.server is not None
            await asyncio.sleep(0.05)  # a connection that is being accepted as it closes is never closed
            self.server.close()
            writer.transport.abort()
            return
        writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")))
        await echo(reader, writer)


async def turns() -> None:
    """Let the event loop do what is due, however slow the machine is."""
    for _ in range(20):
        await asyncio.sleep(0)


@contextmanager
def served(handler: Any, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve in a thread, on the port that is given."""
    ready: list[asyncio.Server] = []
    writers: list[asyncio.StreamWriter] = []
    begun, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            await handler(reader, writer)
        with suppress(OSError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(quiet, "127.0.0.1", 0, ssl=context)
        if isinstance(handler, Dying):
            handler.server = server
        ready.append(server)
        loops.append(asyncio.get_running_loop())
        begun.set()
        await stop.wait()
        server.close()
        await turns()  # in which a connection that was just accepted gets its writer
        for writer in writers:
            writer.transport.abort()
        await turns()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert begun.wait(TIMEOUT)
    try:
        yield ready[0].sockets[0].getsockname()[1]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(TIMEOUT)


class Certificate:
    """A certificate for localhost, and the file of its authority."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(self.context)
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))


def call(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Call the command; give its exit code and results."""
    code = main(["test", *arguments, "--report", str(folder)])
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return code, results
