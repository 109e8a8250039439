"""asyncio alone: after the handshake all bytes go back as they came, masked. It needs no package."""

from __future__ import annotations

import asyncio
import platform
import re
from typing import cast

from bench.end_to_end.load import accept_of
from bench.end_to_end.servers.serving import HOST, ready


class BareEcho(asyncio.Protocol):
    """One connection."""

    _head: bytes | None = b""
    """What has come of the request; None behind it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        if self._head is None:
            self._transport.write(data)
            return
        self._head += data
        if self._head.endswith(b"\r\n\r\n"):
            self._transport.write(_acceptance(self._head))
            self._head = None

    def pause_writing(self) -> None:
        """Read no more from a client that does not read its echoes."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._transport.resume_reading()


def _acceptance(request: bytes) -> bytes:
    key = re.findall(rb"Sec-WebSocket-Key: (\S+)", request)[0]
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return upgrade + b"Sec-WebSocket-Accept: " + accept_of(key) + b"\r\n\r\n"


async def main() -> None:
    """Serve."""
    server = await asyncio.get_running_loop().create_server(BareEcho, HOST, 0)
    ready(server.sockets[0].getsockname()[1], f"asyncio of Python {platform.python_version()}")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
