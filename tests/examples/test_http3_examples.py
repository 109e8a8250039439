"""The HTTP/3 examples (RFC 9220) against each other, and against `aioquic` driven by hand."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated,
    ProtocolNegotiated,
    QuicEvent,
    StopSendingReceived,
    StreamReset,
)

from tests.examples.running import HOST, TIMEOUT, run, serving
from tooling import frames as wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

CANCELLED, MESSAGE_ERROR = 0x10C, 0x10E
CONNECT = {
    b":method": b"CONNECT",
    b":protocol": b"websocket",
    b":scheme": b"https",
    b":authority": b"localhost",
    b":path": b"/chat",
    b"sec-websocket-version": b"13",
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the documented command makes."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([sys.executable, "-m", "trustme", "-q", "-d", folder], check=True)  # noqa: S603
    return folder


def options(certificates: Path) -> tuple[str, ...]:
    return "--certificate", str(certificates / "server.pem"), "--key", str(certificates / "server.key")


class Http3Peer(QuicConnectionProtocol):
    """A client of HTTP/3, whose events wait in a queue for each stream."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.http3: H3Connection | None = None
        self.streams: dict[int, asyncio.Queue[object]] = {}
        self.ended_with: int | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self.http3 = H3Connection(self._quic)
        if isinstance(event, ConnectionTerminated):
            self.ended_with = event.error_code
        found: list[object] = [event] if isinstance(event, StreamReset | StopSendingReceived) else []
        if self.http3 is not None:
            found += self.http3.handle_event(event)
        for one in found:
            stream_id = getattr(one, "stream_id", None)
            if stream_id in self.streams:
                self.streams[stream_id].put_nowait(one)

    def connect_websocket(self, **changes: bytes) -> int:
        """Ask for a WebSocket on a new stream."""
        assert self.http3 is not None
        stream_id = self._quic.get_next_available_stream_id()
        self.streams[stream_id] = asyncio.Queue()
        headers = {**CONNECT, **{name.encode(): value for name, value in changes.items()}}
        self.http3.send_headers(stream_id, [(name, value) for name, value in headers.items() if value])
        self.transmit()
        return stream_id

    async def next(self, stream_id: int) -> Any:
        return await asyncio.wait_for(self.streams[stream_id].get(), TIMEOUT)

    async def opened(self) -> int:
        stream_id = self.connect_websocket()
        response = await self.next(stream_id)
        assert isinstance(response, HeadersReceived)
        assert response.headers == [(b":status", b"200")]
        return stream_id

    def send(self, stream_id: int, data: bytes, *, end: bool = False) -> None:
        assert self.http3 is not None
        self.http3.send_data(stream_id, data, end_stream=end)
        self.transmit()

    def reset(self, stream_id: int) -> None:
        self._quic.reset_stream(stream_id, CANCELLED)
        self.transmit()

    async def data(self, stream_id: int) -> tuple[bytes, bool]:
        """The next data of a stream that is not empty, or its end, and whether it ends there."""
        while True:
            event = await self.next(stream_id)
            assert isinstance(event, DataReceived)
            if event.data or event.stream_ended:
                return event.data, event.stream_ended


def with_peer(port: int, certificates: Path, play: Callable[[Http3Peer], Awaitable[None]]) -> None:
    async def talk() -> None:
        configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name=HOST)
        configuration.load_verify_locations(str(certificates / "client.pem"))
        async with connect(HOST, port, configuration=configuration, create_protocol=Http3Peer) as peer:
            assert isinstance(peer, Http3Peer)
            await play(peer)

    asyncio.run(asyncio.wait_for(talk(), TIMEOUT))


def test_client_talks_to_server(certificates: Path) -> None:
    texts = ["hello", "", "x" * 100_000]
    with serving("http3_server.py", *options(certificates)) as server:
        url = f"wss://{HOST}:{server.port}/"
        for trust in (["--ca", certificates / "client.pem"], ["--insecure"]):
            client = run("http3_client.py", *trust, url, *texts)
            assert (client.status, client.errors) == (0, "")
            received = "".join(f"received {text!r}\n" for text in texts)
            assert client.output == (
                f"connected\n{received}received pong b'still there?'\nclosed with 1000 'bye'\n"
            )
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.count("accepted '/'\nclosed with 1000 'bye'\n") == 2


