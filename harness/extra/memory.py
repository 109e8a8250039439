"""Watches how far the memory of a peer grows: of the process that has a TCP port open."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERVAL = 0.005
"""Seconds between two looks; inflating a bomb takes a tenth of a second at least."""

_found: dict[int, psutil.Process] = {}
"""Those that were found, by their id: to look through all of a machine takes 20 ms."""

_instead: dict[int, int] = {}
"""Processes that only pass bytes on, and the peers behind them."""


def watch_instead(relay: int, peer: int) -> None:
    """Watch a peer in place of the process that passes its bytes on; both by their ids."""
    _instead[relay] = peer


class MemoryWatch:
    """Notes the largest resident size of a process between `start` and `stop`."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before = self._most = 0
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of_listener(cls, port: int | None) -> MemoryWatch | None:
        """Find the process that listens at a port of this machine; None where this process sees none."""
        return cls._of(port, psutil.CONN_LISTEN)

    @classmethod
    def of_connection(cls, port: int | None) -> MemoryWatch | None:
        """Find the process that has a connection from a port of this machine."""
        return cls._of(port, psutil.CONN_ESTABLISHED)

    @classmethod
    def _of(cls, port: int | None, status: str) -> MemoryWatch | None:
        def is_it(connection: Any) -> bool:
            return bool(connection.status == status and connection.laddr and connection.laddr.port == port)

        for process in _found.values():
            with suppress(psutil.Error):  # it is gone
                if any(map(is_it, process.net_connections("tcp"))):
                    return cls(_behind(process))
        with suppress(psutil.Error):
            for connection in filter(is_it, psutil.net_connections("tcp")):
                if connection.pid:
                    process = _found[connection.pid] = psutil.Process(connection.pid)
                    return cls(_behind(process))
        return None

    @contextmanager
    def instead_of_this_process(self) -> Iterator[None]:
        """Watch it where this process would be found, which passes its bytes on in the meantime."""
        watch_instead(os.getpid(), self._process.pid)
        try:
            yield
        finally:
            del _instead[os.getpid()]

    def start(self) -> None:
        """Look from now on, again and again."""
        self._before = self._most = self._size()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> int:
        """Stop looking, and return by how many bytes the process grew at most."""
        assert self._task is not None  # noqa: S101  # start() was called
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._most = max(self._most, self._size())
        return self._most - self._before

    async def _watch(self) -> None:
        while True:
            self._most = max(self._most, self._size())
            await asyncio.sleep(INTERVAL)

    def _size(self) -> int:
        with suppress(psutil.Error):
            return int(self._process.memory_info().rss)
        return 0


def _behind(process: psutil.Process) -> psutil.Process:
    return psutil.Process(_instead[process.pid]) if process.pid in _instead else process
