"""What section X sees in an opening handshake: each break of a peer is named, and the library has none."""

from __future__ import annotations

import base64
import json
import socket
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main
from harness.extra import EXTRA, driver, handshake_expectations, opening
from harness.extra.handshake_expectations import HEAD_GROWTH, FailsHandshake
from harness.extra.heads import REQUEST, HeadFault, key_fault, request_fault
from harness.extra.seen import Seen
from tests.harness import lax_peers
from tests.harness.test_extra_verdicts import against, by

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "TIMEOUT", 0.5)
    monkeypatch.setattr(opening, "FLOOD_SIZE", 2**20)


def number_of(group: str, title: str) -> str:
    """Find a case by what its title begins with."""
    return next(
        name for name, case in EXTRA.items() if name.startswith(f"{group}.") and case.title.startswith(title)
    )


def answering(response: bytes) -> Any:
    """A server that gives one response and ends."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        await writer.drain()

    return answer


def test_the_library_keeps_all_rules_of_the_handshake(tmp_path: Path) -> None:
    main(["run", "--cases", "X.1", "X.2", "X.5", "X.6", "--report", str(tmp_path)])
    for role in json.loads((tmp_path / "results.json").read_text())["setups"].values():
        different = [one for one in role["differences"] if one["kind"] != "slow"]
        assert different == [], "others may use the machine"
        for name, report in role["cases"].items():
            assert (report["behavior"], report["behaviorClose"]) == ("OK", "OK"), name


def test_the_status_of_a_refusal_is_in_the_report() -> None:
    name = number_of("X.1", "Version 12: a 426")
    report = against(answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), [name])[name]
    assert (report["behavior"], report["status"]) == ("OK", 400)
    assert against(lax_peers.lax_server, ["X.1.1"])["X.1.1"]["status"] is None
    assert against(lax_peers.silent_server, ["X.1.1"])["X.1.1"]["status"] is None


def test_a_status_that_the_rfc_names_is_demanded() -> None:
    name = number_of("X.1", "Host is")
    report = against(answering(b"HTTP/1.1 403 Forbidden\r\n\r\n"), [name])[name]
    assert report["behavior"] == "FAILED"
    assert report["result"] == "The server answered 'HTTP/1.1 403 Forbidden'. The status has to be 400."


def test_the_heads_are_in_the_wire_log_as_text_in_their_order() -> None:
    log = against(lax_peers.lax_server, ["X.1.12"])["X.1.12"]["wirelog"]
    assert [entry[0] for entry in log[:4]] == ["TH", "TF", "TO", "RH"]
    assert log[0][1].startswith("GET / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert log[3][1].startswith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
    assert log[3][2] == ""
    assert not any(entry[0] in {"TO", "RO"} and "48545450" in str(entry) for entry in log)  # HTTP, in hex


def test_the_field_at_fault_is_named() -> None:
    head = (
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"
    )
    report = against(answering(head), ["X.1.1"])["X.1.1"]
    assert report["behavior"] == "FAILED"
    assert [entry[2] for entry in report["wirelog"] if entry[0] == "RH"] == ["Sec-WebSocket-Accept"]


def test_a_long_head_is_cut_in_the_report() -> None:
    name = number_of("X.1", "A target of 64 KiB")
    report = against(lax_peers.lax_server, [name])[name]
    assert len(report["httpRequest"]) < 5000
    assert report["httpRequest"].endswith("aaa ...")


@pytest.mark.parametrize(
    ("response", "behavior", "said"),
    [
        (b"HTTP/1.1 426 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "OK", "said close and ended"),
        (b"HTTP/1.1 426 X\r\nContent-Length: 0\r\n\r\n", "NON-STRICT", "did not say close"),
        (b"HTTP/1.1 426 X\r\nContent-Length: 1\r\n\r\n!HTTP/1.1 200 Y\r\n\r\n", "OK", "'HTTP/1.1 200 Y'"),
        (b"HTTP/1.1 426 X\r\nConnection: close\r\n\r\nHTTP/1.1 200 Y\r\n\r\n", "FAILED", "although"),
        (b"HTTP/1.1 101 X\r\n\r\n", "FAILED", "accepted the request"),
    ],
)  # fmt: skip
def test_a_request_behind_a_refused_one(response: bytes, behavior: str, said: str) -> None:
    name = number_of("X.1", "A valid request behind one with version 12")
    report = against(answering(response), [name])[name]
    assert report["behavior"] == behavior
    assert said in report["result"]


def test_a_server_that_leaves_the_next_request_without_an_answer() -> None:
    name = number_of("X.1", "A valid request behind one with no key")
    report = against(lax_peers.keeping_server, [name])[name]
    assert report["behavior"] == "FAILED"
    assert "left the next request without an answer" in report["result"]


@pytest.mark.parametrize("title", ["Transfer-Encoding and Content-Length", "“Content-Length: x”"])
def test_a_server_that_has_to_end_the_connection(title: str) -> None:
    name = number_of("X.1", title)
    report = against(lax_peers.keeping_server, [name])[name]
    assert (report["behavior"], report["status"]) == ("FAILED", 400)
    assert "did not end the connection" in report["result"]


def test_a_server_that_accepts_half_a_request() -> None:
    name = number_of("X.1", "End of file in the head, before its last")
    report = against(lax_peers.hasty_server, [name])[name]
    assert (report["behavior"], report["result"][:40]) == (
        "NON-STRICT",
        "The server accepted the request with 101",
    )


def test_a_server_that_refuses_an_offer_breaks_no_rule() -> None:
    for name in ("X.5.5", "X.5.8", "X.5.9"):
        report = against(lax_peers.refusing_server, [name])[name]
        assert report["behavior"] == "NON-STRICT"
        assert "RFC 6455 4.2.2" in report["result"]
    assert against(lax_peers.lax_server, ["X.5.9"])["X.5.9"]["behavior"] == "FAILED"


def test_a_client_that_takes_a_head_that_may_be_refused_or_leaves() -> None:
    name = number_of("X.2", "A NUL in a field")
    for peer in (lax_peers.lax_client, lax_peers.leaving_client):
        report = by(peer, [name])[name]
        assert (report["behavior"], report["behaviorClose"]) == ("OK", "OK")
    assert by(lax_peers.staying_client, [name])[name]["behavior"] == "FAILED"


def test_a_client_that_stays_after_end_of_file_in_the_head() -> None:
    name = number_of("X.2", "End of file in the head, in a field")
    report = by(lax_peers.staying_client, [name])[name]
    assert (report["behavior"], report["result"]) == (
        "FAILED",
        "The client neither failed the connection nor answered.",
    )


def test_a_peer_that_keeps_a_head_or_body_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_expectations, "HEAD_GROWTH", -1)  # memory of this process is used again
    floods = [name for name, case in EXTRA.items() if case.flood]
    assert len(floods) >= 10
    servers = [name for name in floods if "server" in EXTRA[name].roles]
    reports = against(lax_peers.silent_server, servers)
    reports |= by(lax_peers.staying_client, [name for name in floods if name not in servers])
    for name, report in reports.items():
        assert report["behavior"] == "NON-STRICT", name
        assert "memory grew by" in report["result"], name
        assert len(report["wirelog"]) < 100
    assert reports.keys() == set(floods)


KEY = base64.b64encode(bytes(range(16))).decode()
GOOD = REQUEST.put("Host", "127.0.0.1:9001").put("Sec-WebSocket-Key", KEY)


@pytest.mark.parametrize(
    ("head", "field"),
    [
        (GOOD.put("Host", "127.0.0.1"), "Host"),  # without its port
        (GOOD.begin("GET /chat#x HTTP/1.1"), ""),
        (GOOD.begin("GET /caf\xe9 HTTP/1.1"), ""),
        (GOOD.put("Sec-WebSocket-Key", base64.b64encode(b"x" * 16).decode()), "Sec-WebSocket-Key"),
        (GOOD.put("Sec-WebSocket-Key", base64.b64encode(b"x" * 15).decode()), "Sec-WebSocket-Key"),
        (GOOD.put("Sec-WebSocket-Version", "12"), "Sec-WebSocket-Version"),
        (GOOD.drop("Upgrade"), "Upgrade"),
        (GOOD.drop("Connection"), "Connection"),
        (GOOD.adding(("Origin", "http://a"), ("Origin", "http://a")), "Origin"),
    ],
)
def test_a_fault_of_a_request_names_its_field(head: Any, field: str) -> None:
    fault = request_fault(head, "127.0.0.1:9001")
    assert isinstance(fault, HeadFault)
    assert fault.field == field


def test_a_good_request_has_no_fault_and_a_key_of_one_random_byte_has() -> None:
    assert request_fault(GOOD, "127.0.0.1:9001") is None
    other = base64.b64encode(bytes(range(15)) + b"!").decode()
    fault = key_fault(GOOD, {other})
    assert fault is not None
    assert "15 bytes of the earlier key" in fault.text
    assert key_fault(GOOD, {base64.b64encode(bytes(range(100, 116))).decode()}) is None


def test_titles_have_no_markdown() -> None:
    assert [case.title for case in EXTRA.values() if "`" in case.title] == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "refused the handshake with 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "refused the handshake with 200"),
        (b"HTTP/1.1 101 X\r\n\r\n", ""),
        (b"\x00\xff\x00\xff\r\n\r\n", ""),
        (b"", "ended before the opening handshake was complete"),
    ],
)
def test_driving_at_another_server_is_one_line(
    answer: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_one_line(lambda _: answer, said, capsys)


ACCEPTED_THEN = [
    (b"\x81\x05Hello", "not a number of cases"),
    (b"\x82\x01\x00", "not a number of cases"),
    (b"\xff\xff\xff", ""),
    (b"\x88\x02\x03\xe8", "before its answer"),
    (b"", "before its answer"),
]


@pytest.mark.parametrize(("frames", "said"), ACCEPTED_THEN)
def test_driving_at_another_websocket_server_is_one_line(
    frames: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_one_line(lambda request: plainly_accepted(request) + frames, said, capsys)


def plainly_accepted(request: bytes) -> bytes:
    """Accept without an extension."""
    return lax_peers.accepted(request.replace(b"Sec-WebSocket-Extensions", b"X-Unknown"))


def assert_one_line(answer: Any, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(answer(connection.recv(2**16)))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(2**16):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Thread(target=serve)
        server.start()
        url = f"ws://127.0.0.1:{listening.getsockname()[1]}"
        code = main(["drive", url, "--handshake-timeout", "2"])
        server.join()
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith(f"error: {url}/getCaseCount")
    assert captured.err.count("\n") == 1
    assert said in captured.err


def test_a_client_that_has_kept_too_much_is_not_waited_for() -> None:
    for growth, settled in ((None, False), (HEAD_GROWTH, False), (HEAD_GROWTH + 1, True)):
        assert FailsHandshake().settled(Seen("client", growth=growth)) is settled
