"""`python -m harness plant`: single faults in copies of the library, and the cases that see them."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz.planted.fault import plant
from harness.case_texts import read_titles, visible
from harness.run import run_until_signal
from harness.unseen import UNSEEN
from tooling import children
from tooling.console import say
from tooling.errors import CommandError, ExitCode
from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from fuzz.planted.fault import Fault


OVER_HTTP1: tuple[str, ...] = ()
OVER_STREAMS = ("--transport", "h2", "--transport", "h3", "--cases", "H", "X.5", "X.6")
"""For the handshake of HTTP/2 and HTTP/3, which does nothing else."""


@dataclass(frozen=True)
class Sight:
    """What the suite says of a library with a fault in it."""

    fault: Fault | None
    """None for the library as it is."""
    by: str
    """The first case that differs, with its setup; empty where none does."""
    seconds: float

    @property
    def as_it_should_be(self) -> bool:
        """Whether the fault was seen, unless the wire cannot show it."""
        return bool(self.by) == (self.fault is not None and self.fault.name not in UNSEEN)

    @property
    def line(self) -> str:
        """Say it in a line."""
        name = self.fault.name if self.fault else "the library without a fault"
        if not self.as_it_should_be:
            why = "SEEN, though it is listed as unseen" if self.by and self.fault else "NOT SEEN"
            return f"{self.seconds:5.1f} s  {name}: {why if self.fault else 'DIFFERS'} {self.by}".rstrip()
        unseen = UNSEEN.get(name, "as expected")
        return f"{self.seconds:5.1f} s  {name}: {self.by or f'not seen: {unseen}'}"


def plant_all(faults: Sequence[Fault], jobs: int, markdown: Path | None, console: Console) -> ExitCode:
    """Run the profile fast over the library as it is, then with each fault, until a verdict differs.

    Faults of the handshake of HTTP/2 and HTTP/3 are looked for over HTTP/2.

    :param markdown: the file for the table.
    """
    for fault in {options_for(fault): fault for fault in faults}.values():
        control = asyncio.run(run_until_signal(_sights([fault], 1, console, planted=False)))
        if not control[0].as_it_should_be:
            raise CommandError(f"the library without a fault is not as expected: {control[0].by}")
    sights = asyncio.run(run_until_signal(_sights(faults, jobs, console)))
    wrong = [sight for sight in sights if not sight.as_it_should_be]
    seen = sum(bool(sight.by) for sight in sights)
    say(console, f"{seen} of {len(sights)} faults are seen, {len(wrong)} not as they should be")
    if markdown:
        write_text(markdown, markdown_of(sights))
        say(console, f"table: {markdown}")
    return ExitCode.BAD if wrong else ExitCode.GOOD


def options_for(fault: Fault) -> tuple[str, ...]:
    """Return the options of `run` for what may see a fault."""
    return OVER_STREAMS if fault.file == "stream_handshake.py" else OVER_HTTP1


async def _sights(
    faults: Sequence[Fault], jobs: int, console: Console, *, planted: bool = True
) -> list[Sight]:
    turn = asyncio.Semaphore(jobs)

    async def one(fault: Fault) -> Sight:
        async with turn:
            sight = await _sight(fault if planted else None, options_for(fault))
        say(console, sight.line, style="" if sight.as_it_should_be else "bold red")
        return sight

    return list(await asyncio.gather(*map(one, faults)))


async def _sight(fault: Fault | None, chosen: Sequence[str]) -> Sight:
    """Run the suite over a copy of the library, with these options."""
    with tempfile.TemporaryDirectory(prefix="planted-") as made:
        folder, began = Path(made), time.monotonic()
        copy = plant(fault, folder)
        options = [*chosen, "--profile", "fast", "-x", "--report", str(folder / "report")]
        command = ["env", f"PYTHONPATH={copy}", sys.executable, "-m", "harness", "run", *options]
        async with children.start("the run", command, folder / "run.log") as child:
            said = [line async for line in child.lines()]
            code = await child.ended()
        path = folder / "report" / "results.json"
        if code not in {ExitCode.GOOD, ExitCode.BAD} or not path.is_file():
            name = fault.name if fault else "without a fault"
            raise CommandError(f"{name}: the run ended with exit code {code}: {said[-1:]}")
        found = [
            f"{label} {difference['case']}{', slow' * (difference['kind'] == 'slow')}"
            for label, report in json.loads(path.read_bytes())["setups"].items()
            for difference in report["differences"]
        ]
        return Sight(fault, found[0] if found else "", time.monotonic() - began)


HEAD = """\
# Planted faults under the suite

Of {all} faults {seen} are seen by a case. {hidden} cannot be seen on the wire: the table says why. {missed}
are not seen yet: a case is missing.

`python -m harness plant` copies the library, puts one fault into the copy, and plays the profile fast in both
roles and all variants until a verdict differs, or what is about the opening handshake over HTTP/2 where the
fault is in that of streams. The faults are those of [the fuzzers' table](planted-faults.md). Written by
`python -m harness plant --markdown docs/planted-faults-suite.md`.

| fault | breaks | in | seen by |
|---|---|---|---|
"""


def markdown_of(sights: Sequence[Sight]) -> str:
    """Return the table as Markdown."""
    titles = read_titles()
    rows = [
        f"| {_cell(fault.name)} | {_cell(fault.section)} | `{fault.file}` | {_by(sight, titles)} |\n"
        for sight in sights
        if (fault := sight.fault)
    ]
    seen = sum(bool(sight.by) for sight in sights)
    missed = sum(not sight.by and not sight.as_it_should_be for sight in sights)
    hidden = len(sights) - seen - missed
    return HEAD.format(all=len(sights), seen=seen, hidden=hidden, missed=missed) + "".join(rows)


def _by(sight: Sight, titles: dict[str, str]) -> str:
    if not sight.by or sight.fault is None:
        why = UNSEEN.get(sight.fault.name) if sight.fault else None
        return f"cannot be seen: {_cell(why)}" if why else "not seen yet"
    case = sight.by.split(" ")[1].rstrip(",")
    return f"{_cell(sight.by)}, {_cell(titles.get(case, ''))}"


def _cell(text: str) -> str:
    return visible(text).replace("|", "¦").replace("`", "'")
