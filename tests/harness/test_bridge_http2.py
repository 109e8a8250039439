"""The bridge against testees of raw HTTP/2: what they get from it, and what it makes of what they do."""

from __future__ import annotations

import asyncio
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

from harness.streams.codes import CODES
from harness.streams.driver import Target
from harness.streams.fields import RESPONSE
from harness.transports.bridge import on_loopback, to_server, to_suite
from harness.transports.certificates import certificate
from tests.harness.bridging import GET, PATIENCE, Notes, accept, ask, port_of, reset
from tests.harness.lax_streams import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from h2.events import Event

    from harness.streams.wire import Stream, Wire
    from harness.transports.bridge import Files
    from tests.harness.bridging import Talk

CONNECT = [
    (b":method", b"CONNECT"),
    (b":protocol", b"websocket"),
    (b":scheme", b"http"),
    (b":path", b"/"),
    (b":authority", b"localhost"),
    (b"sec-websocket-version", b"13"),
]


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
        server = on_loopback("h2", listener.sockets[0].getsockname()[1], None)
        async with to_server(server, notes) as url:
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


def test_a_server_that_takes_no_more_may_still_say_the_rest() -> None:
    """STOP_SENDING ends one direction of a stream, as Caddy does before its last frame (RFC 9000 3.5)."""

    async def behave(wire: Wire, stream: Stream) -> None:
        wire.headers(stream, RESPONSE)
        wire.stop(stream, CODES["H3_REQUEST_CANCELLED"])
        wire.transmit()
        await wire.until(lambda: False, 0.1)
        wire.data(stream, b"\x88\x00", end=True)
        wire.transmit()

    async def run(files: Files) -> bytes:
        shown = str(files.certificate), str(files.key)
        async with (
            serving("h3", shown, behave) as url,
            to_server(Target("h3", url, str(files.authority)), Notes()) as near,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(near))
            await ask(reader, writer)
            said = await asyncio.wait_for(reader.read(), PATIENCE)
            writer.close()
            await writer.wait_closed()
        return said

    with certificate() as files:
        assert asyncio.run(run(files)) == b"\x88\x00"


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
