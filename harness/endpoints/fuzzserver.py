"""`python -m harness fuzzserver`: serves the cases to clients, and writes a report for each agent."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from harness.case_texts import read_descriptions, visible
from harness.cases import AUTOBAHN_CASES
from harness.conclusion import Outcome, conclude_in, judge_all, results_of
from harness.endpoints.autobahn_cases import autobahn_cases
from harness.endpoints.choice import has_odd_handshake
from harness.endpoints.fuzzing_server import CaseBegun, CaseEnded, FuzzingServer
from harness.engines.kosoku import KosokuSuite
from harness.progress import Lines
from harness.run import aside_of
from harness.setup_runner import SetupRun
from harness.setups import Setup
from harness.summary import count_of
from tooling.console import say
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.by_rfc import ByRfc
    from harness.endpoints.choice import Choice
    from harness.endpoints.fuzzing_server import ReportsAsked
    from harness.judge import Baseline
    from harness.order import Order
    from harness.patience import Patience
    from harness.results import CaseReport
    from harness.roles import Role

CLIENT = Setup("client")

SHOWN = 5
"""Cases that are named where some were not asked for."""

SETTLING = 1.0
"""Seconds that the cases have to end in which a signal comes."""

LOOK = 0.5
"""Seconds between two looks at who is idle."""


@dataclass
class Visit:
    """What an agent has done until now."""

    began: float
    started: str
    lines: Lines
    last: float = 0.0
    """When it did something last."""
    case: str = "?"
    """The case that began last."""
    code: ExitCode | None = None
    """The verdict of the report that was written last; None where something has happened since."""


@dataclass
class FuzzServer:
    """The command, with what a user chose; `run` may be called once."""

    order: Order
    choice: Choice
    judge: Baseline | ByRfc
    repeat: str
    """The command that serves again, but for its cases and its report."""
    folder: Path
    patience: Patience
    console: Console
    host: str
    port: int
    remote: bool = False
    once: bool = False
    """Whether it ends when a client has asked for its report."""
    idle: float = 60.0
    """Seconds after which, with `once`, a client is given up that does nothing."""
    _visits: dict[str, Visit] = field(default_factory=dict, init=False)
    _descriptions: dict[str, str] = field(default_factory=dict, init=False)

    def run(self) -> ExitCode:
        """Serve until SIGINT or SIGTERM, or with `once` until a report is written; return the verdict.

        Raises `CommandError` where it cannot listen, and where a signal comes before a verdict.
        """
        self._engine = KosokuSuite().version()
        self._cases = in_order(self.choice.cases)
        with aside_of(self.folder) as aside:
            return asyncio.run(self._serve(aside))

    async def _serve(self, aside: Path) -> ExitCode:
        caught: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, _set, caught, number.name)
        async with AsyncExitStack() as ending:
            autobahn = None
            if any(case in AUTOBAHN_CASES for case in self._cases):
                autobahn = await ending.enter_async_context(autobahn_cases(aside / "kosoku.log"))
            self._server = FuzzingServer(
                self._cases,
                self.patience.timeout,
                autobahn=autobahn,
                extra=self.choice.extra,
                limit=self.patience.limit,
                describe=self._describe,
                remote=self.remote,
            )
            ending.push_async_callback(self._server.stop)
            await self._listen(ending)
            await self._follow(caught)
            if caught.done():
                await self._server.settled(SETTLING)
        if caught.done():
            self._conclude_rest()
        if caught.done() and self.once:
            raise CommandError(f"interrupted by {caught.result()} before a client had asked for its report")
        return max((visit.code or ExitCode.GOOD for visit in self._visits.values()), default=ExitCode.GOOD)

    async def _listen(self, ending: AsyncExitStack) -> None:
        try:
            listener = await asyncio.get_running_loop().create_server(
                self._server.protocol, self.host, self.port
            )
        except (OSError, UnicodeError) as error:  # UnicodeError: the text cannot be a host name
            raise CommandError(
                f"cannot listen on {self.host!r}, port {self.port}: {getattr(error, 'strerror', '') or error}"
            ) from error
        ending.callback(listener.close)
        host, port = listener.sockets[0].getsockname()[:2]
        self._url = f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"
        say(self.console, f"Listening on {self._url}")
        end = "the server ends with a client's report" if self.once else "SIGINT ends the server"
        say(self.console, f"{count_of(self._cases)}, numbered in this order; {end}")
        for note in self.choice.notes:
            say(self.console, note)

    async def _follow(self, caught: asyncio.Future[str]) -> None:
        """Take in what happens until the end, or until a signal is caught."""
        following = asyncio.ensure_future(self._take_in())
        ends: list[asyncio.Future[Any]] = [caught, following]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            following.cancel()

    async def _take_in(self) -> None:
        """Take in what happens, until with `once` a report is written, or a client stays away."""
        while True:
            try:
                happened = await asyncio.wait_for(self._server.happening(), LOOK if self.once else None)
            except asyncio.TimeoutError:
                if self._conclude_idle():
                    return
                continue
            visit = self._visit(happened.agent)
            visit.last = time.monotonic()
            match happened:
                case CaseBegun(agent, case):
                    visit.case = case
                    visit.lines.begun(agent, case)
                case CaseEnded():
                    visit.code = None
                case asked:
                    await self._write(asked)
                    if self.once:
                        return

    def _visit(self, agent: str) -> Visit:
        if agent not in self._visits:
            started = datetime.now(timezone.utc).isoformat(timespec="seconds")
            lines = Lines(self.console, {agent: self._cases})
            self._visits[agent] = Visit(time.monotonic(), started, lines)
        return self._visits[agent]

    async def _write(self, asked: ReportsAsked) -> None:
        """Write the report that a client asked for; it is told whether or not that succeeds."""
        try:
            await asyncio.to_thread(self._conclude, asked.agent)
        finally:
            asked.written.set()

    def _conclude_idle(self) -> bool:
        """Conclude for a client that has done nothing for so long."""
        now = time.monotonic()
        for name, visit in self._visits.items():
            agent = self._server.agents[name]
            if not agent.busy and now - visit.last > self.idle:
                self._conclude(name, f"did nothing for {self.idle:g} s after {visit.case} (--idle)")
                return True
        return False

    def _conclude_rest(self) -> None:
        """Write the reports of those who did not ask for it since their last case."""
        for name, visit in list(self._visits.items()):
            if visit.code is None:
                self._conclude(name)

    def _conclude(self, name: str, why: str = "") -> None:
        """Judge what an agent has done, and write its report."""
        visit, reports = self._visit(name), self._server.agents[name].reports
        if not reports:
            say(self.console, f"{visible(name)} has asked for no case, and gets no report")
            visit.code = ExitCode.BAD
            return
        found = {case: reports[case] for case in self.choice.cases if case in reports}
        stopped = self._not_asked(name, found, why)
        runs = {CLIENT: SetupRun(found, time.monotonic() - visit.began)}
        judges: dict[Role, Baseline | ByRfc] = {CLIENT.role: self.judge}
        folder = self.folder_of(name)
        repeat = f"{self.repeat} --report {shlex.quote(str(folder))}"
        cases = {CLIENT: self.choice.cases}
        differences = judge_all(cases, judges, runs, lambda _: repeat, complete=not stopped)
        outcome = Outcome(self.order, judges, runs, differences, stopped, endpoint=True)
        results = results_of(outcome, visible(name), self._engine, visit.started)
        say(self.console, f"{visible(name)}:", style="bold")
        visit.code = conclude_in(folder, outcome, results, self.console)
        self._say_numbers([found.case for found in differences[CLIENT]])

    def _not_asked(self, name: str, found: Mapping[str, CaseReport], why: str) -> str:
        """Say which cases an agent did not ask for; nothing where it had all."""
        missing = [case for case in self._cases if case not in found]
        if not missing:
            return ""
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        numbers = f"{', '.join(missing[:SHOWN])}{more}"
        did = f"{visible(name)} {why}, and " if why else f"{visible(name)} "
        return f"{did}did not ask for {numbers} (--cases, --exclude and --without choose)"

    def _say_numbers(self, differing: Sequence[str]) -> None:
        """Say by which numbers a client repeats its cases, as long as the server runs."""
        if differing and not self.once:
            numbers = ", ".join(f"{case} is case={self._cases.index(case) + 1}" for case in differing[:SHOWN])
            more = f", and so on, {len(differing)} in all" if len(differing) > SHOWN else ""
            say(
                self.console, f"as long as this server runs, {self._url}/runCase repeats one: {numbers}{more}"
            )

    def folder_of(self, agent: str) -> Path:
        """Return the folder of an agent's report: one below that of all, where there may be several."""
        if self.once:
            return self.folder
        return self.folder / (re.sub(r"[^\w.-]+", "-", agent, flags=re.ASCII).strip(".-") or "agent")

    async def _describe(self, case: str) -> str:
        if not self._descriptions:
            self._descriptions = await asyncio.to_thread(read_descriptions)
        return self._descriptions.get(case, "")


def in_order(cases: Sequence[str]) -> list[str]:
    """Return cases in the order of their numbers.

    Autobahn's are first, so that programs with numbers of their own mean the same. Those with odd opening
    handshakes are last, since some clients' programs end where one fails.
    """
    return sorted(cases, key=has_odd_handshake)


def _set(caught: asyncio.Future[str], name: str) -> None:
    if not caught.done():
        caught.set_result(name)
