"""The echo glue over TLS, where a transport has no halves to close: nothing is logged, nothing is lost."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from harness.testee.echo_server import ServerConnection
from tests.harness.serving import TIMEOUT, serving
from tests.harness.test_echo_server import REQUEST, closing, frame
from tooling import frames as wire
from tooling.frames import CLOSE, TEXT, Frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]

#: A key and a certificate of its own for localhost and 127.0.0.1, which nobody else trusts.
PEM = Path(__file__).with_name("loopback.pem")


def over_tls(play: Play) -> bytes:
    """Connect to the glue and give what the play does; whatever asyncio would log or print is an error."""
    unhandled: list[dict[str, Any]] = []

    async def run() -> bytes:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        accepting.load_cert_chain(PEM)
        trusting = ssl.create_default_context(cafile=PEM)
        connections: list[ServerConnection] = []

        def connect() -> ServerConnection:
            connections.append(ServerConnection())
            return connections[-1]

        server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0, ssl=accepting)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=trusting)
        received = await asyncio.wait_for(play(reader, writer), 30)
        writer.close()
        with suppress(OSError):  # it may have been reset: it is closed
            await writer.wait_closed()
        await asyncio.wait_for(connections[0].lost, 30)
        server.close()
        return received

    received = asyncio.run(run())
    assert unhandled == []
    return received


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def frames_of(received: bytes) -> list[Frame]:
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    return wire.decode_frames(rest)


def test_the_closing_handshake_ends_the_connection() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(REQUEST + b"\r\n" + frame(TEXT, b"hello") + closing())
        return await reader.read()

    assert frames_of(over_tls(play)) == [Frame(TEXT, b"hello"), Frame(CLOSE, b"\x03\xe8")]


def test_a_violation_ends_the_connection() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(REQUEST + b"\r\n" + frame(0x3) + closing(1002))
        return await reader.read()

    assert [one.close_code for one in frames_of(over_tls(play))] == [1002]


def test_a_refusal_arrives_and_ends_the_connection() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return await reader.read()

    assert over_tls(play).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "sent", [b"", REQUEST, REQUEST + b"\r\n"], ids=["nothing", "half a request", "a request"]
)
def test_a_peer_that_goes_away_is_an_end_like_another(sent: bytes) -> None:
    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(sent)
        await writer.drain()
        return b""

    assert over_tls(play) == b""


def test_a_server_ends_in_peace_whose_port_for_tls_had_other_guests() -> None:
    """Who does not speak TLS there never becomes a connection."""
    query = urlencode({"certificate": PEM, "key": PEM})
    with serving() as server:
        with server.connect() as sock:
            sock.sendall(REQUEST.replace(b"GET /chat ", f"GET /tls?{query} ".encode()) + b"\r\n" + closing())
            told = b"".join(iter(lambda: sock.recv(2**16), b""))
        port = int(frames_of(told)[0].payload.rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as guest:
            guest.sendall(b"GET / HTTP/1.1\r\n\r\n")
            guest.recv(1)
            server.process.terminate()
            _, errors = server.process.communicate(timeout=TIMEOUT)
    assert server.process.returncode == 0
    assert errors == ""
