"""The payload of a Close: its code and reason, read and written (RFC 6455 5.5.1)."""

from __future__ import annotations

import pytest

from tests.closes import receive_close, sent_close
from tests.marks import roles
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.close_frame import written_close
from wsproto.events import CloseConnection
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError


@pytest.mark.requirement("R6455-5.5.1-01", "R6455-7.1.5-02", "R6455-7.1.6-01", "R6455-5.5.1-08")
@roles
def test_a_close_without_a_code_is_1005_and_is_answered_without_one(role: ConnectionType) -> None:
    connection, event = receive_close(role, b"")
    assert event == CloseConnection(1005, "")
    assert type(event.code) is CloseReason
    assert wire.decode_frame(connection.send(event.response())).payload == b""


@pytest.mark.requirement("R6455-7.1.6-01")
@roles
def test_a_close_without_a_reason_has_an_empty_reason(role: ConnectionType) -> None:
    assert receive_close(role, wire.close_payload(1000))[1] == CloseConnection(1000, "")


@pytest.mark.requirement("R6455-5.5.1-02", "R6455-7.1.5-01")
@roles
def test_the_code_is_big_endian(role: ConnectionType) -> None:
    assert receive_close(role, b"\x03\xe9")[1] == CloseConnection(1001, "")
    assert receive_close(role, b"\xe9\x03")[1].code == 1002


@pytest.mark.requirement("R6455-5.5.1-02")
@roles
@pytest.mark.parametrize("payload", [b"\x00", b"\x03", b"\xff"], ids=bytes.hex)
def test_a_close_payload_of_one_byte_is_a_protocol_error(role: ConnectionType, payload: bytes) -> None:
    connection, event = receive_close(role, payload)
    assert event == CloseConnection(1002, "Close frame with a payload of 1 byte (RFC 6455 5.5.1)")
    assert connection.protocol_error is not None


@pytest.mark.requirement("R6455-5.5.1-03", "R6455-8.1-01", "R6455-7.4.1-09")
@roles
@pytest.mark.parametrize(
    "reason",
    [b"\xff", b"ok\x80", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a" * 122 + b"\xc3"],
    ids=["not-utf8", "lone", "truncated", "overlong", "surrogate", "above-10ffff", "truncated-at-123"],
)
def test_a_reason_that_is_no_utf8_is_invalid_payload(role: ConnectionType, reason: bytes) -> None:
    connection, event = receive_close(role, wire.close_payload(1000, reason))
    assert event.code == 1007
    assert connection.protocol_error is not None
    assert wire.decode_frame(connection.send(event.response())).close_code == 1007


@pytest.mark.requirement("R6455-5.5.1-03", "R6455-7.1.6-01")
@roles
@pytest.mark.parametrize(
    "reason", ["bye", "a" * 123, "é" * 61, "€" * 41, "😀" * 30, "\0", "\ufeffbom", "\U0010ffff"]
)
def test_a_received_reason_is_passed_on_and_echoed_whole(role: ConnectionType, reason: str) -> None:
    connection, event = receive_close(role, wire.close_payload(4321, reason))
    assert event == CloseConnection(4321, reason)
    assert wire.decode_frame(connection.send(event.response())).payload == wire.close_payload(4321, reason)


@pytest.mark.requirement("R6455-7.4.1-04")
@roles
@pytest.mark.parametrize("reason", [None, ""])
def test_1005_sends_an_empty_close(role: ConnectionType, reason: str | None) -> None:
    assert sent_close(role, 1005, reason).payload == b""


@roles
def test_a_reason_without_a_code_is_refused(role: ConnectionType) -> None:
    connection = Connection(role)
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(CloseConnection(1005, "why"))
    assert isinstance(caught.value, TypeError)
    assert connection.state is ConnectionState.OPEN


@pytest.mark.requirement("R6455-7.1.2-01", "R6455-7.4-01")
@roles
@pytest.mark.parametrize(("code", "reason"), [(1000, None), (1000, ""), (1001, "bye"), (4999, "€")])
def test_a_close_carries_its_code_and_reason(role: ConnectionType, code: int, reason: str | None) -> None:
    assert sent_close(role, code, reason).payload == wire.close_payload(code, reason or "")


@pytest.mark.requirement("R6455-5.5-01")
@roles
@pytest.mark.parametrize(
    ("reason", "cut"),
    [
        ("a" * 123, "a" * 123),
        ("a" * 124, "a" * 123),
        ("a" * 100_000, "a" * 123),
        ("é" * 62, "é" * 61),
        ("a" + "é" * 61, "a" + "é" * 61),
        ("a" + "é" * 62, "a" + "é" * 61),
        ("€" * 42, "€" * 41),
        ("a" + "€" * 41, "a" + "€" * 40),
        ("aa" + "€" * 41, "aa" + "€" * 40),
        ("😀" * 31, "😀" * 30),
        ("a" * 120 + "😀", "a" * 120),
        ("a" * 119 + "😀", "a" * 119 + "😀"),
    ],
)
def test_a_long_reason_is_cut_at_123_bytes_on_a_code_point(
    role: ConnectionType, reason: str, cut: str
) -> None:
    assert sent_close(role, 1000, reason).payload == wire.close_payload(1000, cut)


@roles
@pytest.mark.parametrize(
    "code",
    ["1000", b"\x03\xe8", 1000.5, None, object(), [1000], True, False],
    ids=lambda code: repr(code)[:12],
)
def test_a_code_that_is_no_number_is_a_local_error_or_no_code(role: ConnectionType, code: object) -> None:
    connection = Connection(role)
    with pytest.raises(LocalProtocolError):
        connection.send(CloseConnection(code, "why"))  # type: ignore[arg-type]
    assert connection.state is ConnectionState.OPEN


@roles
@pytest.mark.parametrize(
    "reason",
    [b"bye", bytearray(b"bye"), 1, ["bye"], "\ud800", "ok\udfff"],
    ids=lambda reason: ascii(reason)[:12],
)
def test_a_reason_that_is_no_text_is_a_local_error(role: ConnectionType, reason: object) -> None:
    connection = Connection(role)
    with pytest.raises(LocalProtocolError):
        connection.send(CloseConnection(1000, reason))  # type: ignore[arg-type]
    assert connection.state is ConnectionState.OPEN


def test_a_reason_that_is_not_valid_unicode_is_the_caller_s_fault() -> None:
    with pytest.raises(LocalProtocolError, match="A close reason that is not valid Unicode"):
        written_close(1000, "\ud800")
    with pytest.raises(LocalProtocolError, match="A close reason needs a close code"):
        written_close(None, "why")
    with pytest.raises(LocalProtocolError, match="A close code must be an int, not '1000'"):
        written_close("1000", None)  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError, match="A close reason must be a str, not b'why'"):
        written_close(1000, b"why")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [1006, 1015])
def test_a_code_that_never_travels_becomes_1000(code: int) -> None:
    assert written_close(code, "why") == wire.close_payload(1000, "why")
