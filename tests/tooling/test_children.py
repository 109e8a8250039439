"""Child processes: ended, with all that they started, whatever happens to who waits for that."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import all_end
from tooling import children

if TYPE_CHECKING:
    from pathlib import Path

SLOW_TO_END = """
import signal, sys, time
def end(*_):
    time.sleep(0.5)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""

LEAVES_ANOTHER = """
import os, subprocess, sys
held = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdin=subprocess.DEVNULL)
print(held.pid, flush=True)
"""


def test_a_child_is_ended_though_who_ends_it_is_cancelled_twice(tmp_path: Path) -> None:
    """Two roles of a run failed at once: each cancelled the other while it ended its children."""
    pids: list[int] = []
    begun = asyncio.Event()

    async def work() -> None:
        async with children.start("slow", [sys.executable, "-c", SLOW_TO_END], tmp_path / "log") as child:
            async for _ in child.lines():
                pids.append(child.pid)
                begun.set()
                await asyncio.sleep(600)

    async def main() -> None:
        task = asyncio.ensure_future(work())
        await begun.wait()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ProcessLookupError):
            os.kill(pids[0], 0)

    asyncio.run(main())
    assert not (tmp_path / "log").exists()


def test_what_a_child_leaves_behind_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the standard output of the child open, whose end is waited for."""
    monkeypatch.setattr(children, "STOP_TIMEOUT", 0.5)
    left: set[int] = set()

    async def main() -> None:
        command = [sys.executable, "-c", LEAVES_ANOTHER]
        async with children.start("parent", command, tmp_path / "log") as child:
            async for line in child.lines():
                left.add(int(line))
                break
            assert await child.ended() == 0

    asyncio.run(main())
    assert len(left) == 1
    assert all_end(left)
