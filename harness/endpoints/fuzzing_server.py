"""The protocol of Autobahn's fuzzing server, for clients under test: one port, and a path for each question.

    /getCaseCount                   a text: the number of cases
    /getCaseInfo?case=N             JSON: `{"id": "6.4.1", "description": "..."}`
    /getCaseMode?case=N&modes=A,B   a text: the path that says what to do in a case beside echoing; the client
                                    has the modes A and B (not of Autobahn; `&agent=NAME` may follow)
    /runCase?case=N&agent=NAME      plays a case
    /getCaseStatus?case=N&agent=NAME
                                    JSON: `{"behavior": "OK"}`, as soon as the case has its verdict; MISSING
                                    where it has not been asked for
    /updateReports?agent=NAME       closes when the reports are written

A client may ask for cases in any order, for several at once, for one again, and may be several agents. Of a
case that was played several times the last verdict counts.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from harness.case_texts import visible
from harness.endpoints.autobahn_cases import lost
from harness.extra import EXTRA
from harness.extra.certificates import Certificates
from harness.extra.driver import Play, accept, send_away, tell
from harness.extra.exchange import TIMEOUT
from harness.extra.tls_wire import TlsWire
from harness.extra.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from harness.endpoints.autobahn_cases import AutobahnCases
    from harness.extra.case import Case
    from harness.extra.heads import Head
    from harness.results import CaseReport

    Answer = Callable[[], Awaitable[str | None]]

MISSING = "MISSING"
"""The behaviour in a case that was not asked for."""

GRACE = 3.0
"""Seconds in which answers to questions come to their end when the server stops."""

_HOST = re.compile(r"(?P<name>[^:\[\]]+|\[[^\]]+\])(?::(?P<port>\d+))?")


@dataclass(frozen=True)
class CaseBegun:
    """A client has come for a case."""

    agent: str
    case: str


@dataclass(frozen=True)
class CaseEnded:
    """The case has its verdict."""

    agent: str
    case: str
    report: CaseReport


@dataclass(frozen=True)
class ReportsAsked:
    """A client has asked for the reports, and waits until they are `written`."""

    agent: str
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Agent:
    """What is known of the clients of one name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reports: dict[str, CaseReport] = {}
        self.playing: dict[str, asyncio.Future[None]] = {}
        """The last play of each case, which may have ended."""
        self.modes: dict[str, set[str]] = {}
        """The modes that it has, as it told for each case."""

    @property
    def busy(self) -> bool:
        """Whether it is in a case."""
        return not all(played.done() for played in self.playing.values())

    async def settled(self, cases: Iterable[str]) -> None:
        """Wait for the end of those cases that are being played."""
        if going := [self.playing[case] for case in cases if case in self.playing]:
            await asyncio.wait(going)


@dataclass(frozen=True)
class Question:
    """What a request asks for."""

    path: str
    values: Mapping[str, str]

    @classmethod
    def of(cls, request: Head) -> Question:
        """Read a request; names are as good in other letters, in any order."""
        target = request.start.partition(" ")[2].rpartition(" ")[0]
        try:
            url = urlsplit(target.encode("latin-1").decode(errors="replace"))
        except ValueError:  # brackets around what is not an address
            return cls(target, {})
        values = parse_qs(url.query, keep_blank_values=True)
        return cls(url.path.rstrip("/").lower(), {name.lower(): found[0] for name, found in values.items()})


class ClientWire(Wire):
    """A connection of a client, which can be handed on."""

    def __init__(self, connected: Callable[[Wire], None], *, remote: bool) -> None:
        super().__init__(connected)
        self.came = bytearray()
        """All that came until the case was known."""
        self._remote = remote
        self._host = ""

    def data_received(self, data: bytes) -> None:
        """Keep what came in."""
        if self._reads_heads:
            self.came += data
        super().data_received(data)

    def came_to(self, host: str) -> None:
        """Take a Host that names this server: localhost as well, and any where clients come from afar."""
        name, port = self.transport.get_extra_info("sockname")[:2]
        found = _HOST.fullmatch(host)
        is_name = found and found["name"].lower() in {"localhost", name, f"[{name}]"}
        if self._remote or (found and is_name and int(found["port"] or 80) == port):
            self._host = host

    @property
    def authority(self) -> str:
        """The address of this side, as a client's Host has to have it."""
        name, port = self.transport.get_extra_info("sockname")[:2]
        return self._host or (f"[{name}]:{port}" if ":" in name else f"{name}:{port}")


