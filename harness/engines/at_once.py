"""Plays several cases at once, in this process or in several, and tells of each when it begins and ends."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

from harness.engines.suite import Begun, Ended

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

    from harness.engines.suite import Step
    from harness.results import CaseReport


async def at_once(
    cases: Iterable[str],
    jobs: int,
    play: Callable[[str], Awaitable[CaseReport]],
    alone: Callable[[str], bool] = lambda _: False,
) -> AsyncGenerator[Step, None]:
    """Play cases, up to `jobs` at once; those that have to be `alone` come last, one after the other.

    With one job all are played in their order. Closing the generator ends the cases that are played.
    """
    steps: asyncio.Queue[Step | BaseException | None] = asyncio.Queue()
    cases = list(cases)
    parts = [(deque(cases), 1)]
    if jobs > 1:
        together, single = (deque(case for case in cases if alone(case) == last) for last in (False, True))
        parts = [(together, jobs), (single, 1)]

    async def work(waiting: deque[str]) -> None:
        while waiting:
            case = waiting.popleft()
            steps.put_nowait(Begun(case))
            steps.put_nowait(Ended(case, await play(case)))

    async def work_all() -> None:
        try:
            for waiting, most in parts:
                workers = [asyncio.ensure_future(work(waiting)) for _ in range(most)]
                try:
                    await asyncio.gather(*workers)
                finally:
                    for worker in workers:
                        worker.cancel()
                    await asyncio.gather(*workers, return_exceptions=True)
            steps.put_nowait(None)
        except Exception as error:  # noqa: BLE001  # whoever takes the steps gets it
            steps.put_nowait(error)

    working = asyncio.ensure_future(work_all())
    try:
        while (step := await steps.get()) is not None:
            if isinstance(step, BaseException):
                raise step
            yield step
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def merged(parts: Sequence[AsyncGenerator[Step, None]]) -> AsyncGenerator[Step, None]:
    """Yield the steps of several generators as they come; closing it closes all."""
    steps: asyncio.Queue[Step | BaseException | None] = asyncio.Queue()

    async def follow(part: AsyncGenerator[Step, None]) -> None:
        try:
            async with aclosing(part):
                async for step in part:
                    steps.put_nowait(step)
            steps.put_nowait(None)
        except Exception as error:  # noqa: BLE001  # whoever takes the steps gets it
            steps.put_nowait(error)

    following = [asyncio.ensure_future(follow(part)) for part in parts]
    try:
        left = len(parts)
        while left:
            step = await steps.get()
            if isinstance(step, BaseException):
                raise step
            if step is None:
                left -= 1
            else:
                yield step
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
