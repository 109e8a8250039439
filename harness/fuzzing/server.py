"""Plays sequences against a server that may die, hang, or use more and more memory, and says which did it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import psutil

from harness.endpoints.reach import UnreachableError
from harness.fuzzing.judging import Fault, judge
from harness.fuzzing.player import Player
from harness.fuzzing.sequence import Sent, Sequence
from tooling.frames import MASK, TEXT

if TYPE_CHECKING:
    from pathlib import Path

    from harness.endpoints.endpoint import Endpoint

HELLO = Sequence(frames=(Sent(TEXT, b"Hello", mask=MASK),))
"""What every server has to take, at any time."""

SETTLED = 0.05
"""Seconds after which the end of a process shows that has ended a connection."""

LEAK = 4 * 2**20
"""Bytes by which the memory has to grow in each of two rounds of the same connections."""

ROUND = 100
"""Connections in such a round."""


@dataclass
class Server:
    """A server under test, and the one process of it, where it was started here.

    :param limit: bytes in the longest message that it has to take.
    """

    endpoint: Endpoint
    log: Path
    patience: float
    limit: int
    plays: int = 0
    """How many connections there were."""

    async def play(self, sequence: Sequence, patience: float = 0) -> Fault | None:
        """Play a sequence, and judge it; a process that was started here, and is dead, is a fault, too."""
        target = await self.endpoint.ensure(self.log)
        player = Player(target.place, patience or self.patience, self.limit)
        self.plays += 1
        try:
            played = await player.play(sequence)
        except UnreachableError as error:
            came = f"The next connection failed: {error}."
            return await self._crash() or Fault("crash", "refused", came, error.slow)
        if played.seen.ended and not played.seen.close:
            await asyncio.sleep(SETTLED)
        return await self._crash() or judge(played)

    async def verdict(self, sequence: Sequence, patience: float) -> Fault | None:
        """Play a sequence as often as it wants, then see whether the server still takes a connection."""
        if sequence.times > 1:
            return await self.leak(sequence, sequence.times // 3)
        fault = await self.play(sequence, patience)
        if fault and fault.rule == "crash":
            return fault
        after = await self.play(HELLO, self.patience if fault else patience)
        if after is None or not (after.rule in {"crash", "no answer"} or (after.slow and fault is None)):
            return fault
        if self.endpoint.command:
            await self.restart()
        shape = fault.shape if fault else "nothing wrong"
        return Fault(
            "crash", "the next one", f"The next connection failed, after {shape}: {after.came}", slow=True
        )

    async def restart(self) -> None:
        """End the process, so that the next play starts it again."""
        await self.endpoint.stop()

    def memory(self) -> int:
        """Return the bytes of the process and its children; 0 where it was not started here."""
        child = self.endpoint.child
        total = 0
        if child is None or not child.alive():
            return 0
        with suppress(psutil.Error):
            process = psutil.Process(child.pid)
            for one in [process, *process.children(recursive=True)]:
                with suppress(psutil.Error):
                    total += int(one.memory_info().rss)
        return total

    async def leak(self, sequence: Sequence, size: int = ROUND) -> Fault | None:
        """Play a sequence in three rounds, and look if the memory grows in the second and in the third."""
        sizes = []
        for _ in range(3):
            for _ in range(size):
                await self.play(sequence)
            sizes.append(self.memory())
        growth = [after - before for before, after in pairwise(sizes)]
        if min(growth) < LEAK or not sizes[0]:
            return None
        each = ", ".join(f"{grown / 2**20:.0f} MiB" for grown in growth)
        return Fault("memory", "a connection", f"Its memory grew by {each} in rounds of {size} connections.")

    async def _crash(self) -> Fault | None:
        """Say how the process has ended, if it has."""
        child = self.endpoint.child
        if child is None or child.alive():
            return None
        death = child.death(await child.ended())
        last = death.log.splitlines()[-1:]
        return Fault("crash", "ended", f"{death.what}{': ' if last else ''}{''.join(last)}.")