def test_client_says_in_one_line_why_there_is_no_conversation(certificates: Path) -> None:
    with serving("http3_server.py", *options(certificates)) as server:
        url = f"wss://{HOST}:{server.port}/"
        for arguments, reason in (
            (["--ca", certificates / "client.pem", f"{url}elsewhere"], "status 404"),
            ([url], "certificate"),
        ):
            client = run("http3_client.py", *arguments)
            assert (client.status, client.output, client.errors.count("\n")) == (2, "", 1)
            assert client.errors.startswith(f"{HOST}:{server.port}: ")
            assert reason in client.errors
    silent = run("http3_client.py", "--timeout", 0.3, "--insecure", f"wss://{HOST}:1/")
    assert (silent.status, silent.output, silent.errors.count("\n")) == (2, "", 1)
    plain = run("http3_client.py", f"ws://{HOST}:1/")
    assert (plain.status, plain.output, plain.errors.count("\n")) == (2, "", 1)
    assert "wss://" in plain.errors


def test_server_needs_a_certificate() -> None:
    ended = run("http3_server.py")
    assert (ended.status, ended.output, ended.errors.count("\n")) == (2, "", 1)
    assert "--certificate" in ended.errors


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({":protocol": b"foo"}, b"501"),
        ({":protocol": b"WebSocket"}, b"200"),
        ({":path": b"/elsewhere"}, b"404"),
        ({":scheme": b"wss"}, b"400"),
        ({"host": b"other"}, b"400"),
        ({"sec-websocket-version": b"8"}, b"400"),
    ],
)
def test_server_answers_a_request_with(certificates: Path, changes: dict[str, bytes], status: bytes) -> None:
    async def play(peer: Http3Peer) -> None:
        response = await peer.next(peer.connect_websocket(**changes))
        assert dict(response.headers)[b":status"] == status
        assert response.stream_ended == (status != b"200")

    with serving("http3_server.py", *options(certificates)) as server:
        with_peer(server.port, certificates, play)


def test_server_ends_each_stream_in_its_own_way_and_no_other(certificates: Path) -> None:
    hello = wire.frame(wire.TEXT, b"hello", mask=wire.MASK)
    close = wire.frame(wire.CLOSE, wire.close_payload(1000), mask=wire.MASK)

    async def play(peer: Http3Peer) -> None:
        first = await peer.opened()
        cancelled = await peer.opened()
        peer.send(cancelled, hello)
        peer.reset(cancelled)
        ended = await peer.opened()
        peer.send(ended, b"", end=True)
        assert await peer.data(ended) == (b"", True)
        closed = await peer.opened()
        peer.send(closed, close, end=True)
        assert await peer.data(closed) == (wire.frame(wire.CLOSE, wire.close_payload(1000)), True)
        lingering = await peer.opened()
        peer.send(lingering, close)
        assert await peer.data(lingering) == (wire.frame(wire.CLOSE, wire.close_payload(1000)), True)
        stopped = await peer.next(lingering)
        assert isinstance(stopped, StopSendingReceived)
        assert stopped.error_code == CANCELLED
        peer.send(first, hello)
        assert await peer.data(first) == (wire.frame(wire.TEXT, b"hello"), False)

    with serving("http3_server.py", *options(certificates), GRACE_SECONDS=0.05) as server:
        with_peer(server.port, certificates, play)
        server.has_printed("closed with 1006 ''", 3)
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.count("closed with 1006 ''\n") == 3, ended.output


def test_trailers_in_the_tunnel_end_the_connection_and_another_one_is_served(certificates: Path) -> None:
    """RFC 9114 4.4: H3_FRAME_UNEXPECTED, where HTTP/2 has an error of the stream."""

    async def break_it(peer: Http3Peer) -> None:
        stream = await peer.opened()
        assert peer.http3 is not None
        peer.http3.send_headers(stream, [(b"x-trailer", b"")], end_stream=True)
        peer.transmit()
        await peer.wait_closed()
        assert peer.ended_with == 0x105

    async def open_one(peer: Http3Peer) -> None:
        await peer.opened()

    with serving("http3_server.py", *options(certificates)) as server:
        with_peer(server.port, certificates, break_it)
        with_peer(server.port, certificates, open_one)
        ended = server.stop()
    assert "handshake failed: A header section behind the handshake" in ended.output


def test_trailers_behind_a_refused_request_do_no_harm(certificates: Path) -> None:
    async def play(peer: Http3Peer) -> None:
        refused = peer.connect_websocket(**{"sec-websocket-version": b"8"})
        assert peer.http3 is not None
        peer.http3.send_headers(refused, [(b"x-trailer", b"")], end_stream=True)
        peer.transmit()
        assert dict((await peer.next(refused)).headers)[b":status"] == b"400"
        await peer.opened()

    with serving("http3_server.py", *options(certificates)) as server:
        with_peer(server.port, certificates, play)
