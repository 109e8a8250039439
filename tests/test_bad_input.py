"""Whatever the bytes: a connection fails in the way that is documented, and in no other."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.oracle import wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Event
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Work by the million, which measuring coverage would make three times as long.
pytestmark = pytest.mark.uncovered

#: Per role and kind of connection: 200,000 for each role.
STRINGS = 100_000
SEED = 6455
MAX_SIZE = 24

STATES_AFTER = {ConnectionState.OPEN: 0, ConnectionState.REMOTE_CLOSING: 1}

roles = pytest.mark.parametrize("role", ConnectionType, ids=lambda role: role.name.lower())


def corpus(role: ConnectionType) -> list[bytes]:
    """Short streams of good frames, to be damaged."""
    client = role is ConnectionType.CLIENT
    compressor = zlib.compressobj(wbits=-15)
    compressed = (compressor.compress(b"abcabcabc") + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def peer(
        opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, length: int | None = None
    ) -> bytes:
        return wire.peer_frame(client, opcode, payload, fin=fin, rsv=rsv, length=length)

    return [
        peer(wire.TEXT, "a€😀".encode()),
        peer(wire.BINARY, b"\x00\xff"),
        peer(wire.TEXT, b"\xe2\x82", fin=False) + peer(wire.CONTINUATION, b"\xac"),
        peer(wire.TEXT, b"a", fin=False) + peer(wire.PING, b"p") + peer(wire.CONTINUATION, b"b"),
        peer(wire.PING, b"?") + peer(wire.PONG, b"!"),
        peer(wire.CLOSE, wire.close_payload(1000, "é")),
        peer(wire.CLOSE),
        peer(wire.BINARY, b"x" * 3, length=200),
        peer(wire.BINARY, b"x" * 3, length=70_000),
        peer(wire.TEXT, compressed, rsv=wire.RSV1),
        peer(wire.BINARY, compressed[:4], fin=False, rsv=wire.RSV1) + peer(wire.CONTINUATION, compressed[4:]),
        peer(wire.TEXT, b"\x00", rsv=wire.RSV1) + peer(wire.TEXT, compressed, rsv=wire.RSV1),
    ]


def damaged(generator: random.Random, good: list[bytes]) -> bytes:
    """One of `good`, with a few bytes changed, taken out or put in."""
    data = bytearray(generator.choice(good))
    for _ in range(generator.randint(1, 3)):
        position = generator.randrange(len(data) + 1)
        data[position : position + generator.randrange(2)] = generator.randbytes(generator.randrange(3))
    return bytes(data)


def strings(role: ConnectionType, seed: int) -> Iterator[bytes]:
    """Half of them at random, half of them damaged frames."""
    generator = random.Random(seed)
    good = corpus(role)
    for _ in range(STRINGS // 2):
        yield generator.randbytes(generator.randrange(MAX_SIZE))
        yield damaged(generator, good)


def plain(_: ConnectionType) -> list[Extension]:
    return []


def compressed(role: ConnectionType) -> list[Extension]:
    extension = PerMessageDeflate()
    if role is ConnectionType.SERVER:
        extension.accept("permessage-deflate")
    else:
        extension.finalize("permessage-deflate")
    return [extension]


def receive_in_two(connection: Connection, data: bytes, cut: int) -> list[Event]:
    try:
        connection.receive_data(data[:cut])
        events = list(connection.events())
        connection.receive_data(data[cut:])
        events += connection.events()
    except RemoteProtocolError:
        return []
    return events


@pytest.mark.requirement("R6455-10.7-01", "R6455-10.7-03")
@roles
@pytest.mark.parametrize("agree", [plain, compressed])
def test_bad_input_fails_as_documented(
    role: ConnectionType, agree: Callable[[ConnectionType], list[Extension]]
) -> None:
    seed = SEED + 2 * (role is ConnectionType.CLIENT) + (agree is compressed)
    extensions = agree(role)
    for number, data in enumerate(strings(role, seed)):
        connection = Connection(role, extensions)
        try:
            events = receive_in_two(connection, data, number % 5)
            closes = [event for event in events if type(event) is CloseConnection]
            assert len(closes) == STATES_AFTER[connection.state]
            if closes:
                assert events[-1] is closes[0]
                wire.decode_frame(connection.send(closes[0].response()))
        except Exception as error:  # noqa: BLE001 - anything but what is documented is a failure
            pytest.fail(f"seed {seed}, string {number}: {data.hex()}: {error!r}")
