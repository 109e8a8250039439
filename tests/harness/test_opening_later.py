"""What section X sees where a handshake takes its time, and of what reaches an application."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.engines.extra import ExtraSuite
from harness.engines.suite import Ended, Listening
from harness.extra import driver, exchange, opening
from harness.extra.answers import offer_fault
from harness.extra.heads import KEY, REQUEST, Head, accept_token, response_fault
from harness.extra.passed_on import request_with
from harness.extra.seen import Seen
from harness.testee.modes import Mode
from tests.harness import lax_peers
from tests.harness.test_extra_verdicts import NOWHERE, PATIENCE, against, by
from tests.harness.test_fuzz_client import FuzzingServer
from tests.harness.test_opening_verdicts import answering, number_of
from tooling import frames as wire
from tooling.frames import TEXT
from wsproto.events import Request, TextMessage


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "TIMEOUT", PATIENCE)
    monkeypatch.setattr(exchange, "GRACE", 0.05)
    monkeypatch.setattr(opening, "FLOOD_SIZE", 2**20)


LATER = "The server accepts later: "
EOF = f"{LATER}the client ends its direction"
EOF_AND_FRAMES = f"{LATER}a message and a ping behind the request"
EOF_AND_CLOSE = f"{LATER}a message and a Close behind the request, and"
RESET = f"{LATER}the client resets"
EARLY_CLOSE = f"{LATER}a Close"
EARLY_UNMASKED = f"{LATER}an unmasked"
FLOOD = f"{LATER}frames without end"


async def talking_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, echo texts and answer no Close, to the end of the client's bytes."""
    writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")))
    for found in wire.decode_frames(await reader.read()):
        writer.write(wire.frame(found.opcode, found.payload) if found.opcode == TEXT else b"")
    writer.close()


@pytest.mark.parametrize(
    ("peer", "title", "behavior", "said"),
    [
        (lax_peers.lax_server, EOF_AND_FRAMES, "OK", "ended the connection"),
        (lax_peers.lax_server, EOF_AND_CLOSE, "OK", "ended the connection"),
        (lax_peers.lax_server, FLOOD, "OK", "kept little"),
        (lax_peers.lax_server, EARLY_UNMASKED, "INFORMATIONAL", "'Hello' came back"),
        (lax_peers.lax_server, RESET, "OK", "All came back"),
        (lax_peers.refusing_server, EOF, "OK", "ended the connection"),
        (lax_peers.refusing_server, EOF_AND_FRAMES, "INFORMATIONAL", "answered 'HTTP/1.1 400 Bad Request'"),
        (lax_peers.refusing_server, RESET, "FAILED", "Another connection was not accepted"),
        (lax_peers.refusing_server, EARLY_CLOSE, "INFORMATIONAL", "answered 'HTTP/1.1 400 Bad Request'"),
        (lax_peers.refusing_server, EARLY_UNMASKED, "INFORMATIONAL", "answered 'HTTP/1.1 400"),
        (lax_peers.refusing_server, FLOOD, "OK", "answered 'HTTP/1.1 400"),
        (lax_peers.keeping_server, EOF, "NON-STRICT", "did not end the connection"),
        (lax_peers.staying_server, EOF, "NON-STRICT", "did not end the TCP connection within"),
        (lax_peers.staying_server, EOF_AND_FRAMES, "INFORMATIONAL", "did not end the TCP connection within"),
        (lax_peers.masking_server, EOF_AND_FRAMES, "FAILED", "with a mask"),
        (talking_server, EOF_AND_FRAMES, "INFORMATIONAL", "Missing: a pong '?'"),
        (talking_server, EOF_AND_CLOSE, "INFORMATIONAL", "sent the code none"),
    ],
)
def test_a_server_that_accepts_later(peer: Any, title: str, behavior: str, said: str) -> None:
    name = number_of("X.1", title)
    report = against(peer, [name])[name]
    assert said in report["result"]
    assert (report["behavior"], report["behaviorClose"]) == (behavior, "OK")


def test_a_client_that_speaks_before_it_is_answered() -> None:
    name = number_of("X.2", "The response comes after 0.15 s: the client sends nothing")
    assert by(lax_peers.lax_client, [name])[name]["behavior"] == "OK"
    report = by(lax_peers.hasty_client, [name])[name]
    assert report["behavior"] == "FAILED"
    assert "sent more before the response came (RFC 6455 4.1)" in report["result"]


