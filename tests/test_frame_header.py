"""Frame headers: what is refused, as soon as it shows; how lengths are read and written (RFC 6455 5.2)."""

from __future__ import annotations

import tracemalloc
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.marks import roles
from tests.oracle.handshake_bytes import pieces_joined
from tests.oracle.receiving import receive, receive_cut, single_bytes
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto import frame_header as header
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.extensions import Extension
from wsproto.frame_protocol import Opcode, RsvBits

if TYPE_CHECKING:
    from wsproto.extension import Side

LENGTHS = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537, 200_000]


def peer(
    role: ConnectionType,
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    length_form: wire.LengthForm | None = None,
    length: int | None = None,
) -> bytes:
    return wire.peer_frame(
        role is ConnectionType.CLIENT,
        opcode,
        payload,
        fin=fin,
        rsv=rsv,
        length_form=length_form,
        length=length,
    )


def assert_refused_at(connection: Connection, data: bytes, size: int) -> None:
    """The connection takes all but the last of the first `size` bytes of `data`, and fails with that one."""
    assert receive_cut(connection, single_bytes(data[: size - 1])) == []
    assert connection.state is ConnectionState.OPEN
    (event,) = receive(connection, data[size - 1 : size])
    assert type(event) is CloseConnection
    assert event.code == 1002
    assert connection.protocol_error is not None
    assert connection.state.name == "REMOTE_CLOSING"


def assert_refused_within(connection: Connection, data: bytes) -> None:
    """The connection fails somewhere in `data`, and yields nothing else."""
    (event,) = receive_cut(connection, single_bytes(data))
    assert type(event) is CloseConnection
    assert event.code == 1002
    assert connection.protocol_error is not None


def begun(role: ConnectionType, opcode: int = wire.TEXT) -> Connection:
    connection = Connection(role)
    receive(connection, peer(role, opcode, b"", fin=False))
    return connection


# The first byte.


@pytest.mark.requirement("R6455-5.2-03", "R6455-5.8-01")
@roles
@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", Opcode, ids=lambda opcode: opcode.name.lower())
def test_reserved_bits_are_refused_at_the_first_byte(role: ConnectionType, rsv: int, opcode: Opcode) -> None:
    connection = begun(role) if opcode is Opcode.CONTINUATION else Connection(role)
    assert_refused_at(connection, peer(role, opcode, b"", rsv=rsv), 1)


@pytest.mark.requirement("R6455-5.2-04")
@roles
@pytest.mark.parametrize("opcode", [*range(0x3, 0x8), *range(0xB, 0x10)], ids=hex)
@pytest.mark.parametrize("fin", [True, False], ids=["fin", "no-fin"])
def test_unknown_opcodes_are_refused_at_the_first_byte(role: ConnectionType, opcode: int, fin: bool) -> None:
    assert_refused_at(Connection(role), peer(role, opcode, fin=fin), 1)
    assert_refused_at(begun(role), peer(role, opcode, fin=fin), 1)


class Anything(Extension):
    """An extension that gives every reserved bit of every frame a meaning."""

    name = "x-anything"

    def enabled(self) -> bool:
        return True

    def frame_inbound_header(self, proto: Side, opcode: Opcode, rsv: RsvBits, payload_length: int) -> RsvBits:  # noqa: ARG002
        return RsvBits(True, True, True)


@pytest.mark.requirement("R6455-5.2-04")
@roles
@pytest.mark.parametrize("opcode", [*range(0x3, 0x8), *range(0xB, 0x10)], ids=hex)
def test_no_extension_makes_an_unknown_opcode_known(role: ConnectionType, opcode: int) -> None:
    assert_refused_at(Connection(role, [Anything()]), peer(role, opcode), 1)


@pytest.mark.requirement("R6455-5.4-05", "R6455-5.5-02")
@roles
@pytest.mark.parametrize("opcode", [wire.CLOSE, wire.PING, wire.PONG], ids=["close", "ping", "pong"])
def test_fragmented_control_frames_are_refused_at_the_first_byte(role: ConnectionType, opcode: int) -> None:
    assert_refused_at(Connection(role), peer(role, opcode, fin=False), 1)
    assert_refused_at(begun(role), peer(role, opcode, fin=False), 1)