class FuzzingServer:
    """Serves cases; `happening` tells what.

    :param cases: their place in it is the number by which clients ask.
    :param autobahn: plays those of Autobahn, where there are any.
    :param extra: the extra cases by name, as they fit the clients.
    :param limit: gives the seconds after which a case hangs.
    :param describe: gives the description of a case.
    :param again: whether a client may ask for a case again.
    :param remote: whether clients come from other machines.
    """

    def __init__(  # noqa: PLR0913  # one for each thing that differs
        self,
        cases: Sequence[str],
        timeout: float,
        *,
        autobahn: AutobahnCases | None = None,
        extra: Mapping[str, Case] = EXTRA,
        limit: Callable[[str], float | None] = lambda _: None,
        describe: Callable[[str], Awaitable[str]] | None = None,
        again: bool = True,
        remote: bool = False,
    ) -> None:
        self._happened: asyncio.Queue[CaseBegun | CaseEnded | ReportsAsked | BaseException] = asyncio.Queue()
        self.agents: dict[str, Agent] = {}
        self._cases = cases
        self._timeout = timeout
        self._autobahn = autobahn
        self._extra = extra
        self._limit = limit
        self._describe = describe
        self._again = again
        self._remote = remote
        self._begun: set[str] = set()
        self._keys: set[str] = set()
        self._last = self._nameless = Agent("?")
        """The agent that asked last for a case; and who tells modes without a name."""
        self._certificates: Certificates | None = None
        self._listeners: dict[str, asyncio.Server] = {}
        """The server for each certificate that a client was told to meet."""
        self._awaited: dict[str, dict[str, str]] = {}
        """The case of each agent that is next at each of them: who refuses its certificate names none."""
        self._announced: tuple[str, str] | None = None
        """An agent, and its case in which it hears something before it asks: it comes next."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()
        """Those that answer a question."""

    def protocol(self) -> Wire:
        """Make the protocol of one connection."""
        return ClientWire(self._connected, remote=self._remote)

    async def happening(self) -> CaseBegun | CaseEnded | ReportsAsked:
        """Wait for what happens next; raises what went wrong in the harness."""
        happened = await self._happened.get()
        if isinstance(happened, BaseException):
            raise happened
        return happened

    async def settled(self, timeout: float) -> None:
        """Wait until no case is played, or for so many seconds."""
        if going := [played for agent in self.agents.values() for played in agent.playing.values()]:
            await asyncio.wait(going, timeout=timeout)

    async def stop(self) -> None:
        """End all connections: those that answer a question have a moment."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=GRACE)
        for listener in self._listeners.values():
            listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._certificates:
            self._certificates.close()

    def _connected(self, wire: Wire, certificate: str = "") -> None:
        task = asyncio.create_task(self._serve(wire, certificate))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, wire))

    def _ended(self, wire: Wire, task: asyncio.Task[None]) -> None:
        wire.abort()  # a task that is cancelled at once does not even begin
        self._tasks.discard(task)
        self._answering.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._happened.put_nowait(error)

    async def _serve(self, wire: Wire, certificate: str) -> None:
        """Serve one connection; `certificate` is the one that its server shows."""
        announced = None
        if not certificate:
            announced, self._announced = self._announced, None
        if announced:
            await self._speak_first(wire, self._extra[announced[1]])
        request = await wire.read_head(self._timeout)
        if request is None and announced:
            await self._run_case(wire, None, self._agent(announced[0]), announced[1])
            return
        if request is None:
            awaited = self._awaited.get(certificate)
            if awaited:
                name = next(iter(awaited))
                await self._run_case(wire, None, self._agent(name), awaited.pop(name))
            return
        question = Question.of(request)
        if isinstance(wire, ClientWire):
            wire.came_to(next(iter(request.values("Host")), ""))
        if question.path == "/runcase" and (case := self._case_of(question)):
            fallback = next(iter(request.values("User-Agent")), "?")
            agent = self._last = self._agent(question.values.get("agent") or fallback)
            self._awaited.get(certificate, {}).pop(agent.name, None)
            await self._run_case(wire, request, agent, case)
        elif answer := self._answer_to(question):
            self._answering.add(asyncio.current_task())  # type: ignore[arg-type]  # this is one
            await accept(wire, request)
            await send_away(wire, await answer())
        else:
            asked = f"{question.path} of case {question.values.get('case', '')!r}"
            await _refuse(wire, f"This fuzzing server with {len(self._cases)} cases has no {asked:.200}")
        self._keys.update(request.values("Sec-WebSocket-Key"))

    async def _speak_first(self, wire: Wire, case: Case) -> None:
        """Send what a client hears before it asks."""
        await wire.send(case.unasked)
        if case.eof:
            wire.close()

    # Questions:

    def _answer_to(self, question: Question) -> Answer | None:
        """Return what makes the answer to a question; None where there is no such question."""
        case = self._case_of(question)
        match question.path:
            case "/getcasecount":
                return partial(_now, str(len(self._cases)))
            case "/updatereports":
                return partial(self._update_reports, question.values.get("agent"))
            case "/getcasemode":
                return partial(self._mode_of, case, question)
            case "/getcaseinfo" if case:
                return partial(self._info_of, case)
            case "/getcasestatus" if case:
                return partial(self._status_of, case, question.values.get("agent"))
        return None

    async def _info_of(self, case: str) -> str:
        description = await self._describe(case) if self._describe else ""
        return json.dumps({"id": case, "description": description})

    async def _status_of(self, case: str, name: str | None) -> str:
        """Return the verdict on a case, when it is there."""
        agent = self._agent(name) if name else self._last
        await agent.settled([case])
        report = agent.reports.get(case)
        return json.dumps({"behavior": report["behavior"] if report else MISSING})

    async def _update_reports(self, name: str | None) -> None:
        """Have the reports written of an agent, when its cases have ended."""
        agent = self._agent(name) if name else self._last
        await agent.settled(self._cases)
        asked = ReportsAsked(agent.name)
        self._happened.put_nowait(asked)
        await asked.written.wait()

    async def _mode_of(self, name: str, question: Question) -> str:
        """Return the path of a case, by which a client knows what to do, and where to come over TLS."""
        named = question.values.get("agent")
        agent = self._agent(named) if named else self._nameless
        modes = agent.modes[name] = set(question.values.get("modes", "").split(","))
        case = self._extra.get(name)
        if not case or case.mode_name not in modes:
            return "/"
        if case.unasked:
            self._announced = named or self._last.name, name
        if not case.over_tls:
            return case.mode
        certificates = self._certificates = self._certificates or Certificates()
        shown = case.certificate
        self._awaited.setdefault(shown, {})[named or self._last.name] = name
        if shown not in self._listeners:
            connected = partial(self._connected, certificate=shown)
            self._listeners[shown] = await asyncio.get_running_loop().create_server(
                lambda: TlsWire(certificates.showing(shown), connected), "127.0.0.1", 0
            )
        return certificates.client_mode(self._listeners[shown].sockets[0].getsockname()[1])

    # Cases:

    async def _run_case(self, wire: Wire, request: Head | None, agent: Agent, case: str) -> None:
        """Play a case; the last time counts. A client that ended TLS has no request."""
        if case in self._begun and not self._again:
            return
        self._begun.add(case)
        played = agent.playing[case] = asyncio.get_running_loop().create_future()
        self._happened.put_nowait(CaseBegun(agent.name, case))
        limit = self._limit(case)
        try:
            report = await asyncio.wait_for(self._play(wire, request, agent, case), limit)
        except asyncio.TimeoutError:
            report = lost(
                agent.name, f"The client hangs: the case did not end within {limit:g} s (--timeout)."
            )
        finally:
            played.set_result(None)
        if agent.playing[case] is played:
            agent.reports[case] = report
            self._happened.put_nowait(CaseEnded(agent.name, case, report))

    async def _play(self, wire: Wire, request: Head | None, agent: Agent, case: str) -> CaseReport:
        if case not in self._extra:
            assert self._autobahn  # noqa: S101  # its cases are there
            assert isinstance(wire, ClientWire)  # noqa: S101  # over TLS there are extra cases alone
            return await self._autobahn.play(case, agent.name, wire, bytes(wire.came))
        play = Play(self._extra[case], "client", agent.name, self._timeout)
        modes = agent.modes.get(case)
        if modes is None:
            modes = self._nameless.modes.pop(case, set())
        if request is None and self._extra[case].unasked:
            return play.unasked(wire)
        if request is None or self._extra[case].mode_name in {"", *modes}:
            return await play.against_client(wire, request, self._keys)
        await tell(wire, request)
        return play.unplayed()

    def _agent(self, name: str) -> Agent:
        return self.agents.setdefault(name, Agent(name))

    def _case_of(self, question: Question) -> str:
        """Return the case that a question names, or nothing."""
        number = question.values.get("case", "")
        known = number.isdecimal() and 0 < int(number) <= len(self._cases)
        return self._cases[int(number) - 1] if known else ""


async def _now(answer: str | None) -> str | None:
    return answer


async def _refuse(wire: Wire, why: str) -> None:
    """Answer a request that asks for nothing that there is."""
    body = f"{visible(why)}.\n".encode()
    fields = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close"
    await wire.send(f"HTTP/1.1 404 Not Found\r\n{fields}\r\n\r\n".encode() + body)
    wire.close()
    await wire.wait_end(TIMEOUT)
