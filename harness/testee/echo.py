"""The glue between asyncio and wsproto: a connection that sends every message back."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from harness.testee.variants import CONFIGURATIONS, Configuration
from wsproto import ConnectionState, ConnectionType, WSConnection, __version__
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
from wsproto.messages import MessageJoiner
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_MESSAGE_SIZE = 16 * 2**20
"""Bytes in the longest message that is echoed, by default: the longest that Autobahn sends (9.1.6, 9.2.6)."""

CLOSE_TIMEOUT = 5.0
"""Seconds that the peer has to send its Close, and a server to end the TCP connection."""

DEFAULT = CONFIGURATIONS["default"]

AGENT = f"wsproto/{__version__}"


class EchoConnection(asyncio.Protocol):
    """A server's end of one connection; `EchoClient` is the client's.

    The library's answers to one read go out in one write: a write for each message would cost a system call,
    and without TCP_NODELAY the second would wait for the peer's delayed acknowledgement of the first.

    :param note: gets a line for each thing that happens, which begins with the peer's address.
    """

    role = ConnectionType.SERVER
    close_timeout = CLOSE_TIMEOUT

    def __init__(
        self,
        max_message_size: int = MAX_MESSAGE_SIZE,
        note: Callable[[str], None] | None = None,
        configuration: Configuration = DEFAULT,
    ) -> None:
        self.configuration = configuration
        self.ws = WSConnection(self.role, limits=configuration.limits(max_message_size))
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joiner = MessageJoiner(max_message_size)
        self._deadline: asyncio.TimerHandle | None = None
        self._tell = note
        self._failed = False  # what the peer sends then is not processed (RFC 6455 7.1.7)
        self._peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and let no small write wait for an acknowledgement."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port, *_ = self.transport.get_extra_info("peername") or ("somebody", "?")
        self._peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._note("came")

    def data_received(self, data: bytes) -> None:
        """Answer the peer's bytes; after the closing handshake there is nothing to answer."""
        if not self.closed:
            self._receive(data)

    def eof_received(self) -> bool | None:
        """Tell the library; the transport writes what is left and then closes, as this returns None."""
        if not self.closed:
            self._receive(None)
        return None

    def pause_writing(self) -> None:
        """Read no more from a peer that does not read its echoes."""
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Tell the waiting program that nothing more comes; a reset is an end like another."""
        self.transport.close()  # or Python 3.10 warns of a TLS transport that its peer closed
        if self._deadline is not None:
            self._deadline.cancel()
        if not self.lost.done():
            self.lost.set_result(None)
        self._note("has gone")

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake where that is still possible, else end the connection."""
        if self.ws.state is ConnectionState.OPEN:
            self.transport.write(self.ws.send(CloseConnection(code, reason)))
            self._close_later()
        else:
            self.transport.close()

    @property
    def closed(self) -> bool:
        """Whether the closing handshake is over, or there was no WebSocket connection to close."""
        return self.ws.state is ConnectionState.CLOSED

    def received(self, message: TextMessage | BytesMessage) -> bytes:
        """Return the bytes that answer a whole message."""
        return self.ws.send(message)

    def accept(self, request: Request) -> AcceptConnection:  # noqa: ARG002  # for subclasses
        """Return the answer to a client's request."""
        return AcceptConnection(
            extensions=self.configuration.accepts(),
            extra_headers=[(b"Server", AGENT.encode())],
        )

    def accepted(self, request: Request) -> bytes:
        """Return the bytes that accept a client's request."""
        return self.ws.send(self.accept(request))

    def opened(self) -> bytes:
        """Return the bytes that go out as soon as the connection is open."""
        return b""

    def _receive(self, data: bytes | None) -> None:
        replies: list[bytes] = []
        try:
            self.ws.receive_data(data)
            replies.extend(self._reply(event) for event in self.ws.events())
        except RemoteProtocolError as error:
            replies.append(self._refuse(error))
        self.transport.write(b"".join(replies))
        if self.closed:
            self._finish()
        elif self.ws.state is ConnectionState.LOCAL_CLOSING:
            self._close_later()

    def _reply(self, event: Event) -> bytes:
        match event:
            case Request():
                self._note(f"opened {event.target!r}")
                return self.accepted(event) + self.opened()
            case AcceptConnection():
                return self.opened()
            case TextMessage() | BytesMessage() if self.ws.state is ConnectionState.OPEN:
                return self._join(event)
            case Ping() if not self._failed:
                return self.ws.send(event.response())
            case CloseConnection() if not self.closed:
                broken = self.ws.protocol_error
                self._note(
                    f"was failed with {event.code}: {broken}" if broken else f"closed with {event.code}"
                )
                return self.ws.send(event.response())
            case _:
                return b""

    def _join(self, piece: TextMessage | BytesMessage) -> bytes:
        try:
            message = self._joiner.join(piece)
        except RemoteProtocolError as error:  # longer than max_message_size
            return self._refuse(error)
        return b"" if message is None else self.received(message)

    def _refuse(self, error: RemoteProtocolError) -> bytes:
        """Send the error's hint: a rejection of the handshake, or a Close."""
        match error.event_hint:
            case RejectConnection() as hint:
                self._note(f"was refused with {hint.status_code}: {error}")
                # Nothing is read after a refusal, and the server has to say so (RFC 9112 9.6).
                return self.ws.send(replace(hint, headers=[*hint.headers, (b"Connection", b"close")]))
            case CloseConnection() as hint:
                self._failed = True
                self._note(f"was failed with {hint.code}: {error}")
                return self.ws.send(hint)
        self._note(f"was dropped: {error}")
        return b""

    def _finish(self) -> None:
        """End the TCP connection, as the server has to (RFC 6455 7.1.1).

        It ends its own direction first: closing a socket with unread input resets the connection, and the
        peer loses what it has not yet read. TLS cannot end one direction alone: asyncio writes what is left,
        then closes.
        """
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
        self._close_later()

    def _note(self, what: str) -> None:
        if self._tell is not None:
            self._tell(f"{self._peer} {what}")

    def _close_later(self) -> None:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(self.close_timeout, self.transport.abort)
