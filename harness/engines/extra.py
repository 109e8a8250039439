"""The extra section X: cases of the harness's own, beside whatever engine runs Autobahn's."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from harness.cases import weight
from harness.engines.at_once import at_once
from harness.engines.suite import Begun, Ended, Listening, Suite
from harness.extra import EXTRA
from harness.extra.case import MAX_MESSAGE_SIZE, Case
from harness.extra.certificates import Certificates
from harness.extra.driver import TIMEOUT, Play
from harness.extra.expectations import Echoes
from harness.extra.frames import close, text
from harness.extra.heads import RESPONSE, accept_token
from harness.extra.place import Place
from harness.extra.seen import Seen
from harness.extra.tls_wire import TlsWire
from harness.extra.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

    from harness.engines.suite import Step
    from harness.extra.heads import Head
    from harness.results import CaseReport


_QUESTION = "modes?"
_ASK = Case("A question", "R6455-6.2-01", Echoes(_QUESTION), send=(text(_QUESTION),))


class ExtraSuite(Suite):
    """The cases of `harness.extra`, in this process."""

    label = "extra-"
    testee_options = ("--max-message-size", str(MAX_MESSAGE_SIZE))
    client_options = ("--modes",)

    def __init__(
        self,
        agent: str,
        timeout: float = TIMEOUT,
        *,
        place: Place | None = None,
        cases: Mapping[str, Case] = EXTRA,
        jobs: int = 1,
    ) -> None:
        """Play the cases.

        :param place: of a server that wants more of a request than an address says.
        :param cases: by name, as they fit the server.
        :param jobs: cases that are played at once.
        """
        self._agent = agent
        self._timeout = timeout
        self._place = place
        self._cases = cases
        self._jobs = jobs

    def version(self) -> str:
        """Say how many cases there are."""
        return f"{len(self._cases)} extra cases"

    async def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        """Run cases against a server."""
        place = self._place or Place.of(url)
        chosen = {name: self._cases[name] for name in cases}
        modes: set[str] = set()
        if any(case.mode for case in chosen.values()) and place.target in {"", "/"}:
            modes = await modes_of(place, self._timeout)
        certificates: Certificates | None = None
        secured = ""
        if "tls" in modes and any(case.over_tls for case in chosen.values()):
            certificates = Certificates()
            secured = await _told(place, certificates.server_mode(), self._timeout)

        async def play(name: str) -> CaseReport:
            case = chosen[name]
            if case.mode_name not in {"", *modes}:
                return Play(case, "server", self._agent).unplayed()
            playing = Play(case, "server", self._agent, self._timeout, certificates)
            return await playing.against_server(secured if case.over_tls else place)

        try:
            steps = at_once(cases, self._jobs, play, lambda name: _is_alone(name, chosen[name]))
            async with aclosing(steps):
                async for step in steps:
                    yield step
        finally:
            if certificates:
                certificates.close()

    async def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        """Serve cases to a client until it asks for the reports."""
        server = FuzzingServer(cases, self._timeout)
        listener = await asyncio.get_running_loop().create_server(server.protocol, "127.0.0.1", 0)
        try:
            yield Listening(f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
            while (step := await server.steps.get()) is not None:
                if isinstance(step, BaseException):
                    raise step
                yield step
        finally:
            listener.close()
            await server.stop()


def _is_alone(name: str, case: Case) -> bool:
    """Tell whether a case takes the server's whole attention, or has its memory watched."""
    return case.watch_memory or weight(name) > 1


async def modes_of(place: str | Place, timeout: float = TIMEOUT) -> set[str]:
    """Ask a server for its modes; one that has none sends the question back, or refuses the path."""
    answer = await _told(place, "/modes", timeout)
    return set() if answer == _QUESTION else set(answer.split())


async def _told(place: str | Place, path: str, timeout: float) -> str:
    """Return the first message that a server sends on a path, or the question that it should echo."""
    place = Place.of(place) if isinstance(place, str) else place
    play = Play(_ASK, "server", "", timeout)
    await play.against_server(replace(place, target=path))
    return next((event[1].decode(errors="replace") for event in play.seen.messages), _QUESTION)