@pytest.mark.requirement("R6455-5.4-01")
@roles
@pytest.mark.parametrize("fin", [True, False], ids=["fin", "no-fin"])
def test_a_continuation_of_nothing_is_refused_at_the_first_byte(role: ConnectionType, fin: bool) -> None:
    continuation = peer(role, wire.CONTINUATION, b"x", fin=fin)
    assert_refused_at(Connection(role), continuation, 1)
    for before in (
        [peer(role, wire.TEXT, b"x")],
        [peer(role, wire.TEXT, b"x", fin=False), peer(role, wire.CONTINUATION, b"x")],
        [peer(role, wire.PING, b"x")],
    ):
        connection = Connection(role)
        receive_cut(connection, before)
        assert_refused_at(connection, continuation, 1)


@pytest.mark.requirement("R6455-5.4-07")
@roles
@pytest.mark.parametrize("first", [wire.TEXT, wire.BINARY], ids=["in-text", "in-binary"])
@pytest.mark.parametrize("second", [wire.TEXT, wire.BINARY], ids=["text", "binary"])
@pytest.mark.parametrize("fin", [True, False], ids=["fin", "no-fin"])
def test_a_new_message_inside_a_message_is_refused_at_the_first_byte(
    role: ConnectionType, first: int, second: int, fin: bool
) -> None:
    assert_refused_at(begun(role, first), peer(role, second, b"x", fin=fin), 1)


# The second byte.


@pytest.mark.requirement("R6455-5.1-02", "R6455-5.1-03", rows="*server")
@pytest.mark.requirement("R6455-5.1-05", "R6455-5.1-06", rows="*client")
@pytest.mark.requirement("R6455-5.2-09")
@roles
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65536])
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY, wire.CLOSE, wire.PING, wire.PONG])
def test_the_wrong_mask_direction_is_refused_at_the_second_byte(
    role: ConnectionType, size: int, opcode: int
) -> None:
    mask = wire.MASK if role is ConnectionType.CLIENT else None
    assert_refused_at(Connection(role), wire.frame(opcode, b"x" * size, mask=mask), 2)


@pytest.mark.requirement("R6455-5.1-02", rows="*server")
@pytest.mark.requirement("R6455-5.1-05", rows="*client")
@roles
def test_nothing_of_a_frame_with_the_wrong_mask_direction_is_delivered(role: ConnectionType) -> None:
    mask = wire.MASK if role is ConnectionType.CLIENT else None
    connection = Connection(role)
    bad = wire.frame(wire.TEXT, b"secret", mask=mask)
    events = receive(connection, peer(role, wire.TEXT, b"good") + bad)
    assert events[0] == TextMessage("good")
    assert [type(event) for event in events[1:]] == [CloseConnection]


@pytest.mark.requirement("R6455-5.5-01")
@roles
@pytest.mark.parametrize("opcode", [wire.CLOSE, wire.PING, wire.PONG], ids=["close", "ping", "pong"])
@pytest.mark.parametrize("size", [126, 127, 65535, 65536])
def test_long_control_frames_are_refused_at_the_second_byte(
    role: ConnectionType, opcode: int, size: int
) -> None:
    assert_refused_at(Connection(role), peer(role, opcode, b"x" * size), 2)


@pytest.mark.requirement("R6455-5.5-01", "R6455-5.2-06")
@roles
@pytest.mark.parametrize("opcode", [wire.CLOSE, wire.PING, wire.PONG], ids=["close", "ping", "pong"])
@pytest.mark.parametrize("form", [16, 64])
def test_a_control_frame_has_no_long_form_of_length(
    role: ConnectionType, opcode: int, form: wire.LengthForm
) -> None:
    assert_refused_at(Connection(role), peer(role, opcode, length_form=form), 2)


# The extended length.


@pytest.mark.requirement("R6455-5.2-06")
@roles
@pytest.mark.parametrize(
    ("form", "length"), [(16, 0), (16, 1), (16, 125), (64, 0), (64, 125), (64, 126), (64, 65535)]
)
@pytest.mark.parametrize(
    "opcode", [wire.TEXT, wire.BINARY, wire.CONTINUATION], ids=["text", "binary", "continuation"]
)
def test_a_length_that_is_not_minimal_is_refused_before_key_and_payload(
    role: ConnectionType, form: wire.LengthForm, length: int, opcode: int
) -> None:
    connection = begun(role) if opcode == wire.CONTINUATION else Connection(role)
    data = peer(role, opcode, length_form=form, length=length)
    assert_refused_within(connection, data[: 4 if form == 16 else 10])


