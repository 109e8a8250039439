"""Close codes and reasons, both ways: which may travel, as what (RFC 6455 7.4)."""

from __future__ import annotations

import pytest

from tests.marks import roles
from tests.oracle import wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError

NAMED = {
    "NORMAL_CLOSURE": 1000,
    "GOING_AWAY": 1001,
    "PROTOCOL_ERROR": 1002,
    "UNSUPPORTED_DATA": 1003,
    "NO_STATUS_RCVD": 1005,
    "ABNORMAL_CLOSURE": 1006,
    "INVALID_FRAME_PAYLOAD_DATA": 1007,
    "POLICY_VIOLATION": 1008,
    "MESSAGE_TOO_BIG": 1009,
    "MANDATORY_EXT": 1010,
    "INTERNAL_ERROR": 1011,
    "SERVICE_RESTART": 1012,
    "TRY_AGAIN_LATER": 1013,
    "BAD_GATEWAY": 1014,
    "TLS_HANDSHAKE_FAILED": 1015,
}

TRAVEL = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
WRITTEN_OTHERWISE: dict[int, int | None] = {1005: None, 1006: 1000, 1015: 1000}
SENDABLE = TRAVEL | set(WRITTEN_OTHERWISE)
ALL_CODES = [*range(5200), 9999, 32767, 32768, 65535]


def receive_close(role: ConnectionType, payload: bytes) -> tuple[Connection, CloseConnection]:
    connection = Connection(role)
    client = role is ConnectionType.CLIENT
    (event,) = wire.receive(connection, wire.peer_frame(client, wire.CLOSE, payload))
    assert type(event) is CloseConnection
    return connection, event


def sent_close(role: ConnectionType, code: int, reason: str | None = None) -> wire.WireFrame:
    return wire.decode_frame(Connection(role).send(CloseConnection(code, reason)))


def test_close_reason_names_the_registered_codes() -> None:
    assert {reason.name: reason.value for reason in CloseReason} == NAMED
    assert all(isinstance(reason, int) for reason in CloseReason)


@pytest.mark.requirement(
    "R6455-7.4.1-01",
    "R6455-7.4.1-03",
    "R6455-7.4.1-04",
    "R6455-7.4.1-05",
    "R6455-7.4.1-08",
    "R6455-7.4.2-01",
    "R6455-7.4.2-02",
    "R6455-7.4.2-03",
)
@roles
def test_every_received_code_is_passed_on_or_is_a_protocol_error(role: ConnectionType) -> None:
    wrong = {}
    for code in ALL_CODES:
        connection, event = receive_close(role, wire.close_payload(code, "why"))
        accepted = (event.code, event.reason) == (code, "why") and connection.protocol_error is None
        refused = event.code == 1002 and event.reason != "why" and connection.protocol_error is not None
        if (accepted, refused) != (code in TRAVEL, code not in TRAVEL):
            wrong[code] = event
    assert not wrong


@roles
def test_every_received_close_can_be_answered_as_it_came(role: ConnectionType) -> None:
    wrong = {}
    for code in ALL_CODES:
        connection, event = receive_close(role, wire.close_payload(code, "why"))
        answer = wire.decode_frame(connection.send(event.response()))
        expected = (code, "why") if code in TRAVEL else (1002, event.reason)
        if (
            answer.close_code,
            answer.close_reason,
        ) != expected or connection.state is not ConnectionState.CLOSED:
            wrong[code] = answer
    assert not wrong


@roles
def test_every_received_code_that_has_a_name_comes_as_the_member(role: ConnectionType) -> None:
    for code in sorted(TRAVEL):
        _, event = receive_close(role, wire.close_payload(code))
        assert type(event.code) is (CloseReason if code < 3000 else int)


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
    assert event.code == 1002
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


@pytest.mark.requirement(
    "R6455-7.4-01",
    "R6455-7.4.1-01",
    "R6455-7.4.1-03",
    "R6455-7.4.1-04",
    "R6455-7.4.1-05",
    "R6455-7.4.1-08",
    "R6455-7.4.2-01",
    "R6455-7.4.2-02",
    "R6455-7.4.2-03",
)
@roles
def test_every_sent_code_travels_is_replaced_or_is_refused(role: ConnectionType) -> None:
    wrong: dict[int, object] = {}
    for code in [-(2**70), -65536, -1000, -1, *ALL_CODES, 65536, 66536, 70000, 2**70]:
        connection = Connection(role)
        expected = WRITTEN_OTHERWISE.get(code, code) if code in SENDABLE else "refused"
        actual: object
        try:
            actual = wire.decode_frame(connection.send(CloseConnection(code))).close_code
        except LocalProtocolError:
            actual = "refused" if connection.state is ConnectionState.OPEN else connection.state
        if actual != expected:
            wrong[code] = actual
    assert not wrong


@roles
@pytest.mark.parametrize("reason", CloseReason, ids=lambda reason: reason.name)
def test_a_code_is_sent_alike_as_number_and_as_member(role: ConnectionType, reason: CloseReason) -> None:
    member = sent_close(role, reason)
    number = sent_close(role, int(reason))
    assert member.payload == number.payload
    assert member.close_code == WRITTEN_OTHERWISE.get(int(reason), int(reason))


@pytest.mark.requirement("R6455-7.4.1-05", "R6455-7.4.1-08")
@roles
@pytest.mark.parametrize("code", [1006, 1015])
def test_codes_that_never_travel_are_written_as_1000_with_their_reason(
    role: ConnectionType, code: int
) -> None:
    assert sent_close(role, code, "why").payload == wire.close_payload(1000, "why")


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


@pytest.mark.requirement("R6455-7.4.1-06")
def test_a_client_may_name_the_missing_extensions_with_1010() -> None:
    sent = sent_close(ConnectionType.CLIENT, CloseReason.MANDATORY_EXT, "permessage-deflate")
    assert sent.payload == wire.close_payload(1010, "permessage-deflate")


@pytest.mark.requirement("R6455-7.4.1-02")
@roles
def test_1003_may_be_sent_for_an_unacceptable_type(role: ConnectionType) -> None:
    assert sent_close(role, CloseReason.UNSUPPORTED_DATA).payload == b"\x03\xeb"


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
