"""Looks for one planted fault after the other, with a few processes at once until one of them finds it."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fuzz.planted.child import ROOT
from fuzz.planted.detectors import command, turns
from fuzz.planted.fault import plant
from tooling.errors import CommandError
from tooling.guard import GUARD

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from fuzz.folders import Folders, Target
    from fuzz.planted.detectors import Found, Turn
    from fuzz.planted.fault import Fault

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """The result of the hunt for one fault."""

    fault: Fault
    found: Found | None
    seconds: float
    """From the start of the first process to the end of the one that found it."""
    cpu_seconds: float
    """Of all processes together."""


@dataclass
class Hunt:
    """The faults so far, and how they were looked for."""

    limit: int
    """Seconds for each fault."""
    jobs: int
    seed: int
    with_targets: bool
    """Whether the targets ran; they need atheris."""
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    """The load average of the machine when it began."""
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def missed(self) -> list[Outcome]:
        """The faults that nothing found."""
        return [outcome for outcome in self.outcomes if outcome.found is None]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return asdict(self)


def assert_can_be_planted(faults: Sequence[Fault]) -> None:
    """Raise a `CommandError` that names all of `faults` that have to be written anew."""
    problems = []
    for fault in faults:
        try:
            fault.planted()
        except CommandError as error:
            problems.append(str(error))
    if problems:
        raise CommandError("\n".join(problems))


def _of_python(targets: Sequence[Target]) -> list[Target]:
    """Leave out the target that needs the compiled core, which the copies lack: the faults are in Python."""
    return [target for target in targets if target.name != "cores"]


class Hunter:
    """Runs a hunt."""

    def __init__(self, folders: Folders, hunt: Hunt) -> None:
        self._folders = folders
        self._hunt = hunt
        self._targets: Sequence[Target] = _of_python(folders.targets()) if hunt.with_targets else ()

    def run(
        self, faults: Sequence[Fault], told: Callable[[Fault, Outcome | None], None], *, control: bool
    ) -> None:
        """Look for `faults`.

        :param told: is called before each fault with None, and after it with the outcome.
        :param control: whether to search the library without a fault first, for as long as for a fault.
        :raises CommandError: where a detector fails without a fault, or a fault cannot be planted.
        """
        assert_can_be_planted(faults)  # before the first minute, not after the last
        with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as seeds:
            for target in self._targets:
                self._folders.seed(target, Path(seeds, target.name))
            if control:
                _run_until_stopped(self._control(Path(seeds)))
            for fault in faults:
                told(fault, None)
                outcome = _run_until_stopped(self._look_for(fault, Path(seeds)))
                self._hunt.outcomes.append(outcome)
                told(fault, outcome)

    async def _control(self, seeds: Path) -> None:
        found = await self._found(None, seeds)
        if found is not None:
            raise CommandError(f"{found.by} fails without any fault: {found.message}")

    async def _look_for(self, fault: Fault, seeds: Path) -> Outcome:
        began, cpu = time.monotonic(), _cpu_seconds()
        found = await self._found(fault, seeds)
        return Outcome(fault, found, time.monotonic() - began, _cpu_seconds() - cpu)

    async def _found(self, fault: Fault | None, seeds: Path) -> Found | None:
        """Plant the fault, and let so many processes take turns until one finds it or the time is up."""
        with tempfile.TemporaryDirectory(prefix="fuzz-planted-") as folder:
            copy, work = _folders_for(fault, Path(folder))
            coming = turns(self._targets, seeds, work, self._hunt.seed)
            lanes = [asyncio.ensure_future(_take(coming, copy, work)) for _ in range(self._hunt.jobs)]
            try:
                done, _ = await asyncio.wait(
                    lanes, timeout=self._hunt.limit, return_when=asyncio.FIRST_COMPLETED
                )
                return done.pop().result() if done else None
            finally:
                for lane in lanes:
                    lane.cancel()
                await asyncio.gather(*lanes, return_exceptions=True)


def _folders_for(fault: Fault | None, folder: Path) -> tuple[Path, Path]:
    """Return a copy of the library with the fault in it, and a folder to work in, both in `folder`."""
    work = folder / "work"
    work.mkdir()
    return plant(fault, folder), work


def _run_until_stopped(work: Coroutine[None, None, T]) -> T:
    """Run `work`; SIGINT and SIGTERM end it in its own order, and are a KeyboardInterrupt then."""

    async def stoppable() -> T:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(stoppable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _take(coming: Iterator[Turn], copy: Path, work: Path) -> Found:
    """Take one turn after the other until one finds the fault."""
    while True:
        turn = next(coming)
        if (found := turn.judge(*await _run(command(copy, turn), copy, work))) is not None:
            return found


async def _run(arguments: Sequence[str], copy: Path, work: Path) -> tuple[int, str]:
    """Run a process, and return its exit code and its output; it and all that it started end with this."""
    process = await asyncio.create_subprocess_exec(
        *(*GUARD, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(copy), "TMPDIR": str(work), "COLUMNS": "1000"},
        start_new_session=True,
    )
    try:
        assert process.stdout is not None  # noqa: S101  # it was asked for
        said = (await process.stdout.read()).decode(errors="replace")
        return await process.wait(), said
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()  # which closes its pipes, too


def _cpu_seconds() -> float:
    """Return the processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