@pytest.mark.requirement("R6455-5.2-05")
@roles
@pytest.mark.parametrize("length", [2**63, 2**63 + 1, 2**64 - 1, 2**63 + 125], ids=hex)
def test_a_length_with_its_top_bit_set_is_refused_before_key_and_payload(
    role: ConnectionType, length: int
) -> None:
    data = peer(role, wire.BINARY, length_form=64, length=length)
    assert_refused_within(Connection(role), data[:10])


@pytest.mark.requirement("R6455-10.4-01")
@roles
@pytest.mark.parametrize("length", [2**31, 2**32, 2**48, 2**63 - 1], ids=hex)
def test_a_huge_declared_length_takes_no_memory(role: ConnectionType, length: int) -> None:
    data = peer(role, wire.BINARY, b"1234", length=length)
    connection = Connection(role)
    tracemalloc.start()
    try:
        events = receive(connection, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert events == [BytesMessage(b"1234", frame_finished=False, message_finished=False)]
    assert peak < 2**20


@pytest.mark.requirement("R6455-5.2-08", "R6455-5.3-06", "R6455-5.2-09", "R6455-6.1-04")
@roles
@pytest.mark.parametrize("size", LENGTHS)
def test_every_length_is_read(role: ConnectionType, size: int) -> None:
    payload = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    connection = Connection(role)
    data = peer(role, wire.BINARY, payload) + peer(role, wire.TEXT, payload)
    assert receive(connection, data) == [BytesMessage(payload), TextMessage(payload.decode())]
    data = peer(role, wire.TEXT, payload)
    cut = [*(data[at : at + 1] for at in range(14)), data[14:]]
    assert pieces_joined(receive_cut(connection, cut)) == [TextMessage(payload.decode())]


@pytest.mark.requirement("R6455-5.2-06", "R6455-5.2-08", "R6455-5.3-06")
@roles
@pytest.mark.parametrize("size", LENGTHS)
def test_every_length_is_written_in_its_shortest_form(role: ConnectionType, size: int) -> None:
    data = Connection(role).send(BytesMessage(b"x" * size))
    sent = wire.decode_frame(data)
    assert sent.length_form == wire.minimal_form(size)
    assert sent.payload == b"x" * size
    assert (sent.mask is not None) is (role is ConnectionType.CLIENT)


# The examples of RFC 6455 5.7.

EXAMPLES: list[tuple[ConnectionType, str, Event]] = [
    (ConnectionType.CLIENT, "810548656c6c6f", TextMessage("Hello")),
    (ConnectionType.SERVER, "818537fa213d7f9f4d5158", TextMessage("Hello")),
    (ConnectionType.CLIENT, "890548656c6c6f", Ping(b"Hello")),
    (ConnectionType.SERVER, "8a8537fa213d7f9f4d5158", Pong(b"Hello")),
    (ConnectionType.CLIENT, "827e0100" + "ab" * 256, BytesMessage(b"\xab" * 256)),
    (ConnectionType.CLIENT, "827f0000000000010000" + "ab" * 65536, BytesMessage(b"\xab" * 65536)),
]


@pytest.mark.requirement("R6455-5.2-01", "R6455-5.3-05")
@pytest.mark.parametrize(("role", "data", "event"), EXAMPLES, ids=[data[:24] for _, data, _ in EXAMPLES])
def test_the_examples_of_the_rfc(role: ConnectionType, data: str, event: Event) -> None:
    assert receive(Connection(role), bytes.fromhex(data)) == [event]


@pytest.mark.requirement("R6455-5.4-02", "R6455-5.4-10")
def test_the_fragmented_example_of_the_rfc() -> None:
    events = receive(Connection(ConnectionType.CLIENT), bytes.fromhex("010348656c 80026c6f"))
    assert events == [TextMessage("Hel", message_finished=False), TextMessage("lo")]


def test_opcodes() -> None:
    assert {opcode.name: int(opcode) for opcode in Opcode} == {
        "CONTINUATION": 0,
        "TEXT": 1,
        "BINARY": 2,
        "CLOSE": 8,
        "PING": 9,
        "PONG": 10,
    }
    assert [opcode.name for opcode in Opcode if opcode.iscontrol()] == ["CLOSE", "PING", "PONG"]


def test_reserved_bits_are_named() -> None:
    bits = RsvBits(rsv1=True, rsv2=False, rsv3=True)
    assert bits == (True, False, True)
    assert (bits.rsv1, bits.rsv2, bits.rsv3) == (True, False, True)
    assert RsvBits(False, True, False).rsv2


def test_reserved_bits_stand_behind_fin_in_the_first_byte() -> None:
    bits = [RsvBits(True, False, False), RsvBits(False, True, False), RsvBits(False, False, True)]
    assert [one.in_first_byte() for one in bits] == [0x40, 0x20, 0x10]


# The functions and tables by themselves: mostly faster ways read and write the short headers ---------------


def test_the_tables_value_by_value() -> None:
    assert (header.FIN, header.MASK, header.CONTROL) == (0x80, 0x80, 0x08)
    assert (header.RSV1_BIT, header.RSV) == (0x40, 0x70)
    assert (header.MAX_CONTROL_PAYLOAD, header.LENGTH_16, header.LENGTH_64) == (125, 126, 127)
    assert RsvBits(False, False, False) == header.NO_RSV
    assert RsvBits(True, False, False) == header.RSV1
    assert [RsvBits(*bits) for bits in product((False, True), repeat=3)] == header.RSV_BITS
    assert header.OPCODES == {0: 0, 1: 1, 2: 2, 8: 8, 9: 9, 10: 10}
    assert all(type(opcode) is Opcode for opcode in header.OPCODES.values())


@pytest.mark.parametrize(
    ("message_begun", "right"),
    [(False, {0x01, 0x02, 0x81, 0x82, 0x88, 0x89, 0x8A}), (True, {0x00, 0x80, 0x88, 0x89, 0x8A})],
)
def test_each_first_byte_is_right_or_has_its_fault(message_begun: bool, right: set[int]) -> None:
    """Whatever the reserved bits: they are the extensions'."""
    assert header.FAULTLESS[message_begun] == right
    assert len(header.FAULTLESS) == 2
    for first in range(256):
        fault = header.first_byte_fault(first, message_begun=message_begun)
        opcode = first & 0x0F
        if first & ~0x70 in right:
            assert fault is None
        elif opcode == 0:
            assert fault == "Continuation frame without a message to continue (RFC 6455 5.4)"
        elif opcode in {1, 2}:
            assert fault == f"expected CONTINUATION, got {Opcode(opcode)!r}"
        elif opcode in {8, 9, 10}:
            assert fault == "Fragmented control frame (RFC 6455 5.5)"
        else:
            assert fault == f"Unknown opcode {opcode:#x} (RFC 6455 5.2)"


@pytest.mark.parametrize("client", [False, True])
def test_a_second_byte_has_the_fault_of_its_mask_bit_or_else_of_its_length(client: bool) -> None:
    by_mask = "Masked frame from the server" if client else "Unmasked frame from the client"
    for second in range(256):
        is_masked = bool(second & 0x80)
        fault = header.second_byte_fault(second, client=client)
        assert fault == (
            f"{by_mask} (RFC 6455 5.1)"
            if is_masked is client
            else "Control frame with more than 125 bytes of payload (RFC 6455 5.5)"
        )


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_length_is_too_long_for_the_protocol_or_has_a_shorter_form(length: int) -> None:
    assert header.length_fault(length) == (
        "Frame length with its most significant bit set (RFC 6455 5.2)"
        if length >= 2**63
        else f"Frame length {length} not in its shortest form (RFC 6455 5.2)"
    )


@pytest.mark.parametrize("mask", [None, wire.MASK])
@pytest.mark.parametrize("fin", [False, True])
@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, 2**40 + 5])
def test_a_header_is_written_alone(length: int, fin: bool, mask: bytes | None) -> None:
    expected = wire.frame(wire.BINARY, b"", fin=fin, rsv=wire.RSV2, length=length, mask=mask)
    first = (0x80 if fin else 0) | 0x20 | 0x02
    written = header.write_header(first, length, 0 if mask is None else 0x80)
    assert written + (mask or b"") == expected
