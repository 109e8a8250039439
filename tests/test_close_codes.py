"""Close codes, both ways: which may travel, as what (RFC 6455 7.4)."""

from __future__ import annotations

import pytest

from tests.closes import receive_close, sent_close
from tests.marks import roles
from tooling import frames as wire
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


@pytest.mark.requirement("R6455-7.4.1-06")
def test_a_client_may_name_the_missing_extensions_with_1010() -> None:
    sent = sent_close(ConnectionType.CLIENT, CloseReason.MANDATORY_EXT, "permessage-deflate")
    assert sent.payload == wire.close_payload(1010, "permessage-deflate")


@pytest.mark.requirement("R6455-7.4.1-02")
@roles
def test_1003_may_be_sent_for_an_unacceptable_type(role: ConnectionType) -> None:
    assert sent_close(role, CloseReason.UNSUPPORTED_DATA).payload == b"\x03\xeb"
