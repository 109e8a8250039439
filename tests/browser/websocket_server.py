"""The example servers for HTTP/1.1 and HTTP/2, as a page wants them that tries all that `WebSocket` can do.

Run as `alpn_server.py` is, with the protocol before its options: `h2` or `http/1.1`. What a client asks
for decides: the subprotocol `chat` is chosen, and the text `close CODE REASON` is answered with that Close.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import asyncio_server
import echo
import http2_server
from command_line import server_arguments

from wsproto.events import AcceptConnection, CloseConnection, Event, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    import asyncio

    from wsproto import Connection
    from wsproto.limits import Limits
    from wsproto.stream_handshake import StreamHandshake


def chosen(event: Event) -> Event | None:
    """Return the answer to what a client asks for; None where the echo has one."""
    match event:
        case Request() if "chat" in event.subprotocols:
            return AcceptConnection(subprotocol="chat", extensions=[PerMessageDeflate()])
        case TextMessage() if event.data.startswith("close "):
            _, code, reason = event.data.split(" ", 2)
            return CloseConnection(code=int(code), reason=reason)
    return None


def answer(ws: Connection | StreamHandshake, event: Event) -> Event | None:
    return chosen(event) or echo.answer(ws, event)


class EchoConnection(asyncio_server.EchoConnection):
    def _answer(self, event: Event) -> bytes:
        reply = chosen(event)
        return self._ws.send(reply) if reply else super()._answer(event)


async def serve_http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
    print("HTTP/1.1", flush=True)
    await EchoConnection(reader, writer, limits).run()


async def serve_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
    print("HTTP/2", flush=True)
    await http2_server.serve_http2(reader, writer, limits)


if __name__ == "__main__":
    protocol = sys.argv.pop(1)
    setattr(http2_server, "answer", answer)  # noqa: B010  # mypy wants no name there that it imports
    serve = serve_http2 if protocol == "h2" else serve_http1
    sys.exit(asyncio_server.run(serve, server_arguments(sys.argv[0], "", alpn=[protocol])))
