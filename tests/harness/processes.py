"""Which processes there are."""

from __future__ import annotations

import os
import subprocess
import time

from tests.harness.serving import TIMEOUT


def children_of(parent: int) -> set[int]:
    return {pid for pid, ppid, _ in _listing() if ppid == parent}


def descendants_of(ancestor: int) -> dict[int, str]:
    """Give the command line of each child, and of their children."""
    listing = _listing()
    found: dict[int, str] = {}
    parents = {ancestor}
    while parents:
        children = {pid: line for pid, ppid, line in listing if ppid in parents}
        found |= children
        parents = set(children)
    return found


def all_end(pids: set[int]) -> bool:
    until = time.monotonic() + TIMEOUT
    while any(map(_runs, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(_runs, pids))


def _listing() -> list[tuple[int, int, str]]:
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.split(maxsplit=2) for line in listing.stdout.splitlines())
    return [(int(pid), int(ppid), line) for pid, ppid, line in rows]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