class FuzzingServer:
    """Speaks the protocol of Autobahn's fuzzing server.

    /getCaseCount answers with a text, /runCase?case=N&agent=A plays a case, /updateReports ends the run.
    /getCaseMode?case=N&modes=A,B answers with the path of a case; the client has the modes A and B.
    """

    def __init__(self, cases: Sequence[str], timeout: float) -> None:
        self._timeout = timeout
        self.steps: asyncio.Queue[Step | BaseException | None] = asyncio.Queue()
        self._cases = cases
        self._played: set[str] = set()
        self._keys: set[str] = set()
        self._modes: set[str] = set()
        self._announced = ""
        """The case whose mode the client has just been told: it comes next."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._certificates: Certificates | None = None
        self._listeners: dict[str, asyncio.Server] = {}
        """The server for each certificate that a client was told to meet."""
        self._awaited: dict[str, str] = {}
        """The case that is next at each of them: a client that refuses its certificate names none."""
        self._agent = "?"

    def protocol(self) -> Wire:
        """Make the protocol of one connection."""
        return Wire(self._connected)

    async def _mode_of(self, name: str) -> str:
        """Return the path of a case, by which a client knows what to do, and where to come over TLS."""
        case = EXTRA.get(name)
        if not case or case.mode_name not in self._modes:
            return "/"
        if not case.over_tls:
            return case.mode
        certificates = self._certificates = self._certificates or Certificates()
        shown = case.certificate
        self._awaited[shown] = name
        if shown not in self._listeners:
            connected = partial(self._connected, certificate=shown)
            self._listeners[shown] = await asyncio.get_running_loop().create_server(
                lambda: TlsWire(certificates.showing(shown), connected), "127.0.0.1", 0
            )
        return certificates.client_mode(self._listeners[shown].sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """End all connections."""
        for listener in self._listeners.values():
            listener.close()
        if self._certificates:
            self._certificates.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _others(self) -> None:
        """Wait for the cases that the client has left already."""
        if others := [task for task in self._tasks if task is not asyncio.current_task()]:
            await asyncio.wait(others)

    def _connected(self, wire: Wire, certificate: str = "") -> None:
        task = asyncio.create_task(self._serve(wire, self._awaited.pop(certificate, "")))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.steps.put_nowait(error)

    async def _serve(self, wire: Wire, awaited: str) -> None:
        case, self._announced = self._announced, ""
        unasked = EXTRA[case].unasked if case else b""
        try:
            await wire.send(unasked)
            if unasked and EXTRA[case].eof:
                wire.close()
            request = await wire.read_head(self._timeout)
            if request is None:
                if unasked:
                    self._played.add(case)
                    self.steps.put_nowait(Begun(case))
                    self.steps.put_nowait(Ended(case, Play(EXTRA[case], "client", self._agent).unasked(wire)))
                else:
                    await self._run_case(wire, None, awaited)
                return
            url = urlsplit(request.start.split(" ")[1])
            query = parse_qs(url.query)
            if url.path == "/runCase":
                self._agent = query.get("agent", ["?"])[0]
                await self._run_case(wire, request, self._case_of(query))
            elif url.path == "/getCaseCount":
                await _tell(wire, request, str(len(self._cases)))
            elif url.path == "/getCaseMode":
                self._modes.update(query.get("modes", [""])[0].split(","))
                case = self._case_of(query)
                self._announced = case if case and EXTRA[case].mode_name in self._modes else ""
                await _tell(wire, request, await self._mode_of(case))
            elif url.path == "/updateReports":
                await _tell(wire, request, None)
                await self._others()
                self.steps.put_nowait(None)
            self._keys.update(request.values("Sec-WebSocket-Key"))
        finally:
            wire.abort()

    async def _run_case(self, wire: Wire, request: Head | None, name: str) -> None:
        """Play the case that the client asks for, once; send away a client that asks for it again.

        A client that ended TLS has no request.
        """
        if not name or name in self._played:
            return
        self._played.add(name)
        self.steps.put_nowait(Begun(name))
        play = Play(EXTRA[name], "client", self._agent, self._timeout)
        if request is None or EXTRA[name].mode_name in {"", *self._modes}:
            report = await play.against_client(wire, request, self._keys)
        else:
            report = play.unplayed()
            await _tell(wire, request, None)
        self.steps.put_nowait(Ended(name, report))

    def _case_of(self, query: dict[str, list[str]]) -> str:
        """Return the case that a query names, or nothing."""
        number = query.get("case", [""])[0]
        known = number.isdecimal() and 0 < int(number) <= len(self._cases)
        return self._cases[int(number) - 1] if known else ""


async def _tell(wire: Wire, request: Head, answer: str | None) -> None:
    """Answer a question by a message, if there is one, and a Close."""
    key = request.values("Sec-WebSocket-Key")
    await wire.send(RESPONSE.encode(accept=accept_token(key[0] if key else "")))
    await wire.send(wire.encode([*([text(answer)] if answer else []), close(1000)]))
    seen = Seen("client")
    await wire.read_frames(seen, lambda: bool(seen.close or seen.ended), TIMEOUT)
    wire.close()
    await wire.wait_end(TIMEOUT)
