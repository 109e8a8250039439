"""A WebSocket echo server on asyncio streams.

    python asyncio_server.py [--certificate FILE [--key FILE]] [--max-message-size BYTES] [HOST PORT]

Port 0 takes a free port; the first line of output names it. Ctrl-C or SIGTERM ends the server: it closes
every connection with 1001, and its exit status is 0.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from command_line import ServerArguments, server_arguments

from wsproto import ConnectionState, ConnectionType, Ending, WSConnection
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
from wsproto.utilities import RemoteProtocolError

PATHS = {"/", "/chat"}  # all others are 404
RECEIVE_BYTES = 65536
WRITE_BYTES = 2**20  # a read that inflates to more than this is answered in several writes
HANDSHAKE_SECONDS = 10.0
LINGER_SECONDS = 2.0  # for the client's Close when the server stops, and for its end of file


if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wsproto.limits import Limits

    Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Limits], Coroutine[None, None, None]]


class Server:
    """The connections of one server, each in a task that `serve` is called for, and cancelled at the end."""

    def __init__(self, serve: Serve, arguments: ServerArguments) -> None:
        self._serve_connection = serve
        self._arguments = arguments
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        host, port, tls, *_ = self._arguments
        stop = asyncio.Event()
        server = await asyncio.start_server(self._serve, host, port, limit=RECEIVE_BYTES, ssl=tls)
        with suppress(NotImplementedError):  # Windows, where Ctrl-C raises KeyboardInterrupt instead
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
        print(f"listening on {host} port {server.sockets[0].getsockname()[1]}", flush=True)
        try:
            await stop.wait()
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (this is a coroutine)
        self._tasks.add(task)
        try:
            await self._serve_connection(reader, writer, self._arguments.limits)
        finally:
            self._tasks.discard(task)


class EchoConnection:
    """One connection: the network on one side of `WSConnection`, the echo on the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        self._reader = reader
        self._writer = writer
        self._ws = WSConnection(ConnectionType.SERVER, limits=limits)
        sock: socket.socket = writer.get_extra_info("socket")
        # A small frame leaves at once instead of waiting for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self) -> None:
        """Echo until the connection is closed; a cancelled task says goodbye first."""
        try:
            await asyncio.wait_for(self._shake_hands(), HANDSHAKE_SECONDS)
            await self._read_to_the_end()
            await hang_up(self._reader, self._writer)
        except asyncio.CancelledError:  # the server stops
            if self._ws.state is ConnectionState.OPEN:
                with suppress(OSError, asyncio.TimeoutError):
                    self._writer.write(self._ws.send(CloseConnection(code=1001, reason="server stops")))
                    await asyncio.wait_for(self._read_to_the_end(), LINGER_SECONDS)
                    await hang_up(self._reader, self._writer)
        except RemoteProtocolError as error:
            print(f"handshake failed: {error}", flush=True)
            if isinstance(error.event_hint, RejectConnection):  # such as 400 or 426
                self._writer.write(self._refuse(error.event_hint))
                await hang_up(self._reader, self._writer)
        except (OSError, asyncio.TimeoutError) as error:
            print(f"connection lost: {error!r}", flush=True)
        finally:
            self._writer.close()
            with suppress(OSError, asyncio.TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._writer.wait_closed(), LINGER_SECONDS)

    async def _shake_hands(self) -> None:
        while self._ws.state is ConnectionState.CONNECTING:
            await self._read()

    async def _read_to_the_end(self) -> None:
        while self._ws.ending is Ending.NONE:
            await self._read()

    async def _read(self) -> None:
        """Receive once, and send all the answers in one write."""
        # read() gives b"" at end of file; wsproto wants to hear that as None.
        self._ws.receive_data(await self._reader.read(RECEIVE_BYTES) or None)
        answers = bytearray()
        for event in self._ws.events():
            answers += self._answer(event)
            if len(answers) >= WRITE_BYTES:
                await self._write(answers)
                answers.clear()
        await self._write(answers)

    async def _write(self, data: bytearray) -> None:
        if data:
            self._writer.write(bytes(data))
            # A client that sends without reading: wait here, and so read no more from it.
            await self._writer.drain()

    def _answer(self, event: Event) -> bytes:
        """Return the bytes to send for one event."""
        match event:
            case Request() if event.target.partition("?")[0] not in PATHS:
                print(f"refused {event.target!r}: 404", flush=True)
                return self._refuse(RejectConnection(status_code=404))
            case Request():
                print(f"accepted {event.target!r}", flush=True)
                return self._ws.send(AcceptConnection(extensions=[PerMessageDeflate()]))
            case TextMessage() | BytesMessage() if self._ws.state is ConnectionState.OPEN:
                # Each piece of a message goes back as a fragment: no message is held in memory.
                return self._ws.send(event)
            case Ping():
                return self._ws.send(event.response())
            case CloseConnection():
                print(f"closed with {event.code:d} {event.reason or ''!r}", flush=True)
                # After an end of file (1006) there is nobody left to answer, and the state is CLOSED already.
                if self._ws.state is ConnectionState.REMOTE_CLOSING:
                    return self._ws.send(event.response())
        return b""

    def _refuse(self, rejection: RejectConnection) -> bytes:
        """Return the bytes of a refusal: it announces the end of the connection (RFC 9112 9.6)."""
        return self._ws.send(replace(rejection, headers=[*rejection.headers, (b"Connection", b"close")]))


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send the end of file so that what was sent last still arrives (RFC 6455 7.1.1, RFC 9112 9.6).

    Closing a socket that has unread input resets the connection: the reset may overtake what was sent.
    TLS cannot end one direction alone, and close() then sends and awaits its close_notify.
    """
    with suppress(OSError, asyncio.TimeoutError):  # the client may be gone, or slow
        await asyncio.wait_for(writer.drain(), LINGER_SECONDS)
        if not writer.can_write_eof():
            return
        writer.write_eof()
        await asyncio.wait_for(_discard(reader), LINGER_SECONDS)


async def _discard(reader: asyncio.StreamReader) -> None:
    while await reader.read(RECEIVE_BYTES):
        pass


async def serve_http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
    """Hold one connection of HTTP/1.1."""
    await EchoConnection(reader, writer, limits).run()


def run(serve: Serve, arguments: ServerArguments) -> int:
    """Serve until Ctrl-C, and say in one line why it cannot."""
    try:
        asyncio.run(Server(serve, arguments).run())
    except OSError as error:
        print(f"cannot listen on {arguments.host} port {arguments.port}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def main() -> int:
    """Serve HTTP/1.1."""
    return run(serve_http1, server_arguments(sys.argv[0], __doc__))


if __name__ == "__main__":
    sys.exit(main())
