"""The fast path and the general one give the same.

A connection takes the general one with an extension that changes nothing, with a limit that is never reached,
with a subclass of permessage-deflate, and for a head in two reads.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT, ROLES, agreed
from tests.oracle.handshake_bytes import KEY, REQUEST_HEADERS, read_head, response, write_head
from tests.oracle.judging import Inert
from tests.oracle.judging_handshakes import REQUESTS, known_key
from tests.oracle.receiving import feed, receive, receive_cut
from tests.oracle.strategies import any_frames, cuttings, mutated, peer_streams, roles
from tooling import frames as wire
from wsproto import Connection, ConnectionType, Limits, WSConnection
from wsproto.events import BytesMessage, Message, RejectConnection, RejectData, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from tests.oracle.handshake_bytes import Header
    from wsproto.events import Event


class SlowDeflate(PerMessageDeflate):
    """permessage-deflate without the way for whole messages."""


def slow() -> SlowDeflate:
    extension = SlowDeflate()
    extension.finalize("permessage-deflate")
    return extension


def outcome(connection: Connection, pieces: list[bytes]) -> tuple[list[Event], object, str]:
    events = receive_cut(connection, pieces)
    return events, connection.state, repr(connection.protocol_error)


@given(roles, st.booleans(), st.data())
def test_frames_with_and_without_bookkeeping(role: ConnectionType, intact: bool, data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=False)).data
    if not intact:
        stream = data.draw(mutated(stream + data.draw(any_frames())))
    pieces = data.draw(cuttings(stream))
    quick = outcome(Connection(role), pieces)
    assert quick == outcome(Connection(role, limits=Limits(max_fragments=2**40)), pieces)
    if "eserved bits" not in quick[2] or intact:
        assert quick == outcome(Connection(role, [Inert()]), pieces)


@given(roles, st.data())
def test_compressed_messages_whole_and_in_steps(role: ConnectionType, data: st.DataObject) -> None:
    pieces = data.draw(cuttings(data.draw(peer_streams(client=role is CLIENT, deflate=True)).data))
    assert outcome(Connection(role, [agreed()]), pieces) == outcome(Connection(role, [slow()]), pieces)


@given(roles, st.binary(max_size=60), st.integers(1, 40))
@example(CLIENT, b"", 1)
@example(CLIENT, b"\x03\x00", 1)  # a BFINAL block and nothing behind it
@example(CLIENT, b"\x03\x00\x03\x00", 1)
@example(CLIENT, b"\x03\x00\x00\x00\xff\xff", 1)  # what looks like the tail, behind a BFINAL block
@example(CLIENT, b"\x13\x08", 1)  # a BFINAL block that ends in the tail, in the second piece
@example(CLIENT, b"\x01", 1)  # a BFINAL block that the tail completes
@example(CLIENT, b"\x4b\x04\x00\x00", 2)  # as much as the limit, and no more
def test_any_payload_marked_as_compressed(role: ConnectionType, payload: bytes, most: int) -> None:
    limits = Limits(max_inflated_size=most)
    frames = b"".join(
        wire.peer_frame(role is CLIENT, wire.BINARY, part, rsv=4) for part in (payload, b"\x4a\x04\x00")
    )

    def result(extension: Extension) -> tuple[bytes, object, bool]:
        connection = Connection(role, [extension], limits=limits)
        events = receive(connection, frames)
        pieces = [event.data for event in events if isinstance(event, BytesMessage)]
        assert all(len(piece) <= most for piece in pieces)
        return b"".join(pieces), connection.state, connection.protocol_error is None

    quick, plain = result(agreed()), result(slow())
    # Of a message that fails zlib keeps what the failing call had inflated, and the fast path makes one call.
    assert quick[1:] == plain[1:]
    assert plain[0].startswith(quick[0])
    assert quick[0] == plain[0] or not quick[2]


@pytest.mark.parametrize("role", ROLES)
def test_every_size_of_a_frame_is_unmasked_and_masked(role: ConnectionType) -> None:
    """Up to 125 bytes, 1 KiB and 256 KiB there are ways of their own (RFC 6455 5.3)."""
    generator = random.Random(6455)
    sizes = [*range(300), *range(1015, 1035), *range(2**18 - 5, 2**18 + 6), 2**19 + 3]
    receiver, sender = Connection(role), Connection(role)
    for size in sizes:
        payload = generator.randbytes(size)
        key = None if role is CLIENT else generator.randbytes(4)
        assert receive(receiver, wire.frame(wire.BINARY, payload, mask=key)) == [BytesMessage(payload)]
        assert wire.decode_frame(sender.send(BytesMessage(payload))).payload == payload


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_a_message_is_what_the_generated_constructor_made(data: bytes, frame: bool, message: bool) -> None:
    event = BytesMessage(data, frame, message)
    assert vars(event) == {"data": data, "frame_finished": frame, "message_finished": message}
    assert event == BytesMessage(data=data, frame_finished=frame, message_finished=message)
    assert vars(TextMessage("x")) == vars(Message("x"))


# Heads -------------------------------------------------------------------------------------------

PARTS = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b" ",
        b"\t",
        b":",
        b",",
        b"\x00",
        b"\xff",
        b"\x0b",
        b"HTTP/1.0",
        b"POST",
        b"101 ",
        b"200 ",
    ]
)
HEADERS: list[Header] = [
    (b"Host", b"other"),
    (b"Content-Length", b"0"),
    (b"Content-Length", b"5"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Connection", b"keep-alive , Upgrade"),
    (b"Cookie", b"a=b; c=d"),
    (b"X-Empty", b""),
    (b"X-Spaces", b"  in  between\t"),
    (b"X-Obs-Text", b"caf\xe9"),
    (b"Sec-WebSocket-Extensions", b"permessage-deflate"),
    (b"Expect", b"100-continue"),
]
EXTRA = st.lists(st.sampled_from(HEADERS), max_size=4)


@st.composite
def heads(draw: st.DrawFn, head: bytes) -> bytes:
    """A head that is right, or has something put in somewhere; perhaps with the first frame behind it."""
    if draw(st.booleans()):
        place = draw(st.integers(0, len(head)))
        head = head[:place] + draw(PARTS) + head[place:]
    if draw(st.booleans()):
        head = draw(mutated(head))
    return head + draw(st.sampled_from([b"", b"\x81\x00", b"\x00"]))


def shown(connection: WSConnection, *pieces: bytes) -> tuple[object, ...]:
    """What a connection makes of a head: its events, or its error."""
    try:
        events = feed(connection, *pieces)
    except RemoteProtocolError as error:
        return str(error), error.event_hint, connection.state
    return [event for event in events if not isinstance(event, RejectData)], connection.state


def assert_a_request_is_read_alike(head: bytes) -> None:
    one, two = WSConnection(ConnectionType.SERVER), WSConnection(ConnectionType.SERVER)
    assert shown(one, head) == shown(two, head[:1], head[1:])
    if one.can_send(RejectConnection):
        assert one.send(RejectConnection(403)) == two.send(RejectConnection(403))


def assert_a_response_is_read_alike(head: bytes) -> None:
    one, two = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.CLIENT)
    with known_key():
        one.send(REQUESTS[0])
        two.send(REQUESTS[0])
    assert shown(one, head) == shown(two, head[:1], head[1:])


def a_request(extra: list[Header]) -> bytes:
    return write_head(b"GET /chat HTTP/1.1", REQUEST_HEADERS + extra)


def a_response(extra: list[Header]) -> bytes:
    regular, _ = read_head(response(KEY))
    return write_head(regular.start_line, regular.headers + extra)


@given(EXTRA, st.data())
def test_a_request_in_one_read_and_in_two(extra: list[Header], data: st.DataObject) -> None:
    assert_a_request_is_read_alike(data.draw(heads(a_request(extra))))


@given(EXTRA, st.data())
def test_a_response_in_one_read_and_in_two(extra: list[Header], data: st.DataObject) -> None:
    assert_a_response_is_read_alike(data.draw(heads(a_response(extra))))


@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_each_header_in_one_read_and_in_two(header: Header) -> None:
    assert_a_request_is_read_alike(a_request([header]))
    assert_a_response_is_read_alike(a_response([header]))
