"""Whatever the values that calls beside `send` are given: a LocalProtocolError, or what the call is for."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT, SERVER, agreed, joined, upgrade_request
from tests.oracle.handshake_bytes import asking_client, pieces_joined, read_response
from tests.oracle.receiving import feed, receive, receive_cut
from tests.oracle.strategies import HANDSHAKE_EVENTS, JUNK, OPEN_EVENTS, cuttings, examples, roles
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, Limits, MessageJoiner, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol, Opcode
from wsproto.utilities import LocalProtocolError, RemoteProtocolError, normed_header_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsproto.frame_protocol import Frame


def by_protocol(protocol: FrameProtocol, event: Any) -> bytes | None:
    """Send with the codec's own methods what `event` says; None where that is refused."""
    try:
        if isinstance(event, Message):
            return protocol.send_data(event.data, event.message_finished)
        if isinstance(event, Ping):
            return protocol.ping(event.payload)
        if isinstance(event, Pong):
            return protocol.pong(event.payload)
        return protocol.close(event.code, event.reason)
    except LocalProtocolError:
        return None


def shown(frame: Frame) -> tuple[object, ...]:
    """A received frame as the event that it is."""
    if frame.opcode is Opcode.CLOSE:
        assert isinstance(frame.payload, tuple)
        return CloseConnection, *frame.payload
    if frame.opcode >= Opcode.CLOSE:
        return Ping if frame.opcode is Opcode.PING else Pong, frame.payload
    return frame.payload, frame.frame_finished, frame.message_finished


def event_shown(event: Any) -> tuple[object, ...]:
    """The same of an event."""
    if isinstance(event, CloseConnection):
        return CloseConnection, event.code, event.reason
    if isinstance(event, (Ping, Pong)):
        return type(event), event.payload
    return event.data, event.frame_finished, event.message_finished


@given(roles, st.booleans(), st.lists(OPEN_EVENTS, max_size=6))
def test_the_codec_by_itself_says_what_a_connection_says(
    role: ConnectionType, deflate: bool, events: list[Event]
) -> None:
    extensions: list[Extension] = [agreed()] if deflate else []
    sender = FrameProtocol(role is CLIENT, extensions)
    receiver = FrameProtocol(role is SERVER, extensions)
    connection = Connection(SERVER if role is CLIENT else CLIENT, extensions)
    for event in events:
        sent = by_protocol(sender, event)
        if sent is None:
            continue
        wire.decode_frame(sent)
        receiver.receive_bytes(sent)
        received = [shown(frame) for frame in receiver.received_frames()]
        assert received == [event_shown(one) for one in receive(connection, sent)]


@given(
    st.dictionaries(
        st.sampled_from([one.name for one in fields(Limits)]), st.one_of(st.integers(-2, 2), JUNK), max_size=3
    )
)
@example({"max_inflated_size": 0})
@example({"max_message_size": 0})
def test_limits_are_numbers_or_refused(bounds: dict[str, Any]) -> None:
    try:
        limits = Limits(**bounds)
    except LocalProtocolError:
        return
    assert all(type(bound) is int or bound is None for bound in bounds.values())
    assert {name: getattr(limits, name) for name in bounds} == bounds
    # A limit may forbid all there is, but for what an event may hold: without that nothing goes on.
    assert all(
        bound is None or bound >= (1 if name == "max_inflated_size" else 0) for name, bound in bounds.items()
    )


SETTINGS = (
    "client_max_window_bits",
    "server_max_window_bits",
    "compression_level",
    "memory_level",
    "min_compress_size",
)


@given(st.dictionaries(st.sampled_from(SETTINGS), st.one_of(st.integers(-2, 17), JUNK), max_size=3))
def test_settings_of_deflate_are_numbers_or_refused(settings: dict[str, Any]) -> None:
    try:
        offer = PerMessageDeflate(**settings).offer()
    except LocalProtocolError:
        return
    assert isinstance(offer, str)
    assert all(isinstance(value, int) or value is None for value in settings.values())


@given(
    st.booleans().flatmap(lambda usual: st.integers(-1, 16) if usual else JUNK),
    st.lists(st.tuples(st.text(max_size=10) | st.binary(max_size=10), st.booleans(), st.booleans())),
)
def test_a_joiner_joins_up_to_its_size(size: Any, messages: list[tuple[Any, bool, bool]]) -> None:
    """Message by message, whole or in halves, as `events()` has them or as an application may make them."""
    try:
        joiner = MessageJoiner(size)
    except LocalProtocolError:
        return
    for data, halves, plain in messages:
        kind: Any = Message if plain else TextMessage if isinstance(data, str) else BytesMessage
        half = len(data) // 2 if halves else 0
        pieces: list[Any] = [kind(data[:half], message_finished=False)] if halves else []
        pieces.append(kind(data[half:]))
        too_big = len(data if isinstance(data, bytes) else data.encode()) > size
        wholes, refusals = [], []
        for piece in pieces:
            try:
                wholes.append(joiner.join(piece))
            except RemoteProtocolError as error:
                refusals.append(error)
        assert len(refusals) == too_big
        assert all(error.event_hint == CloseConnection(1009, str(error)) for error in refusals)
        assert [whole.data for whole in wholes if whole is not None] == [data] * (not too_big)


