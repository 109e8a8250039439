"""Autobahn's cases for clients that come in any order: each is played by a server of kosoku's for it alone.

The client's bytes go to that server unchanged, but for the target of its request, which there is case 1.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from harness.endpoints.tunnel import Tunnel
from harness.engines.kosoku import WORKER
from harness.engines.suite import Listening
from harness.engines.workers import work
from tooling.children import MAX_LINE
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from harness.extra.wire import Wire
    from harness.results import CaseReport


class AutobahnCases:
    """The worker of kosoku at a port, which serves as many cases at once as there are clients."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def play(self, case: str, agent: str, wire: Wire, head: bytes) -> CaseReport:
        """Play a case to a client; raises `CommandError` where the worker does not do its part.

        :param head: all that has come from the client.
        """
        tunnel = Tunnel()
        try:
            async with self._asked(case) as (port, reports):
                await tunnel.connect("127.0.0.1", port)
                if wire.transport.is_closing():
                    return lost(agent, "The client left the case before its opening handshake was answered.")
                tunnel.join(wire.transport, _for_one_case(head, agent))
                if wire.ended:
                    tunnel.client.eof_received()
                await tunnel.ended()
                return _reported(await reports(), agent, tunnel)
        except (OSError, ValueError) as error:
            raise CommandError(f"kosoku's worker has died: {error}") from error
        finally:
            tunnel.abort()

    @asynccontextmanager
    async def _asked(self, case: str) -> AsyncIterator[tuple[int, Callable[[], Awaitable[list[CaseReport]]]]]:
        """Have a server for a case; give its port, and what asks it for its reports in the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=MAX_LINE)

        async def reports() -> list[CaseReport]:
            writer.write(b"done\n")
            found: list[CaseReport] = json.loads(await reader.readline())
            return found

        try:
            writer.write(f"{case}\n".encode())
            yield int(await reader.readline()), reports
        finally:
            writer.close()


def _for_one_case(head: bytes, agent: str) -> bytes:
    """Return the request with the target that it has at a server for this case alone."""
    start, rest = head.split(b"\r\n", 1)
    method, version = start.split(b" ", 1)[0], start.rsplit(b" ", 1)[-1]
    target = f"/runCase?case=1&agent={quote(agent, safe='')}".encode()
    return b" ".join([method, target, version]) + b"\r\n" + rest


def _reported(reports: list[CaseReport], agent: str, tunnel: Tunnel) -> CaseReport:
    """Return the report, which says so where the client left before the end."""
    first = next(iter(tunnel.ends), "server")
    left = f"The client left the case: it ended TCP by {tunnel.ends[first]} before the server did."
    if not reports:
        return lost(agent, left if first == "client" else "The opening handshake failed, no case began.")
    report = reports[-1]
    if first == "client" and report["behavior"] == "FAILED" and report.get("remoteCloseCode") is None:
        report["result"] = f"{left} {report.get('result', '')}"
    return report


def lost(agent: str, why: str) -> CaseReport:
    """Fail a case that a client did not go through with."""
    return {
        "behavior": "FAILED",
        "behaviorClose": "FAILED",
        "remoteCloseCode": None,
        "agent": agent,
        "result": why,
        "resultClose": "There is nothing to say of the closing handshake.",
        "isServer": True,
    }


@asynccontextmanager
async def autobahn_cases(log: Path) -> AsyncIterator[AutobahnCases]:
    """Start the worker, and end it behind the last case."""
    async with aclosing(work("kosoku", [WORKER, "single"], log)) as steps:
        listening = await anext(steps)
        if not isinstance(listening, Listening):
            raise CommandError(f"kosoku does not listen, it said {listening!r:.80}")
        yield AutobahnCases(urlsplit(listening.url).port or 0)
