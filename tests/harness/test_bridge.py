"""The bridge passes on what a suite and a testee say to each other, and how they end.

HTTP/1.1 goes through two bridges, one for a server and one for a client: what comes out at the far end has
been HTTP/2 or HTTP/3 between them. `test_bridge_http2.py` has peers of raw HTTP/2.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from socket import SO_RCVBUF, SOL_SOCKET
from typing import TYPE_CHECKING, Any

import pytest

from harness.transports import passage
from harness.transports.http2 import Http2
from harness.transports.http3 import Http3
from tests.harness.bridging import GET, SWITCHED, accept, ask, echo, reset, through

if TYPE_CHECKING:
    from harness.transports.bridge import BridgedTransport, Streams

MUCH = 2**25
"""Bytes that fit into no window, nor into what the system keeps of a TCP connection."""


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
