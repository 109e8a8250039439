"""The bridge passes on what a suite and a testee say to each other, and how they end.

Most tests lead HTTP/1.1 through two bridges, one for a server and one for a client: what comes out at the far
end has been HTTP/2 or HTTP/3 between them. The others have peers of raw HTTP/2.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import AsyncExitStack, suppress
from socket import SO_LINGER, SO_RCVBUF, SOL_SOCKET
from typing import TYPE_CHECKING, Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.settings import SettingCodes, Settings

from harness.transports import passage
from harness.transports.bridge import to_server, to_suite
from harness.transports.certificates import certificate
from harness.transports.http2 import Http2
from harness.transports.http3 import Http3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from h2.events import Event

    from harness.transports.bridge import BridgedTransport, Streams

    Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]

PATIENCE = 40.0

MUCH = 2**25
"""Bytes that fit into no window, nor into what the system keeps of a TCP connection."""

GET = (
    b"GET /runCase?case=1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: x-a\r\nUser-Agent: x\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
CONNECT = [
    (b":method", b"CONNECT"),
    (b":protocol", b"websocket"),
    (b":scheme", b"http"),
    (b":path", b"/"),
    (b":authority", b"localhost"),
    (b"sec-websocket-version", b"13"),
]


class Notes(list[str]):
    """The lines that a bridge says of its peers."""

    __call__ = list.append


def through(
    transport: BridgedTransport, server: Talk, *clients: Talk, streams: Streams = "shared"
) -> list[Any]:
    """Have clients and a server talk through two bridges; give what the clients say."""
    writers: list[asyncio.StreamWriter] = []
    faults: list[Any] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionResetError):  # it is for the client to say what became of it
            await server(reader, writer)

    async def meet(client: Talk, url: str) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
        writers.append(writer)
        return await asyncio.wait_for(client(reader, writer), PATIENCE)

    async def run() -> list[Any]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        notes = Notes()
        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        async with AsyncExitStack() as stack:
            files = stack.enter_context(certificate()) if transport == "h3" else None
            between = await stack.enter_async_context(to_suite(transport, port, files, notes))
            near = to_server(transport, port_of(between), files, notes, streams=streams)
            url = await stack.enter_async_context(near)
            said = await asyncio.gather(*(meet(client, url) for client in clients))
            for writer in writers:
                writer.transport.abort()
            listener.close()
            await asyncio.sleep(0.05)
        assert notes == []
        return said

    found = asyncio.run(run())
    assert faults == []
    return found


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCHED)
    return head


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(GET)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    return head


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    while data := await reader.read(2**16):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.fixture(params=["h2", "h3"])
def transport(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_heads_come_through_but_for_what_http1_has_for_itself(transport: BridgedTransport) -> None:
    heads: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await accept(reader, writer))

    (answer,) = through(transport, server, ask)
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "GET /runCase?case=1 HTTP/1.1"
    kept = ["sec-websocket-version: 13", "sec-websocket-extensions: permessage-deflate"]
    assert lines[-6:] == [*kept, "sec-websocket-extensions: x-a", "user-agent: x", "", ""]
    names = sorted(line.partition(":")[0].lower() for line in lines[1:-2])
    of_http1 = ["connection", "host", "sec-websocket-key", "upgrade"]
    assert sorted([*of_http1, *(name.partition(":")[0] for name in lines[-6:-2])]) == names
    assert "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" not in lines, "each side has a key of its own"
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert b"sec-websocket-extensions: permessage-deflate\r\n" in answer


def test_bytes_pass_both_ways_also_those_behind_the_head(transport: BridgedTransport) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(GET + b"\x00\xff\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x89\x00")
        return await reader.readexactly(6)

    assert through(transport, echo, client) == [b"\x00\xff\r\n\x89\x00"]


@pytest.mark.parametrize("first", ["client", "server"])
def test_the_end_of_one_direction_leaves_the_other(transport: BridgedTransport, first: str) -> None:
    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"last")
        writer.write_eof()
        return await reader.read()

    async def follow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        said = await reader.read()
        writer.write(b"answer to " + said)
        writer.write_eof()
        return said

    heard: dict[str, bytes] = {}

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        heard["server"] = await (begin if first == "server" else follow)(reader, writer)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ask(reader, writer)
        heard["client"] = await (begin if first == "client" else follow)(reader, writer)
        await asyncio.sleep(0.05)

    through(transport, server, client)
    other = "server" if first == "client" else "client"
    assert heard == {first: b"answer to last", other: b"last"}


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_comes_out_as_a_reset(transport: BridgedTransport, who: str) -> None:
    ended: asyncio.Queue[str] = asyncio.Queue()

    async def side(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if name == who:
            writer.write(b"x")
            await reader.readexactly(1)
            reset(writer)
            return
        writer.write(b"x")
        try:
            assert await reader.readexactly(1) == b"x"
            await ended.put(f"end {await reader.read()!r}")
        except ConnectionResetError:
            await ended.put("reset")

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await side("server", reader, writer)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        await ask(reader, writer)
        await side("client", reader, writer)
        return await ended.get()

    assert through(transport, server, client) == ["reset"]


def test_a_refusal_comes_with_its_body(transport: BridgedTransport) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\nX-Why: b\r\n\r\nnever")
        writer.write_eof()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(GET)
        return await reader.read()

    (answer,) = through(transport, server, client)
    assert answer == (
        b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\ncontent-length: 5\r\nx-why: b\r\n\r\nnever"
    )


@pytest.mark.parametrize("how", ["nothing", "reset"])
def test_a_server_that_does_not_answer_is_a_bad_gateway(transport: BridgedTransport, how: str) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if how == "reset":
            reset(writer)
        writer.close()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(GET)
        return await reader.read()

    assert through(transport, server, client)[0].startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


def test_a_long_message_passes_both_ways_at_once(transport: BridgedTransport) -> None:
    """It is longer than the first window, and the client reads as it sends."""
    piece = bytes(range(256)) * 256
    count = 48 if transport == "h2" else 18

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await ask(reader, writer)

        async def send() -> None:
            for _ in range(count):
                writer.write(piece)
                await writer.drain()
            writer.write_eof()

        sending = asyncio.ensure_future(send())
        received = await reader.read()
        await sending
        return received == piece * count

    assert through(transport, echo, client) == [True]


def test_who_does_not_read_is_not_sent_to_and_others_go_on(
    transport: BridgedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the bridge holds is bounded: for a server that reads nothing it takes so much, and no more."""
    monkeypatch.setattr(passage, "TAKEN", 2**16)
    finished = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"runCase?case=1" not in head:
            writer.write(SWITCHED)
            writer.write(await reader.readexactly(12))
            return
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # it reads
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, 2**14)
        writer.write(SWITCHED)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """Send until nothing more is taken for a while."""
        await ask(reader, writer)
        taken, last = 0, -1
        while taken != last:
            last = taken
            with suppress(asyncio.TimeoutError):
                while taken < MUCH:
                    writer.write(bytes(2**16))
                    await asyncio.wait_for(writer.drain(), 0.3)
                    taken += 2**16
        finished.set()
        return taken

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        await finished.wait()
        writer.write(GET.replace(b"case=1", b"case=2") + b"still there?")
        await reader.readuntil(b"\r\n\r\n")
        return await reader.readexactly(12)

    taken, said = through(transport, server, client, other)
    assert said == b"still there?"
    assert 2**16 < taken < MUCH