NAMES = st.sampled_from(
    [b"Host", b"Upgrade", b"connection", b"Sec-WebSocket-Key", b"X", b"a b", b"", b"\xff"]
)
VALUES = st.sampled_from(
    [b"example.com", b"websocket", b"Upgrade", b"1\r\n", b"", b" x", b"\xff", b"13", b"0"]
)
REGULAR = [
    tuple(line.split(b": ", 1)) for line in upgrade_request(["permessage-deflate"]).split(b"\r\n")[1:] if line
]


@given(
    st.lists(st.tuples(NAMES, VALUES), max_size=3),
    st.sampled_from([b"/", "/a?b", b"http://example.com/", "", "é", b"a b", "*", b"/#a"]) | JUNK,
    st.one_of(st.none(), JUNK),
)
def test_a_request_that_was_read_elsewhere(extra: list[tuple[bytes, bytes]], path: Any, junk: Any) -> None:
    """It is a Request, or refused with a response that can be sent."""
    server = WSConnection(SERVER)
    headers: Any = REGULAR + extra if junk is None else junk
    try:
        server.initiate_upgrade_connection(headers, path)
    except RemoteProtocolError as error:
        assert isinstance(error.event_hint, RejectConnection)  # noqa: PT017
        head, _ = read_response(server.send(error.event_hint))
        assert head.status == error.event_hint.status_code  # noqa: PT017
        return
    (request,) = server.events()
    assert isinstance(request, Request)
    assert request.target.startswith("/")


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_headers_by_name(headers: list[tuple[bytes, bytes]]) -> None:
    assert normed_header_dict(headers) == {
        name.lower(): b", ".join(value for own, value in headers if own.lower() == name.lower())
        for name, _ in headers
    }


@given(
    st.sampled_from([200, 304, 401, 426]),
    st.sampled_from(
        [[], [(b"Content-Length", b"5")], [(b"Connection", b"close")], [(b"Content-Length", b"x")]]
    ),
    st.lists(st.binary(max_size=5), min_size=1, max_size=3),
    st.data(),
)
def test_a_rejection_arrives(
    status: int, headers: list[tuple[bytes, bytes]], bodies: list[bytes], data: st.DataObject
) -> None:
    server = WSConnection(SERVER)
    feed(server, upgrade_request([]))
    try:
        sent = server.send(RejectConnection(status, headers, has_body=True))
    except LocalProtocolError:
        assert server.state is ConnectionState.CONNECTING
        return
    left: bytes | None = b""
    for index, body in enumerate(bodies):
        try:
            sent += server.send(RejectData(body, body_finished=index == len(bodies) - 1))
        except LocalProtocolError:
            left = None
            break
    client, _ = asking_client()
    rejected, *received = pieces_joined(receive_cut(client, data.draw(cuttings(sent))))
    assert isinstance(rejected, RejectConnection)
    assert rejected.status_code == status
    if left is not None:
        assert received == [RejectData(b"".join(bodies))]
        assert client.state is server.state is ConnectionState.CLOSED


@given(st.lists(HANDSHAKE_EVENTS, min_size=1, max_size=6))
def test_a_request_that_is_written_is_read(events: list[Event]) -> None:
    for event in events:
        if not isinstance(event, Request):
            continue
        try:
            sent = WSConnection(CLIENT).send(event)
        except LocalProtocolError:
            continue
        (request,) = feed(WSConnection(SERVER), sent)
        assert isinstance(request, Request)
        assert request.subprotocols == list(event.subprotocols or [])
        assert request.extensions == []
        if event.target.startswith("/") and event.target.isascii():
            assert request.target == event.target


FIELDS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"X-Test", b"Cookie", b"X-Test", b"Cookie", b"Sec-WebSocket-Key", b"host", b"a b", b""]
        ),
        st.lists(st.sampled_from([b"1", b"a: b", b"\xff", b" ", b"\r\n", b"\n", b"\0"]), max_size=3).map(
            b"".join
        ),
    ),
    max_size=3,
)


