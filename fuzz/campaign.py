"""Fuzzes many targets, several at once."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
from typing import TYPE_CHECKING

from fuzz.fuzzer import Fuzzer
from fuzz.results import Results
from tooling.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzz.folders import Folders, Target
    from fuzz.progress import Progress
    from fuzz.results import TargetResult

TICK = 0.25
"""Seconds between two looks at the progress."""


def has_atheris() -> bool:
    """Tell whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


def require_atheris() -> None:
    """Raise `MissingError` where atheris is missing; listing and replaying do without."""
    if not has_atheris():
        raise MissingError(
            "atheris is not installed: python -m pip install '.[fuzz]', on Python 3.11 to 3.14"
        )


def processors() -> int:
    """Return the number of processors that this process may use."""
    return os.cpu_count() or 1


def run(folders: Folders, targets: Sequence[Target], seconds: int, jobs: int, progress: Progress) -> Results:
    """Fuzz each target for so many seconds, `jobs` targets at once.

    Targets that have no corpus are seeded. SIGINT and SIGTERM end it early; the results
    then hold the findings so far. Raises `CommandError` where a folder cannot be written to.
    """
    require_atheris()
    folders.check_writable(targets)
    for target in targets:
        _ = target.options  # wrong ones show before the first second
        if not target.inputs():
            progress.say(f"{target.name}: {folders.seed(target)} seeds written")
    return asyncio.run(_run(folders, targets, Results(seconds, jobs), progress))


async def _run(folders: Folders, targets: Sequence[Target], results: Results, progress: Progress) -> Results:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    places = asyncio.Semaphore(results.jobs)

    async def one(target: Target) -> TargetResult:
        fuzzer = Fuzzer(folders, target, results.seconds, progress, stop)
        async with places:
            if stop.is_set():
                fuzzer.result.status = "interrupted"
                return fuzzer.result
            return await fuzzer.run()

    tasks = [asyncio.ensure_future(one(target)) for target in targets]
    ticking = asyncio.ensure_future(_tick(progress))
    try:
        results.targets = await asyncio.gather(*tasks)
    finally:
        ticking.cancel()
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    results.interrupted = any(target.status == "interrupted" for target in results.targets)
    return results


async def _tick(progress: Progress) -> None:
    """Show the progress, also while libFuzzer prints nothing."""
    while True:
        await asyncio.sleep(TICK)
        progress.tick()
