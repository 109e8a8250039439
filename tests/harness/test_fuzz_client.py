from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import pytest

from harness.testee.echo_server import url_of
from harness.testee.fuzz_client import Bounds, address_of, drive
from tooling import frames as wire
from tooling.errors import CommandError
from tooling.frames import CLOSE, TEXT, Frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

CLOSING = wire.frame(CLOSE, wire.close_payload(1000))


def accepted(request: bytes) -> bytes:
    """Write the response that RFC 6455 4.2.2 demands."""
    found = re.search(rb"(?i)sec-websocket-key: (\S+)", request)
    assert found is not None
    digest = hashlib.sha1(found[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"


class FuzzingServer:
    """Answers its n-th connection with the n-th answer; one that begins with HTTP replaces the handshake."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.answers = list(answers)
        self.targets: list[str] = []
        self.received: list[list[Frame]] = []

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        answer = self.answers[len(self.targets)]
        self.targets.append(request.split()[1].decode())
        writer.write(answer if answer.startswith(b"HTTP") else accepted(request) + answer)
        data = b""
        while not (
            answer.startswith(b"HTTP") or any(frame.opcode == CLOSE for frame in wire.decode_frames(data))
        ):
            data += await reader.read(65536)
        self.received.append(wire.decode_frames(data))
        writer.close()

    async def drive(self, agent: str) -> tuple[int, list[tuple[int, int]]]:
        server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        progress: list[tuple[int, int]] = []
        try:
            count = await drive(f"ws://127.0.0.1:{port}", agent, lambda *numbers: progress.append(numbers))
        finally:
            server.close()
            await server.wait_closed()
        return count, progress


def test_every_case_is_run_and_then_the_reports_are_asked_for() -> None:
    server = FuzzingServer(
        [wire.frame(TEXT, b"2") + CLOSING, wire.frame(TEXT, b"hello") + CLOSING, CLOSING, CLOSING]
    )
    assert asyncio.run(server.drive("me & you")) == (2, [(1, 2), (2, 2)])
    assert server.targets == [
        "/getCaseCount",
        "/runCase?case=1&agent=me%20%26%20you",
        "/runCase?case=2&agent=me%20%26%20you",
        "/updateReports?agent=me%20%26%20you",
    ]
    count, echo, *_ = server.received
    assert [frame.opcode for frame in count] == [CLOSE], "the number of cases is no message to send back"
    assert [(frame.opcode, frame.payload) for frame in echo] == [(TEXT, b"hello"), (CLOSE, b"\x03\xe8")]
    assert all(frame.mask for frame in echo)


ACCEPTED_WRONGLY = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (wire.frame(TEXT, b"many") + CLOSING, r"/getCaseCount answered 'many', not a number of cases$"),
        (CLOSING, "/getCaseCount: the server ended the connection before its answer$"),
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "/getCaseCount: the server refused the handshake with 404$",
        ),
        (ACCEPTED_WRONGLY, "/getCaseCount: .*accept"),
        (b"HTTP/1.1 nonsense\r\n\r\n", "/getCaseCount: .*HTTP"),
    ],
)
def test_a_server_that_does_not_count_its_cases_is_named(answer: bytes, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        asyncio.run(asyncio.wait_for(FuzzingServer([answer]).drive("me"), 30))


HURRIED = Bounds(handshake_timeout=0.2)
PATIENT = Bounds(handshake_timeout=1.0)
"""The connections around the one that waits get their handshake in time on a busy machine too."""


async def drive_against(
    connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], bounds: Bounds
) -> tuple[int, list[tuple[int, int]]]:
    """Drive against a server of streams, with little patience."""
    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with suppress(ConnectionError):
            await connected(reader, writer)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    progress: list[tuple[int, int]] = []
    try:
        return await drive(url, "me", lambda *numbers: progress.append(numbers), bounds), progress
    finally:
        server.close()
        await asyncio.gather(*filter(None, serving))


async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def open_and_say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(accepted(await reader.readuntil(b"\r\n\r\n")))
    await say_nothing(reader, writer)


async def speak_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")
    await say_nothing(reader, writer)


@pytest.mark.parametrize("connected", [say_nothing, open_and_say_nothing, speak_ssh])
def test_a_server_that_never_answers_is_given_up(
    connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    with pytest.raises(CommandError, match="/getCaseCount: "):
        asyncio.run(asyncio.wait_for(drive_against(connected, HURRIED), 30))


def test_a_case_without_a_handshake_is_left_for_the_next_one() -> None:
    asked: list[str] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        asked.append(request.split()[1].decode())
        if len(asked) == 1:
            writer.write(accepted(request) + wire.frame(TEXT, b"2") + CLOSING)
        elif len(asked) > 2:
            writer.write(accepted(request) + CLOSING)
        await reader.read(65536 if len(asked) != 2 else -1)

    assert asyncio.run(asyncio.wait_for(drive_against(connected, PATIENT), 30)) == (2, [(1, 2), (2, 2)])
    assert [target.partition("&")[0] for target in asked] == [
        "/getCaseCount",
        "/runCase?case=1",
        "/runCase?case=2",
        "/updateReports?agent=me",
    ]


def test_a_link_local_address_has_a_zone_for_the_socket_and_none_for_the_server() -> None:
    """RFC 6874 2 and 4."""
    address = address_of("ws://[fe80::1%25lo]:9001")
    assert (address.host, address.port, address.authority) == ("fe80::1%lo", 9001, "[fe80::1]:9001")
    plain = address_of("ws://localhost/")
    assert (plain.url, plain.host, plain.port) == ("ws://localhost", "localhost", 80)
    assert address_of("ws://[::1]:1").authority == "[::1]:1"


def test_a_server_on_a_link_local_address_says_a_url_that_the_client_takes() -> None:
    class Socket:
        def getsockname(self) -> tuple[str, int, int, int]:
            return "fe80::1%eth0", 9001, 0, 2

    class Server:
        sockets = (Socket(),)

    url = url_of(cast(asyncio.Server, Server()))
    assert url == "ws://[fe80::1%25eth0]:9001"
    assert address_of(url).host == "fe80::1%eth0"
