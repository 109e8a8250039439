"""Each limit (`wsproto.Limits`) lets through what is as large as it, and no more, however it comes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT, SERVER, Deflater
from tests.oracle.expected_events import Deflate
from tests.oracle.handshake_bytes import EARLY_HINTS, KEY, chunked, rejection, request, response
from tests.oracle.judging import Setting, assert_received_rightly
from tests.oracle.judging_handshakes import (
    REQUESTS,
    assert_client_handles,
    assert_server_handles,
    known_key,
)
from tests.oracle.receiving import receive_cut
from tests.oracle.strategies import cut_at, cuttings, deflated_fragments, roles
from tooling import frames as wire
from wsproto import Limits, WSConnection
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

#: By how much there is more than the limit.
excess = st.integers(0, 3)

#: What each limit counts, of a message in its fragments.
IN_A_MESSAGE: Final[dict[str, Callable[[list[bytes]], int]]] = {
    "max_frame_size": lambda fragments: max(map(len, fragments)),
    "max_message_size": lambda fragments: sum(map(len, fragments)),
    "max_fragments": len,
}


@given(
    st.builds(Setting, roles, st.sampled_from([None, None, Deflate()]), inert=st.booleans()),
    st.text("a€", min_size=1, max_size=12) | st.binary(min_size=1, max_size=12),
    excess,
    st.data(),
)
def test_messages(setting: Setting, whole: str | bytes, more: int, data: st.DataObject) -> None:
    """The message comes twice: what has come of the first does not count for the second."""
    opcode, content = (wire.TEXT, whole.encode()) if isinstance(whole, str) else (wire.BINARY, whole)
    places = data.draw(st.just([]) | st.lists(st.integers(0, len(content)), max_size=3))
    fragments = sent = cut_at(content, places)
    if setting.deflate:
        sent = deflated_fragments(fragments, Deflater(takeover=False))
    message = b"".join(
        wire.peer_frame(
            setting.role is CLIENT,
            wire.CONTINUATION if index else opcode,
            payload,
            fin=index == len(sent) - 1,
            rsv=wire.RSV1 if setting.deflate and not index else 0,
        )
        for index, payload in enumerate(sent)
    )
    pieces = data.draw(st.just([message, message]) | cuttings(message * 2))
    for name, size in IN_A_MESSAGE.items():
        # A frame counts as it travels, a message as it comes out of the extensions.
        limit = max(0, size(sent if name == "max_frame_size" else fragments) - more)
        limited = replace(setting, limits=Limits(**{name: limit}))
        assert_received_rightly(limited, pieces)
        assert_received_rightly(limited, pieces, together=True)


#: What each limit counts, of a head.
IN_A_HEAD: Final[dict[str, Callable[[bytes], int]]] = {
    "max_handshake_size": len,
    "max_header_line_size": lambda head: head.index(b"\n"),  # of the heads here the first line is longest
    "max_headers": lambda head: head.count(b"\n") - 2,
}
names = st.sampled_from(sorted(IN_A_HEAD))


@given(names, excess, st.data())
def test_requests(name: str, more: int, data: st.DataObject) -> None:
    head = request(target=b"/" + b"a" * 60)
    assert_a_server_refuses_more(head, Limits(**{name: IN_A_HEAD[name](head) - more}), more, data)


@given(names, excess, st.data())
def test_responses(name: str, more: int, data: st.DataObject) -> None:
    head = response(KEY, status_line=b"HTTP/1.1 101 " + b"a" * 60)
    assert_a_client_refuses_more(head, Limits(**{name: IN_A_HEAD[name](head) - more}), more, data)


some_bytes = st.binary(min_size=3, max_size=12)


@given(some_bytes, excess, st.data())
def test_early_data(early: bytes, more: int, data: st.DataObject) -> None:
    assert_a_server_refuses_more(request() + early, Limits(max_early_data=len(early) - more), more, data)


@given(st.integers(3, 6), excess, st.data())
def test_interim_responses(count: int, more: int, data: st.DataObject) -> None:
    stream = EARLY_HINTS * count + response(KEY)
    assert_a_client_refuses_more(stream, Limits(max_interim_responses=count - more), more, data)


@given(some_bytes, st.sampled_from([None, b"Content-Length", b"Transfer-Encoding"]), excess, st.data())
def test_bodies_of_rejections(body: bytes, framed_by: bytes | None, more: int, data: st.DataObject) -> None:
    headers, sent = [], body
    if framed_by == b"Content-Length":
        headers = [(framed_by, b"%d" % len(body))]
    elif framed_by:
        headers, sent = [(framed_by, b"chunked")], chunked(body[:2], body[2:])
    stream = rejection(b"403 Forbidden", *headers, body=sent)
    assert_a_client_refuses_more(stream, Limits(max_reject_body_size=len(body) - more), more, data)


def assert_a_server_refuses_more(stream: bytes, limits: Limits, more: int, data: st.DataObject) -> None:
    pieces = data.draw(cuttings(stream))
    assert_server_handles(pieces, limits, eof=data.draw(st.booleans()))
    assert is_refused(WSConnection(SERVER, limits=limits), pieces) is (more > 0)


def assert_a_client_refuses_more(stream: bytes, limits: Limits, more: int, data: st.DataObject) -> None:
    pieces = data.draw(cuttings(stream))
    assert_client_handles(pieces, limits, REQUESTS[0], eof=data.draw(st.booleans()))
    client = WSConnection(CLIENT, limits=limits)
    with known_key():
        client.send(REQUESTS[0])
    # A read of nothing would end a body that ends with the connection.
    assert is_refused(client, [piece for piece in pieces if piece]) is (more > 0)


def is_refused(connection: WSConnection, pieces: list[bytes]) -> bool:
    try:
        receive_cut(connection, pieces)
    except RemoteProtocolError:
        return True
    return False