KEY_SENT = "dGhlIHNhbXBsZSBub25jZQ=="
ANSWER = Head(
    "HTTP/1.1 101 X",
    (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_token(KEY_SENT)),
    ),
)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        (("Content-Length", "0"), "Content-Length"),
        (("Transfer-Encoding", "chunked"), "Transfer-Encoding"),
        (("Sec-WebSocket-Protocol", "soap"), "Sec-WebSocket-Protocol"),
        (("Sec-WebSocket-Protocol", "CHAT"), "Sec-WebSocket-Protocol"),
        (("Sec-WebSocket-Protocol", ""), "Sec-WebSocket-Protocol"),
    ],
)
def test_a_fault_of_a_response_names_its_field(more: tuple[str, str], field: str) -> None:
    request = REQUEST.put(KEY, KEY_SENT).add("Sec-WebSocket-Protocol", "mqtt, chat,")
    assert response_fault(ANSWER.add("Sec-WebSocket-Protocol", "chat"), KEY_SENT, request) is None
    fault = response_fault(ANSWER.adding(more), KEY_SENT, request)
    assert fault is not None
    assert fault.field == field


@pytest.mark.parametrize(
    ("title", "response", "said"),
    [
        ("POST: a 405", b"HTTP/1.1 405 X\r\nContent-Length: 0\r\n\r\n", "lacks Allow: get"),
        ("Version 12: a 426 with", b"HTTP/1.1 426 X\r\nUpgrade: websocket\r\n\r\n", "lacks Connection: up"),
    ],
)  # fmt: skip
def test_a_refusal_that_does_not_say_what_it_has_to(title: str, response: bytes, said: str) -> None:
    name = number_of("X.1", title)
    report = against(answering(response), [name])[name]
    assert report["behavior"] == "FAILED"
    assert said in report["result"]


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ("permessage-deflate; client_max_window_bits, x-b; a=1", ""),
        ('permessage-deflate; server_max_window_bits="10"', ""),
        ("permessage-deflate;", "against the grammar"),
        ("", "against the grammar"),
        ("permessage-deflate; server_max_window_bits", "'server_max_window_bits' with the value None"),
        ("permessage-deflate; server_max_window_bits=16", "with the value '16'"),
        ("permessage-deflate; server_no_context_takeover=1", "with the value '1'"),
        ("permessage-deflate; x-unknown", "'x-unknown'"),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", "twice"),
    ],
)
def test_a_fault_of_a_client_s_offer(offer: str, said: str) -> None:
    seen = Seen("client", REQUEST.add("Sec-WebSocket-Extensions", offer))
    fault = offer_fault(seen)
    assert bool(fault) == bool(said)
    assert said in fault
    assert offer_fault(Seen("client", REQUEST)) == ""


def test_fields_that_a_client_was_told_to_send() -> None:
    wanted = request_with((("Origin", "http://a"), ("Cookie", "b=c")))
    assert wanted(Seen("client", REQUEST.adding(("Cookie", "b=c"), ("Origin", "http://a")))) == ""
    assert "has Cookie []" in wanted(Seen("client", REQUEST.add("Origin", "http://a")))
    twice = REQUEST.adding(("Origin", "http://a"), ("Origin", "http://a"), ("Cookie", "b=c"))
    assert "has Origin ['http://a', 'http://a']" in wanted(Seen("client", twice))
    invented = Seen("client", REQUEST.add("Origin", "http://a"))
    assert "has Origin" in request_with((("X-Extra", "1"),))(invented)
    assert invented.head_fault == "Origin"


# A server that speaks before it is asked:

SPEAKS = "The server says something before it is asked: a frame"
EMPTY_LINE = "The server sends an empty line"


async def leave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take what the server says for the end."""
    writer.close()


async def pass_over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask all the same, and echo."""
    writer.write(lax_peers.REQUEST.format(target="/runCase?case=1&agent=me", host="a").encode())
    await lax_peers.lax_client(reader, writer)


