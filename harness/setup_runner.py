"""One run: starts testee and suite for each setup, and gathers the reports; a crash or hang is a verdict."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import aclosing, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from harness.case_texts import read_titles
from harness.engines.suite import Begun, Ended, Finished, Listening
from harness.judge import rank, verdict_of
from harness.patience import Usual
from harness.results import CpuTime
from harness.transports.carriage import SETTLED, Carriage
from tooling import children
from tooling.children import ChildError
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
    from pathlib import Path

    from harness.engines.suite import Step, Suite
    from harness.patience import Patience
    from harness.progress import Progress
    from harness.results import CaseReport
    from harness.setups import Setup
    from harness.testee.commands import Testee
    from harness.transports.bridge import Files
    from harness.transports.carriage import Way
    from tooling.children import Child

ResultT = TypeVar("ResultT")

LISTENING = re.compile(r"[Ll]istening on (?:(?P<url>ws://\S+)|(?P<host>\S+) port (?P<port>\d+))")
DRIVING = re.compile(r"case (\d+) of \d+")

UNPLAYED = "The case could not be played: "
"""How the result of a case of section H begins that had no connection."""

OF_BRIDGE = b"HTTP/1.1 502 "
"""How the answer of a bridge begins that cannot connect to the testee."""

ENDS = 2.0
"""Seconds that a process may take to end which takes no connection any more."""

MOST_DEATHS = 20
"""Deaths of a testee one after the other, without a case that went well, after which it is given up."""


@dataclass(frozen=True)
class SetupRun:
    """The findings of one setup of a run; times are in seconds."""

    reports: dict[str, CaseReport]
    duration: float
    cpu_time: CpuTime | None = None


@dataclass
class SetupRunner:
    """Runs a testee in one setup against a suite; `run` may be called once."""

    setup: Setup
    cases: Sequence[str]
    suite: Suite
    progress: Progress
    folder: Path
    patience: Patience
    testee: Testee
    reported: Callable[[Setup, str, CaseReport], None] = lambda *_: None
    """Gets each report as it comes."""
    carriage: Carriage = field(default_factory=Carriage)
    """The way between suite and testee."""
    usual: Usual = field(default_factory=Usual)
    """What the cases usually take."""

    _reports: dict[str, CaseReport] = field(default_factory=dict, init=False)
    _rest: list[str] = field(default_factory=list, init=False)
    _case: str = field(default="", init=False)
    """The case that began last."""
    _unplayed: bool = field(default=False, init=False)
    """Whether its verdict is that it could not be played: another one has ended the testee."""
    _moved: float = field(default_factory=time.monotonic, init=False)
    _duration: float = field(default=0.0, init=False)
    _cpu_time: CpuTime = field(default_factory=lambda: CpuTime(testee=0.0, suite=None), init=False)

    async def run(self) -> None:
        """Run all cases; where the testee crashes or hangs, fail that case and go on with the next.

        Raises `CommandError` where the suite does not do its work.
        """
        began, deaths = time.monotonic(), 0
        try:
            self._rest = list(self.cases)
            while self._rest and deaths < MOST_DEATHS:
                self._case, self._unplayed, before = "", False, len(self._reports)
                self._moved = time.monotonic()
                try:
                    await (self._run_server() if self.setup.role == "server" else self._run_client())
                except ChildError as death:
                    deaths = 1 if len(self._reports) > before + 1 else deaths + 1
                    if not self._unplayed:
                        self._bury(self._case or self._rest[0], death)
                else:
                    break
                self._rest = [case for case in self._rest if case not in self._reports]
            if deaths == MOST_DEATHS:
                why = ChildError(f"not played, since the testee had died {MOST_DEATHS} times in a row")
                for case in self._rest:
                    self._bury(case, why)
        finally:
            self._duration = time.monotonic() - began

    def result(self) -> SetupRun:
        """Return what has been found so far, in the order of the cases, those nobody asked for last."""
        asked = {case: self._reports[case] for case in self.cases if case in self._reports}
        return SetupRun({**asked, **self._reports}, self._duration, self._cpu_time)

    async def _run_server(self) -> None:
        with self.carriage.files() as files:
            command = [*self.testee.command(self.setup, files), *self.suite.testee_options]
            async with self._started("the server under test", command) as testee:
                try:
                    url = await first_of(
                        self._wait_listening(testee), testee.must_live(), self._must_move(testee)
                    )
                except ChildError as error:
                    if self._reports:
                        raise
                    raise CommandError(str(error)) from error  # it has never run: there is nothing to judge
                async with self.carriage.way("server", url, files, self._log("bridge")) as way:
                    way.watch(testee)
                    await self._fuzz_server(testee, way)

    async def _fuzz_server(self, testee: Child, way: Way) -> None:
        async def must_answer() -> None:
            await way.check()
            await _must_answer(testee, way.url, self.patience.timeout)
            if not await self.suite.still_serves(way.url):
                raise _hangs(testee, "it takes no connection any more")

        async with aclosing(self.suite.fuzz_server(way.url, self._rest, self._log("suite"))) as steps:
            work = self._collect(steps, must_answer)
            await first_of(work, way.must_live(), testee.must_live(), self._must_move(testee))

    async def _run_client(self) -> None:
        async with aclosing(self.suite.fuzz_client(self._rest, self._log("suite"))) as steps:
            listening = await first_of(anext(steps), self._must_move(None))
            if not isinstance(listening, Listening):
                raise CommandError(f"the suite does not listen, it said {listening!r:.80}")
            with self.carriage.files() as files:
                async with self.carriage.way("client", listening.url, files, self._log("bridge")) as way:
                    await self._fuzz_client(steps, listening, files, way)

    async def _fuzz_client(
        self, steps: AsyncIterator[Step], listening: Listening, files: Files | None, way: Way
    ) -> None:
        options = ["--agent", self.testee.name, *self.suite.testee_options, *self.suite.client_options]
        command = [*self.testee.command(self.setup, files), way.url, *options]
        collecting = asyncio.ensure_future(self._collect(steps, way.check))
        try:
            async with self._started("the client under test", command) as testee:
                way.watch(testee)
                try:
                    await first_of(
                        asyncio.shield(collecting),
                        way.must_live(),
                        self._follow(testee),
                        self._must_move(testee),
                    )
                except asyncio.CancelledError:
                    collecting.cancel()  # before the client ends, which would look like its failure
                    raise
        except ChildError:
            way.cut()
            # The suite tells of the cases before when it is asked, as the client would have asked it.
            with suppress(OSError, asyncio.TimeoutError):
                await _ask_for_reports(listening.url, self.testee.name)
                await asyncio.wait_for(asyncio.shield(collecting), self.patience.time_limit)
            raise
        finally:
            await cancel([collecting])

    @asynccontextmanager
    async def _started(self, name: str, command: Sequence[str]) -> AsyncIterator[Child]:
        async with children.start(name, command, self._log("testee")) as testee:
            yield testee
        self._cpu_time["testee"] = (self._cpu_time["testee"] or 0.0) + (testee.cpu_time or 0.0)

    def _log(self, who: str) -> Path:
        return self.folder / f"{str(self.setup).replace('/', '-')}-{self.suite.label}{who}.log"

    async def _wait_listening(self, testee: Child) -> str:
        async for line in testee.lines():
            if found := LISTENING.search(line):
                return found["url"] or f"ws://{found['host']}:{found['port']}"
        raise testee.death(await testee.ended())

    async def _collect(
        self, steps: AsyncIterator[Step], must_answer: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Take in the steps; after a case that went badly, or was the last, see whether the testee lives."""
        async for step in steps:
            match step:
                case Begun(case):
                    self._move(case)
                case Ended(case, report):
                    if case in self._reports:
                        raise CommandError(f"{self.setup}: the suite reported case {case} twice")
                    if must_answer and (_is_bad(report) or case == self._rest[-1]):
                        self._case, self._unplayed = case, report.get("result", "").startswith(UNPLAYED)
                        await must_answer()
                        self._unplayed = False
                    self._reports[case] = report
                    self.reported(self.setup, case, report)
                case Finished(cpu_time):
                    self._cpu_time["suite"] = (self._cpu_time["suite"] or 0.0) + cpu_time

    async def _follow(self, testee: Child) -> None:
        """Follow the client under test, which may end when it is done, but not fail."""
        async for line in testee.lines():
            if found := DRIVING.search(line):
                self._move(self._rest[int(found[1]) - 1])
        if code := await testee.ended():
            raise testee.death(code)
        await asyncio.Event().wait()

    def _move(self, case: str) -> None:
        self._case = case
        self._moved = time.monotonic()
        self.progress.begun(str(self.setup), case)

    # ruff: noqa: ASYNC110  # the time counts here, not an event

    async def _must_move(self, testee: Child | None) -> None:
        """Raise `ChildError` when a case takes too long; `CommandError` where no testee is there to blame."""
        while (left := self._moved + self._limit() - time.monotonic()) > 0:
            await asyncio.sleep(left)
        limit = f"within {self._limit():g} s (--time-limit)"
        if testee is None:
            raise CommandError(f"{self.setup}: the suite did not begin {limit}")
        what = "was not begun" if not self._case else "did not end"
        raise _hangs(testee, f"the case {what} {limit}")

    def _limit(self) -> float:
        return self.patience.limit(self._case, self.usual)

    def _bury(self, case: str, death: ChildError) -> None:
        """Fail the case in which the testee died or hung."""
        report: CaseReport = {
            "behavior": "FAILED",
            "behaviorClose": "FAILED",
            "remoteCloseCode": None,
            "description": read_titles().get(case, ""),
            "agent": self.testee.name,
            "result": f"{death.what[:1].upper()}{death.what[1:]}.",
            "resultClose": "There is nothing to say of the closing handshake.",
            "log": death.log,
        }
        self._reports[case] = report
        self.reported(self.setup, case, report)


