"""The length of a payload travels in its shortest form, and is read in no other (RFC 6455 5.2)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT
from tests.oracle.receiving import receive_cut
from tests.oracle.strategies import examples, roles
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection

if TYPE_CHECKING:
    from tooling.frames import LengthForm

#: Around the borders of the three forms.
SIZES: Final = (0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537)
ROOM: Final[dict[LengthForm, int]] = {7: 125, 16: 2**16 - 1, 64: 2**64 - 1}

#: Where the header of a frame may be cut.
places = st.integers(0, 14)


@examples(0.2)
@given(roles, st.integers(0, 255))
def test_the_shortest_form_is_written(role: ConnectionType, byte: int) -> None:
    connection = Connection(role)
    for size in SIZES:
        payload = bytes([byte]) * size
        frame = wire.decode_frame(connection.send(BytesMessage(payload)))
        assert (frame.length_form, frame.payload) == (wire.minimal_form(size), payload)


@examples(0.2)
@given(roles, st.integers(0, 255), places)
def test_a_form_is_read_where_it_is_the_shortest(role: ConnectionType, byte: int, place: int) -> None:
    for size, form in product(SIZES, ROOM):
        if size > ROOM[form]:
            continue
        connection = Connection(role)
        payload = bytes([byte]) * size
        data = wire.peer_frame(role is CLIENT, wire.BINARY, payload, length_form=form)
        *events, last = receive_cut(connection, [data[:place], data[place:]])
        if form == wire.minimal_form(size):
            assert (
                b"".join(event.data for event in (*events, last) if isinstance(event, BytesMessage))
                == payload
            )
            assert connection.protocol_error is None
        else:
            assert not events
            assert isinstance(last, CloseConnection)
            assert last.code == 1002


@given(roles, st.integers(2**63, 2**64 - 1), places)
def test_the_most_significant_bit_is_zero(role: ConnectionType, length: int, place: int) -> None:
    connection = Connection(role)
    data = wire.peer_frame(role is CLIENT, wire.BINARY, length=length)
    (close,) = receive_cut(connection, [data[:place], data[place:]])
    assert isinstance(close, CloseConnection)
    assert close.code == 1002


@given(roles, st.sampled_from([wire.CLOSE, wire.PING, wire.PONG]), st.integers(120, 130), places)
def test_a_control_frame_has_at_most_125_bytes(
    role: ConnectionType, opcode: int, size: int, place: int
) -> None:
    """RFC 6455 5.5."""
    connection = Connection(role)
    data = wire.peer_frame(role is CLIENT, opcode, wire.close_payload(1000, "x" * (size - 2)))
    (event,) = receive_cut(connection, [data[:place], data[place:]])
    assert (connection.protocol_error is None) is (size <= 125)
    if size > 125:
        assert isinstance(event, CloseConnection)
        assert event.code == 1002
