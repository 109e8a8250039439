"""What cannot be tested is said at once, in one line, with exit code 2."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from harness.endpoints.target import is_loopback, parse
from harness.extra import limits
from harness.extra.heads import REQUEST
from tests.harness import lax_peers
from tests.harness.endpoint_servers import Certificate, served
from tests.harness.recorder import Recorder
from tests.harness.test_cli import error_of
from tooling.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = "ws://127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "value", "rule"),
    [
        ([], "no server", "ws:// or wss://HOST:PORT/PATH?QUERY"),
        (["http://localhost:1"], "'http://localhost:1'", "ws:// or wss://"),
        (["ws://"], "'ws://'", "ws:// or wss://"),
        (["ws://localhost:99999"], "'ws://localhost:99999'", "Port out of range"),
        (["ws://localhost:0"], "'ws://localhost:0'", "nobody listens on port 0"),
        (["ws://me@localhost:1"], "'ws://me@localhost:1'", "RFC 6455 3"),
        (["ws://localhost:1/#x"], "'ws://localhost:1/#x'", "fragment"),
        (["ws://localhost:1/a b"], "'ws://localhost:1/a b'", "percent-encoded"),
        (["ws://localhost:1/caf\xe9"], "'ws://localhost:1/caf\xe9'", "percent-encoded"),
        (["ws://example.com"], "example.com", "--remote"),
        (["ws://192.0.2.1:80"], "192.0.2.1", "test only what you may test"),
        (["ws://127.0.0.1:{port}"], "'ws://127.0.0.1:{port}'", "--command"),
        ([LOCAL, "--header", "X-One"], "'X-One'", "NAME: VALUE"),
        ([LOCAL, "--header", "X One: 1"], "'X One: 1'", "NAME: VALUE"),
        ([LOCAL, "--header", "X-One: a\r\nb"], "'X-One: a\\r\\nb'", "RFC 9110 5.5"),
        ([LOCAL, "--header", "host: x"], "'host: x'", "the cases write themselves"),
        ([LOCAL, "--header", "Sec-WebSocket-Protocol: x"], "'Sec-WebSocket-Protocol: x'", "--subprotocol"),
        ([LOCAL, "--subprotocol", "a b"], "'a b'", "RFC 6455 4.1"),
        ([LOCAL, "--origin", "a\nb"], "'a\\nb'", "RFC 9110 5.5"),
        ([LOCAL, "--insecure"], f"'{LOCAL}'", "wss://"),
        (["wss://localhost:1", "--ca", "/nowhere"], "'/nowhere'", "does not exist"),
        (["wss://localhost:1", "--ca", __file__], __file__, "no certificate in PEM"),
        (["wss://localhost:1", "--ca", __file__, "--insecure"], "--insecure", "give one of them"),
        ([LOCAL, "--cases", "6.40"], "'6.40'", "means no case"),
        ([LOCAL, "--exclude", "6.40"], "'6.40'", "means no case"),
        ([LOCAL, "--cases", "X.9"], f"{len(limits.CASES)} extra cases", "--max-message-size"),
        ([LOCAL, "--cases", "12", "--without", "compression"], "90 cases", "permessage-deflate"),
        ([LOCAL, "--cases", "X.2"], "'X.2'", "no case of a server"),
        ([LOCAL, "--cases", "9.1.6", "--max-message-size", "4096"], "1 case", "4096 bytes"),
        ([LOCAL, "--without", "tls"], "'tls'", "compression"),
        ([LOCAL, "--max-message-size", "0"], "0", "x>=1024"),
        ([LOCAL, "--fail-on", "may"], "'may'", "'must', 'should'"),
        ([LOCAL, "--jobs", "0"], "0", "1<=x<=64"),
        ([LOCAL, "--timeout", "0"], "0", "x>0"),
        ([LOCAL, "--update-baseline"], "--update-baseline", "--baseline FILE"),
        ([LOCAL, "--baseline", "/nowhere.json"], "/nowhere.json", "--update-baseline"),
        ([LOCAL, "--baseline", "/nowhere.json", "--fail-on", "must"], "--fail-on must", "--baseline"),
        (["--command", "'"], '"\'"', "not a command line"),
        (["--command", "no-such-program {port}"], "'no-such-program'", "there is no program"),
        ([LOCAL, "--failed", "--report", "/nowhere"], "/nowhere/results.json", "there is no"),
        ([LOCAL], LOCAL, "refused, nobody listens there"),
        (["ws://a..b:1", "--remote"], "ws://a..b:1", "is not known"),
        ([f"ws://{'a' * 64}.example:1", "--remote"], "a.example:1", "is not known"),
    ],
)
def test_a_wrong_call_is_one_line_with_the_value_and_the_rule(
    arguments: list[str], value: str, rule: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = [] if "--report" in arguments else ["--report", str(tmp_path)]
    line = error_of(["test", *arguments, *report], capsys)
    assert value in line
    assert rule in line


async def not_http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9\r\n")
    writer.close()


async def over_http2(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/2 101\r\n\r\n")
    writer.close()


async def moved(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
    writer.close()


async def wrong_token(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(lax_peers.accepted(head).replace(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x"))
    writer.close()


async def not_an_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")))
    await reader.read()


async def leaving(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (lax_peers.silent_server, "did not answer the opening handshake within 0.2 s"),
        (lax_peers.refusing_server, "answers 'HTTP/1.1 400 Bad Request', not 101 (RFC 6455 4.2.2)"),
        (moved, "answers 'HTTP/1.1 302 Found, Location: /elsewhere', not 101"),
        (not_http, "does not answer by HTTP, but with b'SSH-2.0-OpenSSH_9"),
        (over_http2, "does not answer by HTTP/1.1, but with 'HTTP/2 101'"),
        (wrong_token, "not 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='"),
        (not_an_echo, "nothing came back within 0.2 s for the text 'Hello'"),
        (leaving, "ended the connection without an answer"),
    ],
)
def test_what_is_no_echoing_websocket_server_is_said_at_once(
    handler: Any, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with served(handler) as port:
        url = f"ws://127.0.0.1:{port}/x?y"
        line = error_of(["test", url, "--timeout", "1", "--report", str(tmp_path / "report")], capsys)
    assert line.startswith(f"error: {url}: ")
    assert said in line
    assert not (tmp_path / "report").exists(), "the last report stays as it was"


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("wss://localhost:{}", [], "certificate verify failed: unable to get local issuer certificate"),
        ("wss://localhost:{}", ["--ca", "{other}"], "certificate verify failed"),
        ("wss://[::ffff:127.0.0.1]:{}", ["--ca", "{ca}"], "IP address mismatch"),
        ("ws://localhost:{}", [], "(RFC 6455|wss|ended)"),
    ],
)
def test_a_fault_of_tls_is_said_at_once(
    url: str, options: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    certificate = Certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other = Certificate(tmp_path / "other")
    options = [option.format(ca=certificate.authority, other=other.authority) for option in options]
    with served(Recorder(), certificate.context) as port:
        line = error_of(["test", url.format(port), *options, "--remote", "--timeout", "5"], capsys)
    assert url.format(port) in line
    assert any(part in line for part in said.strip("()").split("|"))


def test_a_server_without_tls_is_no_target_of_wss(capsys: pytest.CaptureFixture[str]) -> None:
    with served(lax_peers.refusing_server) as port:
        line = error_of(["test", f"wss://127.0.0.1:{port}", "--insecure", "--timeout", "5"], capsys)
    assert "no handshake of TLS" in line


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("a.localhost", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("fe80::1%lo", False),
    ],
)
def test_only_loopback_is_this_machine(host: str, *, is_local: bool) -> None:
    assert is_loopback(host) is is_local


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "target"),
    [
        ("ws://localhost", "localhost", 80, "localhost", "/"),
        ("wss://localhost", "localhost", 443, "localhost", "/"),
        ("ws://localhost:80/a?b=c&d", "localhost", 80, "localhost:80", "/a?b=c&d"),
        ("ws://[::1]:9001?q", "::1", 9001, "[::1]:9001", "/?q"),
    ],
)
def test_the_parts_of_a_url(url: str, host: str, port: int, authority: str, target: str) -> None:
    place = parse(url).place
    assert (place.host, place.port, place.authority, place.target) == (host, port, authority, target)


@pytest.mark.parametrize(
    ("start", "asked"),
    [
        ("GET / HTTP/1.1", "GET /chat?a=1 HTTP/1.1"),
        ("POST / HTTP/1.1", "POST /chat?a=1 HTTP/1.1"),
        ("GET /", "GET /chat?a=1"),
        ("GET /aaa HTTP/1.1", "GET /chat?a=1&aaa HTTP/1.1"),
        ("GET /x#y HTTP/1.1", "GET /chat?a=1&x#y HTTP/1.1"),
        ("GET http://{host}/ HTTP/1.1", "GET http://{host}/chat?a=1 HTTP/1.1"),
        ("GET * HTTP/1.1", "GET * HTTP/1.1"),
    ],
)
def test_a_case_asks_for_the_target_in_its_own_way(start: str, asked: str) -> None:
    place = parse("ws://localhost/chat?a=1").place
    assert place.asked(REQUEST.begin(start)).start == asked


def test_the_fields_of_the_user_stand_behind_the_host() -> None:
    place = parse(
        "ws://localhost/", headers=["Cookie: mine", "X-A:"], subprotocols=["one", "two"], origin="http://me"
    ).place
    request = place.asked(REQUEST.add("Cookie", "of the case"))
    assert request.fields[:5] == (
        ("Host", "{host}"),
        ("Cookie", "mine"),
        ("X-A", ""),
        ("Origin", "http://me"),
        ("Sec-WebSocket-Protocol", "one, two"),
    )
    assert request.values("Cookie") == ["mine"]
    own = place.asked(REQUEST.add("Sec-WebSocket-Protocol", "of-the-case"))
    assert own.values("Sec-WebSocket-Protocol") == ["of-the-case"]
    assert place.asked(REQUEST.only_start()) == REQUEST.only_start(), "what has no end gets no more"


def test_a_port_that_takes_no_connection_in_time_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "create_connection", never)
    line = error_of(["test", LOCAL, "--timeout", "1", "--report", str(tmp_path)], capsys)
    assert "no connection within 0.2 s" in line


def test_an_unknown_zone_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert socket.has_ipv6
    line = error_of(["test", "ws://[fe80::1%25nowhere]:1", "--remote", "--timeout", "5"], capsys)
    assert "ws://[fe80::1%25nowhere]:1" in line


def test_a_context_is_made_for_tls_alone() -> None:
    assert parse("ws://localhost").place.context is None
    assert parse("wss://localhost").place.context is not None
    with pytest.raises(CommandError, match="wss://"):
        parse("ws://localhost", insecure=True)