@pytest.mark.parametrize("streams", ["shared", "own"])
def test_many_websockets_are_streams_of_one_connection_or_have_their_own(
    streams: Streams, transport: BridgedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[object] = []

    def open_one(carrier: Any, stream: Any) -> Any:
        connections.append(carrier)
        return opening(carrier, stream)

    kind: Any = Http2 if transport == "h2" else Http3
    opening = kind.open
    monkeypatch.setattr(kind, "open", open_one)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        await ask(reader, writer)
        writer.write(b"x" * 1000)
        writer.write_eof()
        return await reader.read()

    assert through(transport, echo, *([client] * 20), streams=streams) == [b"x" * 1000] * 20
    assert len(connections) == 20
    assert len(set(connections)) == (1 if streams == "shared" else 20)


# Raw peers of HTTP/2:


class Peer:
    """A testee of raw HTTP/2, which gives its window back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, client: bool) -> None:
        self.http2 = H2Connection(H2Configuration(client_side=client, header_encoding=None))
        if not client:
            values = {SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
            self.http2.local_settings = Settings(client=False, initial_values=values)
        self.http2.initiate_connection()
        self.reader, self.writer = reader, writer
        self.events = self._events()

    async def _events(self) -> AsyncIterator[Event]:
        while True:
            self.writer.write(self.http2.data_to_send())
            if not (data := await self.reader.read(2**16)):
                return
            for event in self.http2.receive_data(data):
                if isinstance(event, DataReceived):
                    self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                yield event

    async def until(self, kind: type[Event]) -> Any:
        async for event in self.events:
            if isinstance(event, kind):
                return event
        raise AssertionError(f"no {kind.__name__} came")


def with_server(serve: Callable[[Peer], Awaitable[Any]], client: Talk) -> tuple[Any, Any, Notes]:
    """Have a client of HTTP/1.1 come to a server of raw HTTP/2; give what both say, and the bridge."""
    said: asyncio.Future[Any]

    async def run() -> tuple[Any, Any, Notes]:
        nonlocal said
        said = asyncio.get_running_loop().create_future()

        writers: list[asyncio.StreamWriter] = []

        async def serve_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            try:
                said.set_result(await serve(Peer(reader, writer, client=False)))
            except Exception as error:  # noqa: BLE001  # for the test
                said.set_exception(error)

        notes = Notes()
        listener = await asyncio.start_server(serve_once, "127.0.0.1", 0)
        async with to_server("h2", listener.sockets[0].getsockname()[1], None, notes) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
            heard = await asyncio.wait_for(client(reader, writer), PATIENCE)
            found = await asyncio.wait_for(said, PATIENCE)
            for opened in (writer, *writers):
                opened.transport.abort()
            listener.close()
            await asyncio.sleep(0.01)
        return heard, found, notes

    return asyncio.run(run())


def test_a_server_gets_an_extended_connect_and_end_stream_for_fin() -> None:
    async def serve(peer: Peer) -> Any:
        request = await peer.until(RequestReceived)
        peer.http2.send_headers(1, [(b":status", b"200"), (b"sec-websocket-protocol", b"chat")])
        await peer.until(StreamEnded)
        peer.http2.send_data(1, b"\x88\x00", end_stream=True)
        peer.writer.write(peer.http2.data_to_send())
        return request.headers

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        head = await ask(reader, writer)
        assert b"sec-websocket-protocol: chat\r\n" in head
        writer.write_eof()
        return await reader.read()

    heard, headers, notes = with_server(serve, client)
    assert heard == b"\x88\x00"
    assert [(bytes(name), bytes(value)) for name, value in headers if name != b":authority"] == [
        (b":method", b"CONNECT"),
        (b":protocol", b"websocket"),
        (b":scheme", b"http"),
        (b":path", b"/runCase?case=1"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"sec-websocket-extensions", b"x-a"),
        (b"user-agent", b"x"),
    ]
    assert notes == []


def test_a_server_gets_cancel_for_a_reset() -> None:
    async def serve(peer: Peer) -> Any:
        await peer.until(RequestReceived)
        peer.http2.send_headers(1, [(b":status", b"200")])
        return (await peer.until(StreamReset)).error_code

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ask(reader, writer)
        reset(writer)

    assert with_server(serve, client)[1] == ErrorCodes.CANCEL


@pytest.mark.parametrize("code", [ErrorCodes.CANCEL, ErrorCodes.PROTOCOL_ERROR])
def test_a_stream_that_the_server_resets_is_a_reset(code: ErrorCodes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.until(RequestReceived)
        peer.http2.send_headers(1, [(b":status", b"200")])
        peer.http2.send_data(1, b"x")
        await peer.until(DataReceived)
        peer.http2.reset_stream(1, code)
        peer.writer.write(peer.http2.data_to_send())

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        await ask(reader, writer)
        assert await reader.readexactly(1) == b"x"
        writer.write(b"x")
        try:
            await reader.read()
        except ConnectionResetError:
            return "reset"
        return "end"

    assert with_server(serve, client)[0] == "reset"


def test_frames_that_come_with_the_response_are_not_lost() -> None:
    async def serve(peer: Peer) -> None:
        await peer.until(RequestReceived)
        peer.http2.send_headers(1, [(b":status", b"200")])
        peer.http2.send_data(1, b"\x81\x02hi\x88\x00", end_stream=True)
        peer.writer.write(peer.http2.data_to_send())

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        await ask(reader, writer)
        return await reader.read()

    assert with_server(serve, client)[0] == b"\x81\x02hi\x88\x00"


def test_a_server_that_breaks_http2_is_a_reset_and_said() -> None:
    async def serve(peer: Peer) -> None:
        await peer.until(RequestReceived)
        peer.http2.send_headers(1, [(b":status", b"200")])
        peer.writer.write(peer.http2.data_to_send())
        await peer.until(DataReceived)
        peer.writer.write(bytes.fromhex("000004 00 00 00000000") + b"data")  # DATA of no stream
        await peer.until(ConnectionTerminated)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        await ask(reader, writer)
        writer.write(b"x")
        try:
            await reader.read()
        except ConnectionResetError:
            return "reset"
        return "end"

    heard, _, notes = with_server(serve, client)
    assert heard == "reset"
    assert len(notes) == 1
    assert notes[0].startswith("the peer broke HTTP/2: ")


def test_a_server_without_extended_connect_is_a_bad_gateway() -> None:
    async def serve(peer: Peer) -> None:
        peer.http2 = H2Connection(H2Configuration(client_side=False))
        peer.http2.initiate_connection()
        await peer.until(RemoteSettingsChanged)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(GET)
        return await reader.read()

    heard, _, notes = with_server(serve, client)
    assert heard.startswith(b"HTTP/1.1 502 ")
    assert notes == ["the server does not offer extended CONNECT (RFC 8441 3)"]


def test_a_client_is_answered_and_what_asks_for_nothing_is_501() -> None:
    async def suite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        writer.write(b"\x81\x02hi")

    async def run() -> None:
        listener = await asyncio.start_server(suite, "127.0.0.1", 0)
        async with to_suite("h2", listener.sockets[0].getsockname()[1], None, Notes()) as url:
            peer = Peer(*await asyncio.open_connection("127.0.0.1", port_of(url)), client=True)
            await peer.until(RemoteSettingsChanged)
            assert peer.http2.remote_settings.enable_connect_protocol == 1
            plain = [(b":method", b"GET"), *((n, v) for n, v in CONNECT[2:])]
            peer.http2.send_headers(1, plain, end_stream=True)
            response = await peer.until(ResponseReceived)
            assert dict(response.headers)[b":status"] == b"501"
            peer.http2.send_headers(3, CONNECT)
            response = await peer.until(ResponseReceived)
            found = {bytes(name): bytes(value) for name, value in response.headers}
            assert found == {b":status": b"200", b"sec-websocket-extensions": b"permessage-deflate"}
            assert (await peer.until(DataReceived)).data == b"\x81\x02hi"
            peer.http2.reset_stream(3, ErrorCodes.CANCEL)
            peer.writer.write(peer.http2.data_to_send())
            peer.writer.close()
            listener.close()
            await asyncio.sleep(0.01)

    asyncio.run(run())


def test_a_suite_that_listens_no_more_is_a_bad_gateway_for_a_client() -> None:
    async def run() -> bytes:
        listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        listener.close()
        await asyncio.sleep(0.01)
        async with to_suite("h2", port, None, Notes()) as url:
            peer = Peer(*await asyncio.open_connection("127.0.0.1", port_of(url)), client=True)
            await peer.until(RemoteSettingsChanged)
            peer.http2.send_headers(1, CONNECT)
            response = await peer.until(ResponseReceived)
            peer.writer.close()
            await asyncio.sleep(0.01)
            return bytes(dict(response.headers)[b":status"])

    assert asyncio.run(run()) == b"502"
