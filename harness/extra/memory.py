"""Watches how far the memory of a peer grows: of the process that has a TCP port open."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psutil

INTERVAL = 0.005
"""Seconds between two looks; inflating a bomb takes a tenth of a second at least."""


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
        with suppress(psutil.Error):
            for connection in psutil.net_connections("tcp"):
                address = connection.laddr
                if connection.pid and connection.status == status and address and address.port == port:
                    return cls(psutil.Process(connection.pid))
        return None

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