def _is_bad(report: CaseReport) -> bool:
    """Tell whether the testee may have died in a case."""
    verdict = verdict_of(report, "a report")
    refused = str(report.get("httpResponse", "")).startswith(OF_BRIDGE.decode())
    return refused or max(verdict.ranks) > rank("UNIMPLEMENTED")


async def _must_answer(testee: Child, url: str, timeout: float) -> None:
    """Raise `ChildError` where a server has died, or does not answer a request any more."""
    await asyncio.sleep(SETTLED)
    if not testee.alive():
        raise testee.death(await testee.ended())
    server = urlsplit(url)
    try:
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(server.hostname, server.port), timeout
        )
        try:
            writer.write(_request(server.netloc, "/"))
            answer = await asyncio.wait_for(reader.read(16), timeout)
        finally:
            writer.transport.abort()
    except asyncio.TimeoutError:
        raise _hangs(testee, f"it did not answer a request within {timeout:g} s") from None
    except OSError:
        answer = b""
    if answer.startswith(OF_BRIDGE):  # its end may show a little later than that of its port
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(testee.ended(), ENDS)
        if testee.alive():
            raise _hangs(testee, "it takes no connection any more")
    if not testee.alive():
        raise testee.death(await testee.ended())


def _hangs(testee: Child, how: str) -> ChildError:
    """Kill a testee that hangs: it would not end by SIGTERM, which is waited for."""
    testee.kill_group()
    return ChildError(f"{testee.name} hangs: {how}", testee.tail(), testee.log)


def _request(host: str, target: str) -> bytes:
    fields = f"Host: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    return f"GET {target} HTTP/1.1\r\n{fields}\r\n{key}\r\n\r\n".encode()


async def _ask_for_reports(url: str, agent: str) -> None:
    """Ask a suite for its reports, as its client does at its end."""
    server = urlsplit(url)
    _, writer = await asyncio.open_connection(server.hostname, server.port)
    with closing(writer):
        writer.write(_request(server.netloc, f"/updateReports?agent={quote(agent, safe='')}"))
        await asyncio.sleep(SETTLED)
        writer.write(b"\x88\x80\x00\x00\x00\x00")  # a Close
        await writer.drain()


async def first_of(work: Awaitable[ResultT], *guards: Awaitable[None]) -> ResultT:
    """Do the work while the guards watch; a guard ends only by raising."""
    task = asyncio.ensure_future(work)
    watchers = [asyncio.ensure_future(guard) for guard in guards]
    try:
        await asyncio.wait([task, *watchers], return_when=asyncio.FIRST_COMPLETED)
        for watcher in watchers:
            if watcher.done():
                watcher.result()
        return await task
    finally:
        await cancel([task, *watchers])


async def cancel(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
