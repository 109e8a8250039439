"""Serves the cases of section H to a client, over connections of HTTP/2 or HTTP/3.

A client asks on a stream each for `/getCaseCount`, `/getCaseMode?case=N&modes=A,B`,
`/runCase?case=N&agent=NAME` and `/updateReports`. A case that is about a whole connection ends the one on
which it was asked for, and is played on the one that the client then opens. Whether a client has kept its
connection shows with its next request: till then the case has no verdict.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from harness.engines.suite import Begun, Ended
from harness.extra.frames import text
from harness.streams.case import Case
from harness.streams.codes import ENABLE_CONNECT_PROTOCOL
from harness.streams.driver import WIRES, Began, report_of
from harness.streams.expectations import Opens
from harness.streams.fields import values
from harness.streams.player import Player
from harness.streams.steps import Answer, Send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.results import ExtraCaseReport
    from harness.streams.codes import Transport
    from harness.streams.wire import Stream, Wire

FOREVER = 86400.0


@dataclass(frozen=True)
class ReportsAsked:
    """The client is done."""


@dataclass
class _Pending:
    """A case that has been played, till the next request says whether the client has kept its connection."""

    case: str
    wire: Wire
    kept: ExtraCaseReport
    left: ExtraCaseReport


_QUESTION = Case("A question", "R8441-5-09", "R9220-3-01", Opens(), (), role="client")


class StreamFuzzingServer:
    """Serves cases; `happening` tells what.

    :param files: those of the server's certificate and of its key; without them HTTP/2 is plain TCP.
    :param timeout: seconds that a client has for each step.
    """

    def __init__(
        self,
        cases: Mapping[str, Case],
        transport: Transport,
        *,
        files: tuple[str, str] | None,
        agent: str,
        timeout: float,
    ) -> None:
        self._cases, self._names = cases, list(cases)
        self._transport: Transport = transport
        self._files, self._agent, self._timeout = files, agent, timeout
        self._happened: asyncio.Queue[Begun | Ended | ReportsAsked | BaseException] = asyncio.Queue()
        self._pending: _Pending | None = None
        self._turn = asyncio.Lock()
        """Held by the case that is played: a client may come again before the harness has seen enough."""
        self._apart = ""
        """The case that the next connection is for."""
        self._values = {"scheme": "https" if files else "http"}
        self._modes: dict[str, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wires: list[Wire] = []
        self._listener: Any = None

    async def listen(self) -> str:
        """Listen on a free port of the loopback interface; return the URL."""
        listen = import_module(WIRES[self._transport]).listen
        self._listener, port = await listen(self._files, self._settings, self._begin)
        return f"{'wss' if self._files else 'ws'}://127.0.0.1:{port}"

    async def happening(self) -> Begun | Ended | ReportsAsked:
        """Wait for what happens next; raises what went wrong in the harness."""
        happened = await self._happened.get()
        if isinstance(happened, BaseException):
            raise happened
        return happened

    async def stop(self) -> None:
        """End all connections."""
        self._listener.close()
        for wire in self._wires:
            if not wire.gone:
                wire.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Connections:

    def _settings(self) -> dict[int, int]:
        case = self._cases.get(self._apart)
        return dict(case.settings) if case and not case.advertises else {ENABLE_CONNECT_PROTOCOL: 1}

    def _begin(self, wire: Wire) -> None:
        apart, self._apart = self._apart, ""
        self._wires.append(wire)
        self._follow(self._serve(wire, apart))

    def _follow(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._happened.put_nowait(error)

    async def _serve(self, wire: Wire, apart: str) -> None:
        """Serve a connection, which may be for a case of its own."""
        if apart:
            await wire.until(lambda: bool(wire.settings), self._timeout)
            await self._play_apart(wire, apart)
        while await wire.until(lambda: not wire.came.empty(), FOREVER):
            self._follow(self._answer(wire, wire.came.get_nowait()))

    async def _play_apart(self, wire: Wire, name: str) -> None:
        case, began = self._cases[name], Began()
        player = Player(case, wire, "client", self._values, self._timeout)
        await player.play(case.steps)
        player.streams = list(wire.streams.values())
        self._happened.put_nowait(Ended(name, report_of(player, self._agent, began)))
        if case.settings:
            wire.set({ENABLE_CONNECT_PROTOCOL: 1})
        else:
            wire.end()

    # Requests:

    async def _answer(self, wire: Wire, stream: Stream) -> None:
        target = urlsplit(b"".join(values(stream.request, b":path")[:1]).decode("latin-1"))
        asked = dict(parse_qsl(target.query))
        number = asked.get("case", "")
        known = number.isdecimal() and 0 < int(number) <= len(self._names)
        name = self._names[int(number) - 1] if known else ""
        match target.path.lower():
            case "/getcasecount":
                await self._tell(wire, stream, str(len(self._names)))
            case "/getcasemode" if name:
                modes = self._modes[name] = set(asked.get("modes", "").split(","))
                mode = self._cases[name].mode
                has = mode.partition("?")[0].lstrip("/") in modes
                await self._tell(wire, stream, mode if mode and has else "/")
            case "/runcase" if name:
                async with self._turn:
                    self._settle(wire)
                    await self._run_case(wire, stream, name)
            case "/updatereports":
                async with self._turn:
                    self._settle(wire)
                await self._tell(wire, stream, "")
                self._happened.put_nowait(ReportsAsked())
            case _:
                wire.headers(stream, ((b":status", b"404"),), end=True)
                wire.transmit()

    async def _tell(self, wire: Wire, stream: Stream, answer: str) -> None:
        """Send a text, if there is one, and a Close."""
        player = Player(_QUESTION, wire, "client", {}, self._timeout)
        player.take(stream)
        await player.play((Answer(), *((Send((text(answer),)),) if answer else ())))
        await player.finish()

    async def _run_case(self, wire: Wire, stream: Stream, name: str) -> None:
        case, began = self._cases[name], Began()
        self._happened.put_nowait(Begun(name))
        player = Player(case, wire, "client", self._values, self._timeout)
        player.take(stream)
        if case.mode and case.mode.partition("?")[0].lstrip("/") not in self._modes.get(name, ()):
            player.lacking = f"The client has no mode {case.mode!r}."
        if case.apart or player.lacking:
            self._apart = name if case.apart else ""
            await self._tell(wire, stream, "")
            if case.apart:
                wire.end()
            else:
                self._happened.put_nowait(Ended(name, report_of(player, self._agent, began)))
            return
        wire.begin(hold=case.hold)
        try:
            await player.play(case.steps)
            await player.finish()
        finally:
            wire.hold = False
        wrong = "Afterwards the client came by another connection: it ended this one, with all its streams."
        report = partial(report_of, player, self._agent, began)
        self._pending = _Pending(name, wire, report(), report(wrong if case.kept else ""))

    def _settle(self, wire: Wire) -> None:
        """Give the case that was played last its verdict: the client comes by `wire` now."""
        pending, self._pending = self._pending, None
        if pending:
            report = pending.kept if pending.wire is wire else pending.left
            self._happened.put_nowait(Ended(pending.case, report))