async def stay(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Neither leave nor ask."""
    await reader.read()


def asking_late(client: Any, name: str, modes: str = "ask") -> tuple[bytes, dict[str, Any]]:
    """Ask for the mode of a case, connect, and read a moment before the client goes on."""

    async def connect(url: str, target: str, run: Any) -> None:
        server = urlsplit(url)
        reader, writer = await asyncio.open_connection(server.hostname, server.port)
        if target:
            writer.write(lax_peers.REQUEST.format(target=target, host=server.netloc).encode())
        await run(reader, writer)
        writer.close()

    async def run() -> tuple[bytes, dict[str, Any]]:
        heard: list[bytes] = []
        reports: dict[str, Any] = {}

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                heard.append(await asyncio.wait_for(reader.read(2**16), 0.2))
            except asyncio.TimeoutError:
                heard.append(b"")
            await client(reader, writer)

        async def drive_all(url: str) -> None:
            await connect(url, f"/getCaseMode?case=1&modes={modes}", lax_peers.lax_client)
            await connect(url, "", listen)
            await connect(url, "/updateReports", lax_peers.lax_client)

        driving: asyncio.Task[None] | None = None
        async with aclosing(ExtraSuite("lax", PATIENCE).fuzz_client([name], NOWHERE)) as steps:
            async for step in steps:
                if isinstance(step, Listening):
                    driving = asyncio.create_task(drive_all(step.url))
                elif isinstance(step, Ended):
                    reports[step.case] = step.report
        assert driving is not None
        await driving
        return b"".join(heard), reports

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("client", "title", "behavior", "close", "said"),
    [
        (leave, SPEAKS, "OK", "OK", "The client failed the connection"),
        (leave, EMPTY_LINE, "OK", "OK", "did not take the response"),
        (pass_over, SPEAKS, "NON-STRICT", "OK", "took the response: a message came back"),
        (pass_over, EMPTY_LINE, "OK", "OK", "All came back"),
        (stay, SPEAKS, "NON-STRICT", "OK", "neither failed the connection nor answered"),
    ],
)
def test_a_client_that_hears_something_before_it_asks(
    client: Any, title: str, behavior: str, close: str, said: str
) -> None:
    name = number_of("X.2", title)
    heard, reports = asking_late(client, name)
    assert heard == (b"\x81\x05Hello" if title == SPEAKS else b"\r\n")
    report = reports[name]
    assert (report["behavior"], report["behaviorClose"]) == (behavior, close)
    assert said in report["result"]


def test_a_client_without_the_mode_hears_nothing_before_it_asks() -> None:
    name = number_of("X.2", SPEAKS)
    heard, reports = asking_late(pass_over, name, "ping")
    assert heard == b""
    assert reports[name]["result"] == "The client has no mode 'ask'."


# The library's testee:


def test_a_mode_tells_what_a_request_has() -> None:
    fields = [(b"origin", b"http://a"), (b"x-extra", b"caf\xe9"), (b"X-Extra", b"")]
    request = Request("a", "/field//x", extra_headers=fields)
    assert list(Mode("/field/Origin").told(request)) == [TextMessage("http://a")]
    assert list(Mode("/field/X-Extra").told(request)) == [TextMessage("caf\xe9"), TextMessage("")]
    assert list(Mode("/field/Cookie").told(request)) == []
    assert list(Mode("/target/anything").told(request)) == [TextMessage("/field//x")]
    assert list(Mode("/").told(request)) == []


def test_a_mode_has_fields_and_delays() -> None:
    fields = [(b"Origin", b"http://a"), (b"X", b"caf\xe9"), (b"X", b"")]
    assert Mode("/fields?Origin=http%3A%2F%2Fa&X=caf%C3%A9&X=").fields == fields
    assert Mode("/field?Origin=a").fields == []
    assert Mode("/accept?after=0.5").delay == Mode("/ask?after=0.5").delay == 0.5
    assert Mode("/?after=0.5").delay is None


REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nnot today"


def test_a_client_reads_the_body_of_a_refusal() -> None:
    with pytest.raises(Exception, match="refused the handshake with 403, and said b'not today'"):
        asyncio.run(FuzzingServer([REFUSED]).drive("me"))


def test_what_the_library_should_not_raise_ends_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("broken")

    monkeypatch.setattr("harness.testee.fuzz_client.Question._reply", broken)
    with pytest.raises(ZeroDivisionError, match="broken"):
        asyncio.run(FuzzingServer([REFUSED]).drive("me"))
