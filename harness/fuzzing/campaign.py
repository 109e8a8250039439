"""A campaign of the fuzzer: sequence after sequence, each new fault confirmed, made smaller, written down."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.endpoints.runner import LOG
from harness.fuzzing.generator import Generator
from harness.fuzzing.rules import RULES
from harness.fuzzing.sequence import FORMAT, to_json
from harness.fuzzing.server import HELLO, ROUND, Server
from harness.fuzzing.smaller import smaller
from harness.report.rendering import read, render
from harness.run import run_until_signal
from tooling.console import say
from tooling.errors import ExitCode
from tooling.written import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from harness.endpoints.endpoint import Endpoint
    from harness.fuzzing.judging import Fault
    from harness.fuzzing.sequence import Sequence

LIMIT = 2**17
"""Bytes in the longest message that a server has to take, where nobody says more."""

PATIENT = 5
"""Times that a server has for an answer, before its silence counts."""

REPEATS = 3
"""Plays in which a fault has to show again once."""

PLAYS = 120
"""Plays that making a finding smaller may take."""

SHRINKING = 10.0
"""Seconds that it may take."""

EARLIER = 4
"""Sequences before a refused connection that may be the reason."""

GROWN = 48 * 2**20
"""Bytes over its size after the first connections by which a process looks as if it kept memory."""

LOOKS = 50
"""Connections between two looks at the memory."""

REPORTS = 10.0
"""Seconds between two lines about the progress."""


@dataclass
class Found:
    """A finding: the fault, and the smallest sequence that shows it."""

    fault: Fault
    sequence: Sequence
    number: int
    """The number of the sequence of the seed that found it."""
    repeats: bool
    """Whether it showed again; else it was seen once."""
    file: str = ""
    times: int = 1
    """How many sequences found it."""

    def report(self, repeat: str) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            **self.fault.report(),
            "sent": self.sequence.words(),
            "repeats": self.repeats,
            "times": self.times,
            "number": self.number,
            "case": self.file,
            "command": f"{repeat} --case {self.file}" if self.file else "",
        }


@dataclass
class Campaign:
    """A campaign against one server; `run` may be called once.

    :param repeat: the command that repeats a case, but for its file.
    :param rate: connections a second, at most.
    :param most: findings after which it ends.
    """

    endpoint: Endpoint
    seed: int
    seconds: float
    rate: float
    patience: float
    limit: int
    folder: Path
    repeat: str
    console: Console
    most: int | None = None

    found: dict[tuple[str, str], Found] = field(default_factory=dict)
    slow: Counter[str] = field(default_factory=Counter)
    """What did not come in time, and came in the next play."""
    number: int = 0
    stopped: str = ""

    def run(self) -> ExitCode:
        """Play for the given time, and write the report; raises `CommandError` where nobody answers."""
        self.server = Server(self.endpoint, self.folder / LOG, self.patience, self.limit)
        try:
            asyncio.run(run_until_signal(self._run()))
        finally:
            if self.server.plays:  # else there is nothing to say
                self._conclude()
        return ExitCode.BAD if self.found else ExitCode.GOOD

    async def _run(self) -> None:
        try:
            target = await self.endpoint.ensure(self.folder / LOG)
            say(self.console, f"{self.endpoint.name} at {target.url}: {self.seconds:g} s, seed {self.seed}")
            await self._play()
        finally:
            await self.endpoint.stop()

    async def _play(self) -> None:
        generator = Generator(self.seed, self.limit)
        began = reported = time.monotonic()
        before = 0
        earlier: list[Sequence] = []
        while not self.stopped and time.monotonic() - began < self.seconds:
            due = time.monotonic() + 1 / self.rate
            sequence = generator.sequence(self.number)
            if fault := await self.server.play(sequence):
                await self._take(sequence, fault, earlier)
            earlier = [*earlier[1 - EARLIER :], sequence]
            self.number += 1
            if self.number % LOOKS == 0:
                before = await self._look_at_memory(before, earlier)
            if time.monotonic() - reported > REPORTS:
                reported = time.monotonic()
                say(self.console, f"{reported - began:.0f} s of {self.seconds:g} s: {self._so_far()}")
            await asyncio.sleep(max(due - time.monotonic(), 0))

    def _so_far(self) -> str:
        findings = f"{len(self.found)} finding{'s' * (len(self.found) != 1)}"
        return f"{self.number} sequences, {self.server.plays} connections, {findings}"

    async def _look_at_memory(self, before: int, earlier: list[Sequence]) -> int:
        """Return the size that the process has without a leak; look for one where it has grown far."""
        size = self.server.memory()
        if not before or size < before:
            return size
        if size - before < GROWN or ("memory", "a connection") in self.found:
            return before
        for sequence in (HELLO, *earlier):
            await self.server.restart()
            if fault := await self.server.leak(sequence):
                await self._keep(fault, replace(sequence, times=3 * ROUND), repeats=True)
                break
        return 0

    async def _take(self, sequence: Sequence, fault: Fault, earlier: list[Sequence]) -> None:
        """Take a fault: a new one is played again, with more patience, and made smaller."""
        if known := self.found.get(fault.key):
            known.times += 1
            if fault.rule != "crash":
                return
        silent = fault.rule in {"crash", "no answer"}
        if silent and await self._find_reason(fault, [*earlier, sequence]):
            return
        if await self._confirm(sequence, fault):
            return
        if fault.slow:
            self.slow[fault.came] += 1
        elif fault.key not in self.found:
            await self._keep(fault, sequence, repeats=False)

    async def _find_reason(self, fault: Fault, suspects: list[Sequence]) -> bool:
        """Find the sequence behind which a server serves nobody; tell whether that is settled."""
        if not self.endpoint.command and await self._is_gone():
            self.stopped = f"the server does not answer any more: {fault.came}"
            await self._keep(fault, suspects[-2:][0], repeats=False)
            return True
        for suspect in reversed(suspects):
            if self.endpoint.command:
                await self.server.restart()  # it may hang since an earlier one
            if await self._confirm(suspect, fault, any_fault=True):
                return True
        return False

    async def _is_gone(self) -> bool:
        """Tell whether a server that was not started here takes no connection any more."""
        fault = await self.server.play(HELLO, PATIENT * self.patience)
        return fault is not None and fault.rule in {"crash", "no answer"}

    async def _confirm(self, sequence: Sequence, fault: Fault, *, any_fault: bool = False) -> bool:
        """Play a sequence until it shows the fault again; tell whether it did."""
        for _ in range(1 if any_fault else REPEATS):
            again = await self.server.verdict(sequence, PATIENT * self.patience)
            if again is None or (any_fault and again.rule != "crash"):
                continue
            if again.key != fault.key and not any_fault and fault.rule != "no answer":
                continue
            if again.key not in self.found:
                await self._shrink(sequence, again)
            return True
        return False

    async def _shrink(self, sequence: Sequence, fault: Fault) -> None:
        """Make a sequence smaller, and keep what it finds then."""
        latest = fault
        until = time.monotonic() + SHRINKING

        async def finds(candidate: Sequence) -> bool:
            nonlocal latest
            if time.monotonic() > until:
                return False
            whole = fault.rule == "crash"
            play = self.server.verdict if whole else self.server.play
            found = await play(candidate, self.patience)
            if found is None or found.key != fault.key:
                return False
            latest = found
            return True

        least = await smaller(sequence, finds, PLAYS)
        again = await self.server.verdict(least, PATIENT * self.patience)
        if again is None or again.key != fault.key:  # it needs what was taken away
            least, latest = sequence, fault
        await self._keep(latest, least, repeats=True)

    async def _keep(self, fault: Fault, sequence: Sequence, *, repeats: bool) -> None:
        found = self.found[fault.key] = Found(fault, sequence, self.number, repeats)
        name = re.sub(r"[^a-z0-9]+", "-", f"{fault.rule} {fault.shape}".lower()).strip("-")[:60]
        file = self.folder / "cases" / f"{len(self.found):02d}-{name}.json"
        found.file = str(file)
        case = {"format": FORMAT, "found": fault.report(), "sequence": to_json(sequence)}
        write_text(file, json.dumps(case, indent=1) + "\n")
        show(self.console, found, len(self.found), self.repeat)
        if self.most is not None and len(self.found) >= self.most and not self.stopped:
            self.stopped = f"{self.most} found (--max-findings)"

    def _conclude(self) -> None:
        """Write the report, and say how it ended."""
        file = self.folder / "findings.json"
        written = {
            "format": FORMAT,
            "server": self.endpoint.name,
            "url": self.endpoint.target.url if self.endpoint.target else self.endpoint.url,
            "seed": self.seed,
            "seconds": self.seconds,
            "sequences": self.number,
            "connections": self.server.plays,
            "stopped": self.stopped,
            "slow": dict(self.slow),
            "findings": [found.report(self.repeat) for found in self.found.values()],
        }
        write_text(file, json.dumps(written, indent=1) + "\n")
        page = self.folder / "findings.html"
        write_text(page, render_page(written))
        if self.stopped:
            say(self.console, f"ended early: {self.stopped}")
        for what, times in self.slow.items():
            say(self.console, f"late, but there in the next play ({times} times): {what}")
        say(self.console, f"{self._so_far()}; seed {self.seed}; report: {page}")


def render_page(report: dict[str, Any]) -> str:
    """Return the page of a report."""
    count = len(report["findings"])
    title = f"{count} finding{'s' * (count != 1)}" if count else "Nothing found"
    return render("findings.html", found=report, title=title, style=read("page.css"), script=read("house.js"))


def show(console: Console, found: Found, number: int, repeat: str) -> None:
    """Print a finding."""
    rule = RULES[found.fault.rule]
    once = "" if found.repeats else ", seen once"
    say(console, f"FOUND {number}: {rule.section}, a {rule.level.upper()}{once}", style="bold red")
    say(console, f"  rule:   {rule.sentence}")
    for at, line in enumerate(found.sequence.words()):
        say(console, f"  {'sent:  ' if not at else '       '} {line}")
    say(console, f"  came:   {found.fault.came}")
    if found.file:
        say(console, f"  repeat: {repeat} --case {found.file}")
