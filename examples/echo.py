"""What the echo servers over HTTP/2 and HTTP/3 answer to the events of a WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsproto import Connection, ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from wsproto.stream_handshake import StreamHandshake

PATHS = {"/", "/chat"}  # all others are 404


def answer(ws: Connection | StreamHandshake, event: Event) -> Event | None:
    """Return the event that answers one of the client's, if any does."""
    match event:
        case Request() if event.target.partition("?")[0] not in PATHS:
            print(f"refused {event.target!r}: 404", flush=True)
            return RejectConnection(status_code=404)
        case Request():
            print(f"accepted {event.target!r}", flush=True)
            return AcceptConnection(extensions=[PerMessageDeflate()])
        case TextMessage() | BytesMessage() if ws.state is ConnectionState.OPEN:
            return event  # each piece of a message goes back as a fragment: no message is held in memory
        case Ping():
            return event.response()
        case CloseConnection():
            print(f"closed with {event.code:d} {event.reason or ''!r}", flush=True)
            # After the end of the stream (1006) the state is CLOSED already: nobody is left to answer.
            if ws.state is ConnectionState.REMOTE_CLOSING:
                return event.response()
    return None
