"""However the same bytes are cut, the same events come out, once their pieces are joined (RFC 6455 6.2)."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.marks import roles
from tests.oracle.judging import by_frame
from tests.oracle.receiving import receive_cut, single_bytes
from tooling import frames as wire
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Event
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_ALL_TWO_WAY_CUTS = 400


class Sent(NamedTuple):
    """A frame of a stream, to be written as either role's peer writes it."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    length_form: wire.LengthForm | None = None
    length: int | None = None


class Wrong(NamedTuple):
    """A frame masked in the wrong direction."""

    opcode: int
    payload: bytes = b""


class Raw(NamedTuple):
    """Bytes of a stream that are the same in both directions."""

    data: bytes


def deflated(data: bytes) -> bytes:
    """`data` as the payload of a compressed message (RFC 7692 7.2.1), by a compressor that starts anew."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


STORY = "Grüße aus Köln: κόσμε €😀, "
PLAIN: dict[str, list[Sent | Raw | Wrong]] = {
    "whole messages": [Sent(TEXT, b"a"), Sent(BINARY, b"\xff\x00"), Sent(TEXT, STORY.encode()), Sent(TEXT)],
    "lengths about 126": [Sent(BINARY, b"x" * size) for size in (124, 125, 126, 127)],
    "lengths about 65536": [Sent(BINARY, b"y" * size) for size in (65535, 65536)],
    "long text": [Sent(TEXT, (STORY * 100).encode()), Sent(TEXT, b"end")],
    "fragments": [
        Sent(TEXT, b"a\xe2", fin=False),
        Sent(CONTINUATION, b"\x82", fin=False),
        Sent(CONTINUATION, fin=False),
        Sent(CONTINUATION, b"\xac!"),
        Sent(BINARY, fin=False),
        Sent(CONTINUATION, b"\xff" * 130),
    ],
    "empty fragments": [Sent(TEXT, fin=False), *[Sent(CONTINUATION, fin=False)] * 20, Sent(CONTINUATION)],
    "control frames between fragments": [
        Sent(TEXT, b"\xf0\x9f", fin=False),
        Sent(PING, b"\xff"),
        Sent(CONTINUATION, b"\x98", fin=False),
        Sent(PONG, b"x" * 125),
        Sent(CONTINUATION, b"\x80"),
        Sent(PING),
        Sent(PING, b"y" * 125),
    ],
    "close": [Sent(TEXT, b"x"), Sent(CLOSE, wire.close_payload(1000, "bye"))],
    "close without code": [Sent(PING, b"?"), Sent(CLOSE)],
    "close of 125 bytes": [Sent(CLOSE, wire.close_payload(4999, "é" * 61 + "!"))],
    "frames after a close": [
        Sent(CLOSE, wire.close_payload(1001)),
        Sent(TEXT, b"late"),
        Sent(CLOSE),
        Raw(b"\xff" * 9),
    ],
    "close inside a message": [Sent(TEXT, b"x", fin=False), Sent(CLOSE, wire.close_payload(1000))],
    "unfinished message": [Sent(TEXT, "aé€".encode(), fin=False)],
    "unfinished frame": [Sent(BINARY, b"x" * 40, length=1000)],
    "huge frame": [Sent(BINARY, b"x" * 40, length=2**63 - 1)],
}
BROKEN: dict[str, list[Sent | Raw | Wrong]] = {
    "bad utf-8": [Sent(TEXT, STORY.encode() + b"\xed\xa0\x80 after"), Sent(TEXT, b"late")],
    "bad utf-8 in a long text": [Sent(TEXT, STORY.encode() * 20 + b"\xff" + b"z" * 200)],
    "bad utf-8 in a fragment": [
        Sent(TEXT, b"ok\xe2", fin=False),
        Sent(PING),
        Sent(CONTINUATION, b"\x28 after"),
    ],
    "truncated utf-8": [Sent(TEXT, b"ok\xf0\x9f\x98"), Sent(TEXT, b"late")],
    "truncated utf-8 in a fragment": [Sent(TEXT, b"ok\xc3", fin=False), Sent(CONTINUATION)],
    "reserved bits": [Sent(TEXT, b"x"), Sent(TEXT, b"x", rsv=wire.RSV2), Sent(TEXT, b"late")],
    "unknown opcode": [Sent(PING, b"x"), Sent(0x5, b"x")],
    "fragmented ping": [Sent(TEXT, b"x", fin=False), Sent(PING, b"x", fin=False)],
    "long ping": [Sent(PING, b"x" * 126)],
    "continuation of nothing": [Sent(TEXT, b"x"), Sent(CONTINUATION, b"x")],
    "message inside a message": [Sent(BINARY, b"x", fin=False), Sent(BINARY, b"x")],
    "length of 16 bits not minimal": [Sent(TEXT, b"x", length_form=16)],
    "length of 64 bits not minimal": [Sent(TEXT, b"x" * 126, length_form=64)],
    "negative length": [Sent(BINARY, b"x", length=2**64 - 1)],
    "close of one byte": [Sent(TEXT, b"x"), Sent(CLOSE, b"\x03")],
    "close code 1005": [Sent(CLOSE, wire.close_payload(1005, "x"))],
    "close reason not utf-8": [Sent(CLOSE, wire.close_payload(1000, b"\xff"))],
    "wrong mask direction": [Sent(TEXT, b"x"), Wrong(TEXT, b"x"), Sent(TEXT, b"late")],
    "noise": [Raw(random.Random(1).randbytes(64))],
}
DEFLATED: dict[str, list[Sent | Raw | Wrong]] = {
    "compressed": [
        Sent(TEXT, deflated(STORY.encode()), rsv=wire.RSV1),
        Sent(BINARY, deflated(b"\xff" * 500), rsv=wire.RSV1),
    ],
    "compressed, empty": [Sent(TEXT, b"\x00", rsv=wire.RSV1), Sent(BINARY, b"\x00", rsv=wire.RSV1)],
    "compressed beside plain": [
        Sent(TEXT, b"plain"),
        Sent(TEXT, deflated(b"not"), rsv=wire.RSV1),
        Sent(BINARY, b"x"),
    ],
    "compressed fragments": [
        Sent(TEXT, deflated(STORY.encode())[:7], fin=False, rsv=wire.RSV1),
        Sent(PING, b"between"),
        Sent(CONTINUATION, deflated(STORY.encode())[7:], fin=False),
        Sent(CONTINUATION),
        Sent(CLOSE, wire.close_payload(1000)),
    ],
    "compressed long": [Sent(BINARY, deflated(random.Random(2).randbytes(600)), rsv=wire.RSV1)],
    "compressed to little": [Sent(BINARY, deflated(b"\x00" * 100_000), rsv=wire.RSV1)],
    "compressed bad utf-8": [Sent(TEXT, deflated(b"ok\xff after"), rsv=wire.RSV1)],
    "compressed garbage": [Sent(TEXT, b"x"), Sent(BINARY, b"\xff" * 40, rsv=wire.RSV1)],
    "compressed continuation": [Sent(TEXT, fin=False), Sent(CONTINUATION, b"x", rsv=wire.RSV1)],
    "compressed ping": [Sent(PING, b"x", rsv=wire.RSV1)],
}
STREAMS = {**PLAIN, **BROKEN, **DEFLATED}

streams = pytest.mark.parametrize("name", STREAMS, ids=lambda name: name.replace(" ", "-"))


def written(role: ConnectionType, sent: Sent | Raw | Wrong) -> bytes:
    if isinstance(sent, Raw):
        return sent.data
    if isinstance(sent, Wrong):
        return wire.peer_frame(role is not ConnectionType.CLIENT, sent.opcode, sent.payload)
    return wire.peer_frame(
        role is ConnectionType.CLIENT,
        sent.opcode,
        sent.payload,
        fin=sent.fin,
        rsv=sent.rsv,
        length_form=sent.length_form,
        length=sent.length,
    )


def stream(role: ConnectionType, name: str) -> bytes:
    return b"".join(written(role, one) for one in STREAMS[name])


def connect(role: ConnectionType, name: str) -> Connection:
    if name not in DEFLATED:
        return Connection(role)
    extension = PerMessageDeflate()
    if role is ConnectionType.SERVER:
        extension.accept("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    else:
        extension.offer()
        extension.finalize("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    return Connection(role, [extension])


class Outcome(NamedTuple):
    """What came of a stream."""

    events: list[Event]
    state: ConnectionState
    failed: bool


def outcome(role: ConnectionType, name: str, pieces: Iterable[bytes]) -> Outcome:
    connection = connect(role, name)
    events = by_frame(receive_cut(connection, pieces))
    return Outcome(events, connection.state, connection.protocol_error is not None)


def two_way(data: bytes) -> Iterator[list[bytes]]:
    positions: Iterable[int] = range(1, len(data))
    if len(data) > MAX_ALL_TWO_WAY_CUTS:
        near = {*range(1, 30), *range(len(data) - 30, len(data))}
        positions = sorted(near | set(range(1, len(data), len(data) // 40)))
    for position in positions:
        yield [data[:position], data[position:]]


@streams
@roles
def test_the_streams_do_what_their_names_say(role: ConnectionType, name: str) -> None:
    whole = outcome(role, name, [stream(role, name)])
    closes = [event for event in whole.events if isinstance(event, CloseConnection)]
    broken = name in BROKEN or name in {
        "compressed bad utf-8",
        "compressed garbage",
        "compressed continuation",
        "compressed ping",
    }
    assert whole.failed is broken
    assert (whole.state is ConnectionState.OPEN) is (not closes)
    assert len(closes) <= 1
    assert whole.events[-1:] == closes or not closes


@pytest.mark.requirement("R6455-6.2-01", "R6455-5.4-03")
@streams
@roles
def test_byte_by_byte(role: ConnectionType, name: str) -> None:
    data = stream(role, name)
    assert outcome(role, name, single_bytes(data)) == outcome(role, name, [data])


@streams
@roles
def test_cut_in_two(role: ConnectionType, name: str) -> None:
    data = stream(role, name)
    whole = outcome(role, name, [data])
    for pieces in two_way(data):
        assert outcome(role, name, pieces) == whole, len(pieces[0])


@streams
@roles
def test_read_before_any_event_is_taken(role: ConnectionType, name: str) -> None:
    data = stream(role, name)
    connection = connect(role, name)
    for at in range(0, len(data), 7):
        connection.receive_data(data[at : at + 7])
    events = by_frame(connection.events())
    assert Outcome(events, connection.state, connection.protocol_error is not None) == outcome(
        role, name, [data]
    )


@streams
@roles
def test_taken_one_event_at_a_time(role: ConnectionType, name: str) -> None:
    data = stream(role, name)
    connection = connect(role, name)
    events = []
    for at in range(0, len(data), 50):
        connection.receive_data(data[at : at + 50])
        while (event := next(connection.events(), None)) is not None:
            events.append(event)
    actual = Outcome(by_frame(events), connection.state, connection.protocol_error is not None)
    assert actual == outcome(role, name, [data])
