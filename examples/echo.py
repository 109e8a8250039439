"""What the echo servers over HTTP/2 and HTTP/3 answer to the events of a WebSocket."""

from __future__ import annotations

from dataclasses import replace
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
    from collections.abc import Iterator

    from wsproto.stream_handshake import StreamHandshake

PATHS = {"/", "/chat"}  # all others are 404


def gathered(events: Iterator[Event]) -> Iterator[Event]:
    """Join the pieces of a message that came together: as fragments of their own they would cost more."""
    pieces: list[TextMessage | BytesMessage] = []
    for event in events:
        if isinstance(event, TextMessage | BytesMessage):
            pieces.append(event)
            if not event.message_finished:
                continue
            yield _joined(pieces)
        else:
            yield from [_joined(pieces)] if pieces else []
            yield event
        pieces = []
    if pieces:
        yield _joined(pieces)


def _joined(pieces: list[TextMessage | BytesMessage]) -> Event:
    last = pieces[-1]
    if isinstance(last, TextMessage):
        return replace(last, data="".join(piece.data for piece in pieces if isinstance(piece, TextMessage)))
    return replace(last, data=b"".join(piece.data for piece in pieces if isinstance(piece, BytesMessage)))


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
