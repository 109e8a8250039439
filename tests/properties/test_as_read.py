"""What a connection gives is what the tests' own reader says that it has to, however the bytes are cut.

The judges are those of the fuzz targets: here Hypothesis writes the bytes.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT, HELLO, ROLES, upgrade_request
from tests.oracle.expected_events import Deflate
from tests.oracle.handshake_bytes import EARLY_HINTS, KEY, chunked, rejection, request, response
from tests.oracle.judging import Setting, assert_can_be_echoed, assert_received_rightly
from tests.oracle.judging_handshakes import REQUESTS, assert_client_handles, assert_server_handles
from tests.oracle.receiving import single_bytes
from tests.oracle.strategies import (
    any_frames,
    changed_heads,
    cuttings,
    handshake_limits,
    mutated,
    odd_streams,
    peer_streams,
    roles,
)
from tooling import frames as wire
from wsproto import ConnectionType, Limits

if TYPE_CHECKING:
    from wsproto.events import Request

bounds = st.one_of(st.none(), st.integers(0, 70))
limits = st.just(Limits()) | st.builds(
    Limits, max_frame_size=bounds, max_message_size=bounds, max_fragments=st.none() | st.integers(0, 4)
)
deflates = st.none() | st.builds(Deflate, st.integers(9, 15), st.booleans())
settings = st.builds(Setting, roles, deflates, limits, st.booleans())


def assert_right(setting: Setting, stream: bytes, data: st.DataObject) -> None:
    assert_received_rightly(
        setting,
        data.draw(cuttings(stream)),
        eof=data.draw(st.booleans()),
        one_by_one=data.draw(st.booleans()),
        together=data.draw(st.booleans()),
    )


@given(settings, st.data())
def test_a_stream(setting: Setting, data: st.DataObject) -> None:
    deflate = setting.deflate is not None
    stream = data.draw(peer_streams(client=setting.role is CLIENT, deflate=deflate)).data
    assert_right(setting, data.draw(st.just(stream) | mutated(stream)), data)


@given(settings, st.data())
def test_odd_frames(setting: Setting, data: st.DataObject) -> None:
    stream = data.draw(odd_streams(client=setting.role is CLIENT, deflate=setting.deflate is not None))
    assert_right(setting, stream, data)


@given(settings, st.lists(any_frames(), max_size=6), st.data())
def test_any_frames(setting: Setting, frames: list[bytes], data: st.DataObject) -> None:
    assert_right(setting, b"".join(frames), data)


@pytest.mark.parametrize("deflate", [None, Deflate()], ids=["plain", "deflate"])
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name.lower())
def test_frames_in_every_order(role: ConnectionType, deflate: Deflate | None) -> None:
    """Up to three, of data and a ping, each the last of its message or not, compressed or not."""
    setting = Setting(role, deflate)
    frames = [
        wire.peer_frame(role is CLIENT, opcode, HELLO if rsv else b"Hello", fin=fin, rsv=rsv)
        for opcode, fin, rsv in product(
            (wire.CONTINUATION, wire.TEXT, wire.BINARY, wire.PING), (True, False), (0, wire.RSV1)
        )
        if deflate or not rsv
    ]
    for count in range(1, 4):
        for order in product(frames, repeat=count):
            stream = b"".join(order)
            assert_received_rightly(setting, [stream])
            assert_received_rightly(setting, [stream[:3], stream[3:]])


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name.lower())
def test_parts_of_a_code_point_in_every_order(role: ConnectionType) -> None:
    """Where a text leaves off in one, the next frame has to go on (RFC 6455 5.6)."""
    setting = Setting(role)
    frames = [
        wire.peer_frame(role is CLIENT, opcode, payload, fin=fin)
        for opcode, payload, fin in product(
            (wire.CONTINUATION, wire.TEXT), (b"", b"a", b"\xe2", b"\x82\xac"), (True, False)
        )
    ]
    for order in product(frames, repeat=3):
        assert_received_rightly(setting, [b"".join(order)])


#: Both sides of every border between the bytes behind the first of a code point (RFC 3629 4).
BORDERS = bytes.fromhex("7f 80 8f 90 9f a0 bf c0")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name.lower())
def test_every_beginning_of_a_code_point(role: ConnectionType) -> None:
    """A byte that cannot follow is wrong when it comes, of a text that goes on."""
    setting = Setting(role)
    two = product(range(256), BORDERS)
    three = product(range(0xE0, 0xF8), BORDERS, BORDERS)
    for begun in map(bytes, (*two, *three)):
        stream = wire.peer_frame(role is CLIENT, wire.TEXT, begun, fin=False)
        assert_received_rightly(setting, [stream])
        assert_received_rightly(setting, list(single_bytes(stream)))


@given(roles, deflates, st.data())
def test_what_comes_can_be_sent_back(
    role: ConnectionType, deflate: Deflate | None, data: st.DataObject
) -> None:
    setting = Setting(role, deflate)
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=deflate is not None))
    assert_can_be_echoed(setting, assert_received_rightly(setting, [stream.data]))


def changed(head: bytes) -> st.SearchStrategy[bytes]:
    return mutated(head) | changed_heads(head)


HEADS = (upgrade_request(["permessage-deflate", "x-foo"]), request(target=b"/" + b"a" * 240))


@pytest.mark.requirement("R6455-4.2.1-01")
@given(
    st.sampled_from(HEADS) | st.sampled_from(HEADS).flatmap(changed),
    handshake_limits,
    st.booleans(),
    st.data(),
)
def test_a_request(head: bytes, limits: Limits, eof: bool, data: st.DataObject) -> None:
    early = data.draw(peer_streams(client=False, deflate=True))
    assert_server_handles(data.draw(cuttings(head + early.data)), limits, eof=eof)


@given(st.sampled_from(HEADS), st.integers(0, 8), st.binary(max_size=12), st.data())
def test_a_request_and_early_data_about_its_bound(
    head: bytes, most: int, early: bytes, data: st.DataObject
) -> None:
    assert_server_handles(data.draw(cuttings(head + early)), Limits(max_early_data=most))


BODY = b"Hello, world"
REJECTIONS = (
    rejection(b"403 Forbidden", body=BODY),
    rejection(b"403 Forbidden", (b"Content-Length", b"12"), body=BODY),
    rejection(b"403 Forbidden", (b"Transfer-Encoding", b"chunked"), body=chunked(BODY[:7], BODY[7:])),
)
requests = st.sampled_from(REQUESTS)


@pytest.mark.requirement("R6455-4.1-41")
@given(requests, st.booleans(), handshake_limits, st.booleans(), st.data())
def test_a_response(asked: Request, deflate: bool, limits: Limits, eof: bool, data: st.DataObject) -> None:
    agreed = b"permessage-deflate; server_max_window_bits=9"
    answer = response(KEY, {b"Sec-WebSocket-Extensions": [agreed]} if deflate else {})
    head = EARLY_HINTS * data.draw(st.integers(0, 2)) + data.draw(changed(answer) | st.just(answer))
    tail = wire.frame(wire.TEXT, b"Hello") + data.draw(peer_streams(client=True, deflate=deflate)).data
    assert_client_handles(data.draw(cuttings(head + tail)), limits, asked, eof=eof)


@given(requests, st.sampled_from(REJECTIONS), handshake_limits, st.booleans(), st.data())
def test_a_rejection(asked: Request, answer: bytes, limits: Limits, eof: bool, data: st.DataObject) -> None:
    stream = EARLY_HINTS * data.draw(st.integers(0, 2)) + data.draw(changed(answer) | st.just(answer))
    assert_client_handles(data.draw(cuttings(stream)), limits, asked, eof=eof)


#: Header fields, each with lines of its own that are right, wrong or near to either; no line removes it.
ODD_FIELDS: dict[bytes, list[list[bytes]]] = {
    b"X-Any": [[b"1"]],
    b"Host": [[], [b""], [b"a b"], [b"\xff"], [b"xn--\xff"], [b"XN--fa-hia.de"], [b"xn--0"], [b"h", b"h"]],
    b"Upgrade": [[], [b"h2c"], [b"websocket, h2c"], [b"WebSocket"]],
    b"Connection": [[], [b"close"], [b"keep-alive, Upgrade"], [b'"']],
    b"Sec-WebSocket-Key": [[], [b"x"], [KEY, KEY], [KEY + b"="]],
    b"Sec-WebSocket-Version": [[], [b"8"], [b"13", b"13"]],
    b"Sec-WebSocket-Accept": [[], [b"x"], [b"\xff"]],
    b"Sec-WebSocket-Protocol": [[b"other"], [b"chat"], [b"\xff"], [b","], [b"chat", b"chat"], [b",chat ,"]],
    b"Sec-WebSocket-Extensions": [
        [b"permessage-deflate;"],
        [b"x; =1"],
        [b"x; a="],
        [b"permessage-deflate, permessage-deflate"],
        [b", permessage-deflate ,"],
        [b","],
        [b"\xff"],
    ],
    b"Content-Length": [[b"0"], [b"5"], [b"x"]],
    b"Transfer-Encoding": [[b"chunked"]],
}
EACH_ODD_FIELD = [{name: lines} for name, some in ODD_FIELDS.items() for lines in some]
odd_fields = st.dictionaries(
    st.sampled_from(sorted(ODD_FIELDS)),
    st.lists(
        st.binary(max_size=12).map(lambda data: bytes(byte for byte in data if byte > 0x1F)), max_size=2
    ),
    max_size=2,
)


@pytest.mark.parametrize("fields", EACH_ODD_FIELD, ids=str)
def test_each_odd_field(fields: dict[bytes, list[bytes]]) -> None:
    """In one read and byte by byte, and in HTTP/1.0 and later."""
    for version in (b"HTTP/1.0", b"HTTP/1.1", b"HTTP/1.2"):
        head = request(fields, start_line=b"GET / " + version)
        assert_server_handles([head], Limits())
        assert_server_handles(list(single_bytes(head)), Limits())
    head = response(KEY, fields)
    for asked in REQUESTS:
        assert_client_handles([head], Limits(), asked)
        assert_client_handles(list(single_bytes(head)), Limits(), asked)


@given(odd_fields, st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2"]), st.data())
def test_a_request_with_an_odd_field(
    fields: dict[bytes, list[bytes]], version: bytes, data: st.DataObject
) -> None:
    head = request(fields, start_line=b"GET / " + version)
    assert_server_handles(data.draw(st.just([head]) | cuttings(head)), Limits())


@given(requests, odd_fields, st.data())
def test_a_response_with_an_odd_field(
    asked: Request, fields: dict[bytes, list[bytes]], data: st.DataObject
) -> None:
    head = response(KEY, fields)
    assert_client_handles(data.draw(st.just([head]) | cuttings(head)), Limits(), asked)