@given(FIELDS)
def test_header_fields_arrive_as_they_are_or_are_refused(fields: list[tuple[bytes, bytes]]) -> None:
    """None stands for another one, or for more than one (RFC 9110 5.5)."""
    expected = [(name.lower(), value) for name, value in fields]
    client, server = WSConnection(CLIENT), WSConnection(SERVER)
    (bare,) = feed(WSConnection(SERVER), WSConnection(CLIENT).send(Request("example.com", "/")))
    assert isinstance(bare, Request)
    try:
        sent = client.send(Request("example.com", "/", extra_headers=fields))
    except LocalProtocolError:
        sent = client.send(Request("example.com", "/"))
        expected = []
    (request,) = feed(server, sent)
    assert isinstance(request, Request)
    assert request.extra_headers[len(bare.extra_headers) :] == expected
    try:
        sent = server.send(AcceptConnection(extra_headers=fields))
    except LocalProtocolError:
        assert expected == []
        sent = server.send(AcceptConnection())
    (accepted,) = feed(client, sent)
    assert accepted == AcceptConnection(extra_headers=expected)


OWN_HEADERS = st.sampled_from(
    [
        b"Connection",
        b"Content-Length",
        b"Host",
        b"Sec-WebSocket-Accept",
        b"Sec-WebSocket-Extensions",
        b"Sec-WebSocket-Key",
        b"Sec-WebSocket-Protocol",
        b"Sec-WebSocket-Version",
        b"Transfer-Encoding",
        b"Upgrade",
    ]
)
CASES = st.sampled_from([bytes, bytes.lower, bytes.upper, bytes.swapcase])


@given(OWN_HEADERS, CASES, st.sampled_from([b"", b"1"]))
def test_the_librarys_own_headers_are_refused(
    name: bytes, cased: Callable[[bytes], bytes], value: bytes
) -> None:
    """Of the headers of the handshake some may come once (RFC 6455 11.3), and the library writes them."""
    fields = [(cased(name), value)]
    client, server = WSConnection(CLIENT), WSConnection(SERVER)
    with pytest.raises(LocalProtocolError):
        client.send(Request("example.com", "/", extra_headers=fields))
    feed(server, client.send(Request("example.com", "/")))
    with pytest.raises(LocalProtocolError):
        server.send(AcceptConnection(extra_headers=fields))
    (accepted,) = feed(client, server.send(AcceptConnection()))
    assert isinstance(accepted, AcceptConnection)


@given(st.lists(HANDSHAKE_EVENTS, min_size=1, max_size=6), st.booleans())
def test_an_answer_that_is_written_is_read(events: list[Event], deflate: bool) -> None:
    extensions = [PerMessageDeflate()] if deflate else []
    asked = Request("example.com", "/", subprotocols=["chat", "superchat"], extensions=extensions)
    client, server = WSConnection(CLIENT), WSConnection(SERVER)
    feed(server, client.send(asked))
    for event in events:
        try:
            sent = server.send(event)
        except LocalProtocolError:
            continue
        answer, *rest = feed(client, sent)
        assert type(answer) is type(event)
        if isinstance(answer, RejectConnection):
            assert isinstance(event, RejectConnection)
            assert answer.status_code == event.status_code
            break
        assert isinstance(answer, AcceptConnection)
        assert isinstance(event, AcceptConnection)
        assert answer.subprotocol == event.subprotocol
        assert rest == []
        assert client.state is server.state is ConnectionState.OPEN
        break


@examples(0.2)
@given(roles, st.booleans(), st.sampled_from([2**11, 2**11 + 1, 2**18, 2**18 + 1, 2**18 + 7]), st.data())
def test_large_messages(role: ConnectionType, deflate: bool, size: int, data: st.DataObject) -> None:
    """Where the masked way of a size begins, in reads that are as large."""
    extensions: list[Extension] = [agreed()] if deflate else []
    message = BytesMessage((data.draw(st.binary(min_size=1, max_size=9)) * size)[:size])
    sent = Connection(role, extensions).send(message)
    place = data.draw(st.integers(0, len(sent)))
    receiver = Connection(SERVER if role is CLIENT else CLIENT, extensions)
    assert joined(receive_cut(receiver, [sent[:place], sent[place:]])) == [message.data]


FUZZED = (
    test_the_codec_by_itself_says_what_a_connection_says,
    test_limits_are_numbers_or_refused,
    test_settings_of_deflate_are_numbers_or_refused,
    test_a_joiner_joins_up_to_its_size,
    test_a_request_that_was_read_elsewhere,
    test_headers_by_name,
    test_a_rejection_arrives,
    test_a_request_that_is_written_is_read,
    test_header_fields_arrive_as_they_are_or_are_refused,
    test_the_librarys_own_headers_are_refused,
    test_an_answer_that_is_written_is_read,
    test_large_messages,
)
