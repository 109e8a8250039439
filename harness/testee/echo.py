"""The glue between asyncio and wsproto: a connection that sends every message back."""

from __future__ import annotations

import asyncio
import socket
import sys
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, cast

from harness.testee.modes import Mode
from harness.testee.variants import CONFIGURATIONS, Configuration
from wsproto import ConnectionState, ConnectionType, Ending, WSConnection, __version__
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    TextMessage,
)
from wsproto.messages import MessageJoiner
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MAX_MESSAGE_SIZE = 16 * 2**20
"""Bytes in the longest message that is echoed, by default: the longest that Autobahn sends (9.1.6, 9.2.6)."""

LARGE = 2**18
"""Bytes of a message that a server sends in two writes, its payload without a copy.

In microseconds of CPU over TCP, against one write: on Python 3.11 16 (15) for 64 KiB, 48 (56) for 256 KiB and
218 (248) for 1 MiB; on Python 3.13 18 (14), 57 (70) and 232 (316). `writelines` costs 178 for 1 MiB on Python
3.13, but 312 on 3.11, where it joins its parts, and loses below.
"""

CLOSE_TIMEOUT = 5.0
"""Seconds that the peer has to send its Close, and a server to end the TCP connection."""

DEFAULT = CONFIGURATIONS["default"]

AGENT = f"wsproto/{__version__}"


class WebSocket(Protocol):
    """What an echo needs of a `WSConnection`, and of what stands in its place over HTTP/2 and HTTP/3."""

    @property
    @abstractmethod
    def state(self) -> ConnectionState:
        """What has happened on the connection so far."""

    @property
    @abstractmethod
    def ending(self) -> Ending:
        """Whether this side is to end the transport now, and how."""

    @property
    @abstractmethod
    def protocol_error(self) -> RemoteProtocolError | None:
        """How the peer broke the protocol, where it did."""

    @abstractmethod
    def send(self, event: Event) -> bytes:
        """Return the bytes to send."""

    @abstractmethod
    def send_parts(self, event: Event) -> tuple[bytes, bytes]:
        """Return the same in two parts."""

    @abstractmethod
    def receive_data(self, data: bytes | None) -> None:
        """Take in what came."""

    @abstractmethod
    def events(self) -> Iterator[Event]:
        """Yield what it means."""


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
        self.bound_messages(max_message_size)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.mode = Mode()
        self._replies: list[bytes] = []
        """The answers to one read."""
        self._rest: Sequence[Event] = ()
        """The fragments that wait for a pong, a Close, or another message."""
        self._deadline: asyncio.TimerHandle | None = None
        self._tell = note
        self._failed = False  # what the peer sends then is not processed (RFC 6455 7.1.7)
        self._peer = ""

    def bound_messages(self, size: int) -> None:
        """Take messages of up to so many bytes; to be called before the handshake."""
        self.ws: WebSocket = WSConnection(self.role, limits=self.configuration.limits(size))
        self._joiner = MessageJoiner(size if self.configuration.joiner_bounds else sys.maxsize)

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
        """Return the bytes that answer a whole message, as the mode says."""
        before = self._send_rest()
        answers: list[Event] = [*self.mode.answers(message)]
        if ping := self.mode.ping_within:
            answers, self._rest = [answers[0], ping], answers[1:]
        match answers:
            case [TextMessage() | BytesMessage() as large] if len(large.data) >= LARGE:
                header, payload = self.ws.send_parts(large)
                self._replies += before, header
                return payload
        return before + b"".join(map(self.ws.send, answers))

    def opening(self) -> Iterable[Event]:
        """List what is sent as soon as the connection is open, as the mode says."""
        return self.mode.opening()

    def _opened(self) -> bytes:
        return b"".join(map(self._try_to_send, self.opening()))

    def _try_to_send(self, event: Event) -> bytes:
        """Return the bytes of an event, or none where the library refuses it."""
        try:
            return self.ws.send(event)
        except LocalProtocolError:
            return b""

    def _send_rest(self) -> bytes:
        rest, self._rest = self._rest, ()
        return b"".join(map(self.ws.send, rest))

    def _receive(self, data: bytes | None) -> None:
        self._answer(self._received(data))

    def _received(self, data: bytes | None) -> Iterator[Event]:
        self.ws.receive_data(data)
        yield from self.ws.events()

    def _answer(self, events: Iterator[Event]) -> None:
        replies = self._replies = []
        try:
            for event in events:
                replies.append(self._reply(event))  # noqa: PERF401 - a large one puts its header before itself
        except RemoteProtocolError as error:
            replies.append(self._refuse(error))
        has_large = any(len(reply) >= LARGE for reply in replies)
        for data in replies if has_large else [b"".join(replies)]:
            self.transport.write(data)
        if self.ws.ending is not Ending.NONE:
            self._finish()
        elif self.closed or self.ws.state is ConnectionState.LOCAL_CLOSING:
            self._close_later()

    def _reply(self, event: Event) -> bytes:
        match event:
            case AcceptConnection():
                return self._opened()
            case TextMessage() | BytesMessage() if self.ws.state is ConnectionState.OPEN:
                return self._join(event)
            case Ping() if not self._failed:
                return self.ws.send(event.response())
            case Pong():
                return self._send_rest()
            case CloseConnection() if not self.closed:
                broken = self.ws.protocol_error
                self._note(
                    f"was failed with {event.code}: {broken}" if broken else f"closed with {event.code}"
                )
                return (b"" if broken else self._send_rest()) + self.ws.send(event.response())
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
        """End the TCP connection, its own direction first.

        Closing a socket with unread input resets the connection, and the peer loses what it has not yet read.
        TLS cannot end one direction alone: asyncio writes what is left, then closes.
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
