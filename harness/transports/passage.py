"""One WebSocket through the bridge: a TCP connection with HTTP/1.1 on one side, a stream on the other.

Until the handshake is over each direction has a class of its own; behind it the bytes pass. A side is
credited for its bytes when the other has taken them, so that what a passage holds is bounded.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from harness.extra.heads import take_head
from harness.transports.heads import (
    asks_for_websocket,
    refusal,
    request_head,
    request_headers,
    response_head,
    response_headers,
    status_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from harness.extra.heads import Head
    from harness.transports.heads import Headers

LONGEST_HEAD = 2**16
"""Bytes of a head of HTTP/1.1."""

TAKEN = 17 * 2**20
"""Bytes for a suite that may wait in the bridge: kosoku reads nothing while it sends a message, of up to
16 MiB (9.1.6), and a testee may send it back piece by piece. Behind that nothing more is taken."""

_LINGER = struct.pack("ii", 1, 0)


class Stream(Protocol):
    """A stream of HTTP/2 or HTTP/3. What is done to a stream that is over has no effect."""

    def send_headers(self, headers: Headers, *, end: bool = False) -> None:
        """Send a header section."""

    def send(self, data: bytes) -> None:
        """Send DATA, as soon as the peer has room for it."""

    def end(self) -> None:
        """End this side, behind all that was sent: END_STREAM, FIN."""

    def reset(self) -> None:
        """End both sides at once, with CANCEL (RFC 8441 5, RFC 9220 3)."""

    def credit(self, count: int) -> None:
        """Let the peer send that many bytes more."""

    @property
    @abstractmethod
    def full(self) -> bool:
        """Whether so much waits for the peer that nothing more should be sent, until `drained` is called."""


class Carrier(Protocol):
    """A connection of HTTP/2 or HTTP/3, to a server."""

    @property
    @abstractmethod
    def usable(self) -> bool:
        """Whether it takes another stream."""

    @abstractmethod
    def open(self, passage: Passage) -> Stream:
        """Open a stream, whose events go to a passage."""

    async def leave(self) -> None:
        """End the connection, and reset what its streams lead to."""


class Passage(asyncio.Protocol):
    """The TCP connection; the stream calls what stands below it."""

    stream: Stream | None = None
    opened = False
    """Whether the handshake is over, and the bytes pass."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._head = bytearray()
        self._held = 0
        """Bytes of the stream that were not credited, since TCP takes no more."""
        self._stalled = False
        self._tcp_ended = self._stream_ended = False
        self._tasks: set[asyncio.Task[None]] = set()

    # The TCP connection:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; no small write waits for an acknowledgement."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(TAKEN)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, or read the head."""
        if not self.opened:
            self._head += data
            self._read_head()
        elif self.stream:
            self.stream.send(data)
            if self.stream.full:
                self._read(go_on=False)

    def _read_head(self) -> None:
        raise NotImplementedError

    def eof_received(self) -> bool:
        """Pass the end of this direction on; the other stays open."""
        self._tcp_ended = True
        if self.stream:
            self.stream.end()
        if self._stream_ended or not self.stream:
            self._close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # that the stream is not over says enough
        """Reset the stream, unless it has come to its end."""
        if self.stream and not (self._tcp_ended and self._stream_ended):
            self.stream.reset()
        self._resume()

    def pause_writing(self) -> None:
        """Give the stream no window."""
        self._stalled = True

    def resume_writing(self) -> None:
        """Give it what it has not got."""
        self._resume()

    def _resume(self) -> None:
        self._stalled = False
        held, self._held = self._held, 0
        if held and self.stream:
            self.stream.credit(held)

    # The stream:

    def headers_came(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Take a header section."""
        raise NotImplementedError

    def data_came(self, data: bytes, count: int) -> None:
        """Pass DATA on, which used up `count` bytes of window."""
        self._write(data)
        if self._stalled:
            self._held += count
        elif self.stream:
            self.stream.credit(count)

    def stream_ended(self) -> None:
        """Pass the end of the peer's side on."""
        self._stream_ended = True
        if self._tcp_ended:
            self._close()
        elif self._transport and not self._transport.is_closing():
            with suppress(OSError):  # it was reset
                self._transport.write_eof()

    def stream_reset(self) -> None:
        """End TCP by RST."""
        if self._transport and not self._transport.is_closing():
            with suppress(OSError):
                self._transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _LINGER
                )
            self._transport.abort()

    def drained(self) -> None:
        """Read TCP on, unless it waits for an answer."""
        if self.opened:
            self._read(go_on=True)

    # Both:

    def _write(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def _read(self, *, go_on: bool) -> None:
        if self._transport and not self._transport.is_closing():
            (self._transport.resume_reading if go_on else self._transport.pause_reading)()

    def _close(self) -> None:
        if self._transport:
            self._transport.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            context = {"message": "a passage failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)


class FromSuite(Passage):
    """A suite has come over HTTP/1.1: the passage goes on to a server under test."""

    def __init__(self, dial: Callable[[], Awaitable[Carrier]], scheme: str, authority: str) -> None:
        super().__init__()
        self._dial, self._scheme, self._authority = dial, scheme, authority
        self._request: Head | None = None
        self._refused = False

    def _read_head(self) -> None:
        if self._request or self._refused:
            return  # it waits for the answer, and reads on behind it
        self._request = take_head(self._head)
        if self._request:
            self._read(go_on=False)
            self._do(self._ask(self._request))
        elif len(self._head) > LONGEST_HEAD:
            self._refuse(431)

    async def _ask(self, request: Head) -> None:
        try:
            carrier = await self._dial()
        except OSError:
            self._refuse(502)
            return
        if self._transport and not self._transport.is_closing():
            self.stream = carrier.open(self)
            self.stream.send_headers(request_headers(request, self._scheme, self._authority))

    def _refuse(self, status: int) -> None:
        self._refused = True
        self._write(refusal(status).encode())
        self._close()

    def headers_came(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Pass the answer on; a later header section has no place in a tunnel (RFC 9113 8.5)."""
        status = status_of(headers)
        if 100 <= status < 200:
            return
        if self.opened or self._refused or not self.stream or not self._request:
            if self.stream:
                self.stream.reset()
            self.stream_reset()
            return
        self._write(response_head(headers, self._request).encode())
        self.opened = 200 <= status < 300
        self._refused = not self.opened
        if self.opened:
            if self._head:  # frames that came with the request
                self.stream.send(bytes(self._head))
                self._head.clear()
            if not self.stream.full:
                self._read(go_on=True)

    def stream_ended(self) -> None:
        """Close behind a refusal, or where no answer came."""
        if self.opened:
            super().stream_ended()
            return
        self._stream_ended = self._tcp_ended = True
        if self.stream:
            self.stream.end()
        self._close()


class ToSuite(Passage):
    """A client under test has come with a stream: the passage goes on to a suite over HTTP/1.1."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._host, self._port = host, port
        self._asked: Sequence[tuple[bytes, bytes]] = ()
        self._request: Head | None = None
        self._answered = False

    def headers_came(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Ask the suite; a later header section has no place in a tunnel (RFC 9113 8.5)."""
        if self._request and self.stream:
            self.stream.reset()
            self.stream_reset()
        elif not asks_for_websocket(headers):
            self._answer(501)
        else:
            self._asked = headers
            self._request = request_head(headers, f"{self._host}:{self._port}")
            self._do(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, self._host, self._port)
        except OSError:
            self._answer(502)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask, with the frames behind it that have come meanwhile."""
        super().connection_made(transport)
        assert self._request  # noqa: S101  # it led here
        early, self._head = self._head, bytearray()
        self._write(self._request.encode() + early)
        if self._stream_ended:
            self.stream_ended()

    def data_came(self, data: bytes, count: int) -> None:
        """Pass DATA on; what comes before the connection waits, and is not credited."""
        if self._transport:
            super().data_came(data, count)
        else:
            self._head += data
            self._held += count

    def _read_head(self) -> None:
        if self._answered or not self.stream:
            return
        response = take_head(self._head)
        if response:
            self._answered = self.opened = True  # a body passes as well
            self.stream.send_headers(response_headers(response, self._asked))
            self._resume()
            if self._head:
                rest = bytes(self._head)
                self._head.clear()
                self.data_received(rest)
        elif len(self._head) > LONGEST_HEAD:
            self._answer(502)
            self._close()

    def _answer(self, status: int) -> None:
        if self.stream and not self._answered:
            self._answered = self._tcp_ended = True
            self.stream.send_headers([(b":status", str(status).encode())], end=True)

    def eof_received(self) -> bool:
        """Answer for a suite that ends without an answer."""
        if not self._answered:
            self._answer(502)
            self._close()
            return True
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer for a suite that resets the connection instead."""
        if self._answered:
            super().connection_lost(exc)
        else:
            self._answer(502)
            self._resume()
