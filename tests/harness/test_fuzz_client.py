from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from harness.testee.fuzz_client import drive
from tests import wire
from tests.wire import CLOSE, TEXT, WireFrame
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        self.received: list[list[WireFrame]] = []

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


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (wire.frame(TEXT, b"many") + CLOSING, "'many'"),
        (CLOSING, "None"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "None"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "None"),
        (b"HTTP/1.1 nonsense\r\n\r\n", "None"),
    ],
)
def test_a_server_that_does_not_count_its_cases_is_named(answer: bytes, said: str) -> None:
    with pytest.raises(CommandError, match=f"/getCaseCount answered {said}, not a number of cases"):
        asyncio.run(asyncio.wait_for(FuzzingServer([answer]).drive("me"), 4))
