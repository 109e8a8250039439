"""The relay passes on what an engine and a server say to each other, and how they end."""

from __future__ import annotations

import asyncio
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from harness.endpoints.relay import Relay, relay
from harness.endpoints.target import parse
from tests.harness.endpoint_servers import Certificate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\nSec-WebSocket-Key: a\r\nUser-Agent: x\r\n\r\n"
PATIENCE = 10.0


def through(
    server: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    client: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]],
    certificate: Certificate | None,
) -> Any:
    """Have a client and a server talk through a relay, which adds a field; give what the client says."""

    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await server(reader, writer)

    async def run() -> Any:
        listener = await asyncio.start_server(
            serve, "127.0.0.1", 0, ssl=certificate.context if certificate else None
        )
        port = listener.sockets[0].getsockname()[1]
        scheme = "wss" if certificate else "ws"
        authority = certificate.authority if certificate else None
        target = parse(f"{scheme}://localhost:{port}/path?q=1", headers=["X-A: b"], authority=authority)
        async with relay(target.place) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            try:
                return await asyncio.wait_for(client(reader, writer), PATIENCE)
            finally:
                for opened in (writer, *writers):
                    opened.transport.abort()
                listener.close()
                await asyncio.sleep(0.01)

    return asyncio.run(run())


@pytest.fixture(params=["plain", "tls"])
def certificate(request: pytest.FixtureRequest, tmp_path: Path) -> Certificate | None:
    return Certificate(tmp_path) if request.param == "tls" else None


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    assert await reader.readexactly(2) == b"OK"


def test_the_head_is_written_anew_and_all_else_passes(certificate: Certificate | None) -> None:
    heads: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"OK" + (await reader.readexactly(4))[::-1])

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for byte in HEAD:
            writer.write(bytes([byte]))
            await writer.drain()
        writer.write(b"\x00\xff\r\n")
        return await reader.readexactly(6)

    assert through(server, client, certificate) == b"OK\n\r\xff\x00"
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "GET /path?q=1 HTTP/1.1"
    assert sorted(lines[1:5])[1].startswith("Sec-WebSocket-Key")
    assert {"X-A: b", "Sec-WebSocket-Key: a", "User-Agent: x"} < set(lines)
    assert sum(line.startswith("Host: localhost:") for line in lines) == 1


def test_what_comes_without_a_head_passes_as_it_is() -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(6))

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"no head")
        writer.write_eof()
        return await reader.readexactly(6)

    assert through(server, client, None) == b"no hea"


def test_millions_of_bytes_pass_both_ways(certificate: Certificate | None) -> None:
    payload = bytes(range(256)) * 2**14

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"OK")
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        await ask(reader, writer)
        writer.write(payload)
        return await reader.readexactly(len(payload))

    assert through(server, client, certificate) == payload


def test_the_servers_end_reaches_the_client(certificate: Certificate | None) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"OK and goodbye")
        writer.close()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        await ask(reader, writer)
        return await reader.read()

    assert through(server, client, certificate) == b" and goodbye"


def test_the_clients_end_reaches_the_server(certificate: Certificate | None) -> None:
    """Without TLS the other direction stays open: asyncio's servers cannot do that over TLS."""
    ended: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"OK")
        ended.append(await reader.read())
        writer.write(b"late")
        writer.close()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        await ask(reader, writer)
        writer.write(b"bye")
        writer.write_eof()
        return await reader.read()

    assert through(server, client, certificate) == (b"" if certificate else b"late")
    assert ended == [b"bye"]


def test_a_reset_by_the_server_reaches_the_client(certificate: Certificate | None) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"OK")
        await reader.readexactly(1)
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        await ask(reader, writer)
        writer.write(b"!")
        try:
            return repr(await reader.read())
        except ConnectionResetError:
            return "reset"

    assert through(server, client, certificate) == "reset"


def test_a_reset_by_the_client_reaches_the_server() -> None:
    async def run() -> str:
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"OK")
            try:
                found.set_result(repr(await reader.read()))
            except ConnectionResetError:
                found.set_result("reset")
            writer.close()

        listener = await asyncio.start_server(server, "127.0.0.1", 0)
        place = parse(f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}/").place
        async with relay(place) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            await ask(reader, writer)
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            said = await asyncio.wait_for(found, PATIENCE)
        listener.close()
        return said

    assert asyncio.run(run()) == "reset"


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_target_that_is_not_there_resets_the_client(*, is_tls: bool) -> None:
    async def run() -> str:
        scheme = "wss" if is_tls else "ws"
        target = parse(f"{scheme}://127.0.0.1:1/", insecure=is_tls)
        async with relay(target.place) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            writer.write(HEAD)
            try:
                return repr(await asyncio.wait_for(reader.read(), PATIENCE))
            except ConnectionResetError:
                return "reset"
            finally:
                writer.transport.abort()

    assert asyncio.run(run()) == "reset"


def test_a_certificate_that_is_not_trusted_resets_the_client(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    certificate.authority.write_bytes(Certificate(tmp_path).authority.read_bytes())  # that of another one

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        writer.write(HEAD)
        try:
            return repr(await reader.read())
        except ConnectionResetError:
            return "reset"

    assert through(server, client, certificate) == "reset"


def test_a_connection_that_comes_as_the_relay_stops_is_closed() -> None:
    writer = Mock(spec=asyncio.StreamWriter)

    async def stopped() -> None:
        passing = Relay(parse("ws://localhost:9").place)
        passing.connected(Mock(spec=asyncio.StreamReader), writer)
        await passing.stop()

    asyncio.run(stopped())
    writer.transport.abort.assert_called()
