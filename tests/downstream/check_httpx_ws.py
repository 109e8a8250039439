"""httpx-ws as client: HTTPX does the opening handshake, `Connection` the rest."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import httpx_ws
from downstream_exchange import Abilities, check_client, run_check
from downstream_peers import HOST, TIMEOUT_SECONDS, Closed, Data, joined, message_event

from wsproto.events import BytesMessage, TextMessage

if TYPE_CHECKING:
    from collections.abc import Iterator


class HttpxEndpoint:
    """A session of httpx-ws."""

    def __init__(self, session: httpx_ws.WebSocketSession) -> None:
        self._session = session

    def send(self, data: Data) -> None:
        if isinstance(data, str):
            self._session.send_text(data)
        else:
            self._session.send_bytes(data)

    def send_fragments(self, pieces: list[Data]) -> None:
        for piece in pieces[:-1]:
            self._session.send(message_event(piece, finished=False))
        self._session.send(message_event(pieces[-1]))

    def receive(self) -> Data:
        pieces: list[Data] = []
        while True:
            try:
                event = self._session.receive(TIMEOUT_SECONDS)
            except httpx_ws.WebSocketDisconnect as error:
                raise Closed(error.code, error.reason) from error
            if not isinstance(event, TextMessage | BytesMessage):
                raise TypeError(f"httpx-ws gave {event!r} for a message")
            pieces.append(event.data)
            if event.message_finished:
                return joined(pieces)

    def ping(self, payload: bytes) -> None:
        if not self._session.ping(payload).wait(TIMEOUT_SECONDS):
            raise TimeoutError(f"no pong {payload!r} within {TIMEOUT_SECONDS:g} seconds")

    def close(self, code: int, reason: str) -> None:
        self._session.close(code, reason)

    def compressed(self) -> bool | None:
        assert self._session.response is not None
        return "sec-websocket-extensions" in self._session.response.headers

    def traffic(self) -> int | None:
        return None


@contextmanager
def httpx_client(port: int) -> Iterator[HttpxEndpoint]:
    """Connect with httpx-ws."""
    session: httpx_ws.WebSocketSession
    with (
        httpx.Client(timeout=TIMEOUT_SECONDS) as client,
        httpx_ws.connect_ws(f"http://{HOST}:{port}/", client, max_message_size_bytes=2**21) as session,
    ):
        yield HttpxEndpoint(session)


# httpx-ws offers no extension.
run_check("httpx-ws", check_client(httpx_client, Abilities(compression=False)))
