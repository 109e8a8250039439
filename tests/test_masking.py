"""Masking: the XOR, and where the keys come from (RFC 6455 5.3, 10.3)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

import wsproto.masking
from tests.oracle.receiving import receive, receive_cut
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZES = [
    *range(20),
    63,
    64,
    124,
    125,
    126,
    127,
    255,
    256,
    383,
    384,
    385,
    511,
    512,
    1023,
    1024,
    1025,
    1026,
    1027,
    4097,
    65535,
    65536,
]
KEYS = [bytes(4), b"\xff" * 4, b"\x00\x00\x00\x01", b"\x80\x00\x00\x00", wire.MASK, b"\x01\x02\x03\x04"]


def payload(size: int) -> bytes:
    return (bytes(range(256)) * (size // 256 + 1))[:size]


class Source:
    """A source of random bytes, the same in every run, that remembers what it gave."""

    def __init__(self) -> None:
        self.generator = random.Random(6455)
        self.draws: list[bytes] = []

    def __call__(self, size: int) -> bytes:
        self.draws.append(self.generator.randbytes(size))
        return self.draws[-1]

    def places(self, keys: Iterable[bytes]) -> list[tuple[int, int]]:
        """Where each key was drawn: (number of the draw, offset in it)."""
        found = []
        for key in keys:
            places = [(number, draw.find(key)) for number, draw in enumerate(self.draws) if key in draw]
            assert len(places) == 1, f"key {key.hex()} was drawn {len(places)} times"
            found.append(places[0])
        return found


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    replacement = Source()
    monkeypatch.setattr(wsproto.masking, "random_bytes", replacement)
    return replacement


def key_of(connection: Connection, event: Event) -> bytes:
    mask = wire.decode_frame(connection.send(event)).mask
    assert mask is not None
    return mask


@pytest.mark.requirement("R6455-5.3-05", "R6455-5.3-06", "R6455-6.2-07")
@pytest.mark.parametrize("key", KEYS, ids=bytes.hex)
def test_a_server_unmasks_every_length(key: bytes) -> None:
    for size in SIZES:
        data = payload(size)
        connection = Connection(ConnectionType.SERVER)
        received = receive(connection, wire.frame(wire.BINARY, data, mask=key))
        assert received == [BytesMessage(data)], size


@pytest.mark.requirement("R6455-5.3-05", "R6455-5.3-06")
@pytest.mark.parametrize("size", [2**18 - 1, 2**18, 2**18 + 1, 2**19 + 3])
def test_long_payloads_are_masked_and_unmasked_piece_by_piece(size: int) -> None:
    data = payload(size)
    sent = Connection(ConnectionType.CLIENT).send(BytesMessage(data))
    assert wire.decode_frame(sent).payload == data
    assert receive(Connection(ConnectionType.SERVER), sent) == [BytesMessage(data)]


@pytest.mark.requirement("R6455-5.3-05")
@pytest.mark.parametrize("size", [9, 130, 400, 1025, 2051])
def test_the_key_goes_on_wherever_a_payload_is_cut(size: int) -> None:
    data = wire.frame(wire.BINARY, payload(size), mask=wire.MASK)
    for cut in range(len(data) + 1):
        connection = Connection(ConnectionType.SERVER)
        events = receive_cut(connection, [data[:cut], data[cut:]])
        assert b"".join(event.data for event in events if isinstance(event, BytesMessage)) == payload(size)


@pytest.mark.requirement("R6455-5.3-05")
@pytest.mark.parametrize("size", [4095, 4096, 4097, 4159, 4160])
def test_masking_is_the_same_wherever_the_payload_is_written(size: int) -> None:
    for before in range(70):
        header = bytes(before)
        found = wsproto.masking.masked(payload(size + before), before, before + size, wire.MASK, header)
        assert found == header + wire.xor(payload(size + before)[before:], wire.MASK), before


@pytest.mark.requirement("R6455-5.3-05")
@pytest.mark.parametrize("size", [0, 1, 5, 1024, 1025, 2048, 2049, 2**18, 2**18 + 3, 2**19 + 1])
def test_what_stands_before_and_behind_the_payload_is_left_out(size: int) -> None:
    data = b"head" + payload(size) + b"next"
    expected = wire.xor(payload(size), wire.MASK)
    assert wsproto.masking.unmasked_piece(data, 4, 4 + size, wire.MASK) == expected
    assert wsproto.masking.masked(data, 4, 4 + size, wire.MASK) == expected
    assert wsproto.masking.masked(data, 4, 4 + size, wire.MASK, b"header") == b"header" + expected


def test_the_table_of_repeated_keys() -> None:
    """A key over itself and all of a short payload, rounded up to whole keys."""
    assert len(wsproto.masking.KEY_REPEATED) == 126
    key = int.from_bytes(wire.MASK, "big")
    for size, factor in enumerate(wsproto.masking.KEY_REPEATED):
        count = 1 + (size + 3) // 4
        assert (factor * key).to_bytes(4 * count, "big") == wire.MASK * count


@pytest.mark.parametrize("step", [1, 2, 3, 5, 64, 333, 1000])
def test_the_key_goes_on_over_many_pieces(step: int) -> None:
    data = wire.frame(wire.BINARY, payload(3000), mask=b"\x01\x02\x03\x04")
    connection = Connection(ConnectionType.SERVER)
    events = receive_cut(connection, (data[at : at + step] for at in range(0, len(data), step)))
    assert b"".join(event.data for event in events if isinstance(event, BytesMessage)) == payload(3000)


@pytest.mark.requirement("R6455-5.3-05")
def test_each_frame_has_its_own_key() -> None:
    connection = Connection(ConnectionType.SERVER)
    data = (
        wire.frame(wire.TEXT, b"first", fin=False, mask=b"\x01\x02\x03\x04")
        + wire.frame(wire.PING, b"ping", mask=b"\xaa\xbb\xcc\xdd")
        + wire.frame(wire.CONTINUATION, b"second", mask=b"\x05\x06\x07\x08")
    )
    assert receive(connection, data) == [
        TextMessage("first", message_finished=False),
        Ping(b"ping"),
        TextMessage("second"),
    ]


@pytest.mark.requirement("R6455-5.3-05", "R6455-5.3-01")
@pytest.mark.parametrize("key", KEYS, ids=bytes.hex)
def test_a_client_masks_every_length(key: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsproto.masking, "random_bytes", lambda size: (key * size)[:size])
    connection = Connection(ConnectionType.CLIENT)
    for size in SIZES:
        data = connection.send(BytesMessage(payload(size)))
        assert data == wire.frame(wire.BINARY, payload(size), mask=key), size


@pytest.mark.requirement("R6455-5.3-02", "R6455-5.3-03", "R6455-5.3-04", "R6455-10.3-01")
def test_every_key_comes_fresh_from_the_source(source: Source) -> None:
    connection = Connection(ConnectionType.CLIENT)
    events: list[Event] = [
        TextMessage("a", message_finished=False),
        Ping(),
        TextMessage(""),
        BytesMessage(b"x" * 1000),
        Pong(b"q"),
    ]
    keys = [key_of(connection, event) for _ in range(200) for event in events]
    keys.append(key_of(connection, CloseConnection(1000)))
    assert len(set(keys)) == len(keys) == 1001
    used = [(number, offset + index) for number, offset in source.places(keys) for index in range(4)]
    assert len(set(used)) == len(used)


@pytest.mark.requirement("R6455-5.3-04")
def test_the_first_pool_is_small(source: Source) -> None:
    """Most idle connections have sent a frame or none."""
    client = Connection(ConnectionType.CLIENT)
    for _ in range(16 + 256 + 1):
        client.send(Ping())
    assert [len(draw) for draw in source.draws] == [64, 1024, 1024]


def test_a_pool_belongs_to_one_connection(source: Source) -> None:
    connections = [Connection(ConnectionType.CLIENT) for _ in range(3)]
    keys: list[list[bytes]] = [[], [], []]
    for _ in range(100):
        for connection, its_keys in zip(connections, keys, strict=True):
            its_keys.append(key_of(connection, Ping()))
    draws = [{number for number, _ in source.places(its_keys)} for its_keys in keys]
    assert draws[0].isdisjoint(draws[1])
    assert draws[0].isdisjoint(draws[2])
    assert draws[1].isdisjoint(draws[2])


def test_a_refused_send_uses_no_key(source: Source) -> None:
    connection = Connection(ConnectionType.CLIENT)
    first = key_of(connection, Ping())
    for bad in (Ping(b"x" * 126), CloseConnection(999), TextMessage("\ud800")):
        with pytest.raises(LocalProtocolError):
            connection.send(bad)
    second = key_of(connection, Ping())
    (draw, offset), following = source.places([first, second])
    assert following == (draw, offset + 4)


def test_a_server_draws_no_keys(source: Source) -> None:
    connection = Connection(ConnectionType.SERVER)
    connection.send(Ping())
    receive(connection, wire.frame(wire.TEXT, b"x", mask=wire.MASK))
    assert source.draws == []


@pytest.mark.requirement("R6455-5.3-03", "R6455-10.3-01")
def test_keys_do_not_depend_on_the_global_generator() -> None:
    state = random.getstate()
    runs = []
    for _ in range(2):
        random.seed(7)
        before = random.getstate()
        connection = Connection(ConnectionType.CLIENT)
        runs.append([key_of(connection, Ping()) for _ in range(8)])
        assert random.getstate() == before
    random.setstate(state)
    assert runs[0] != runs[1]


@pytest.mark.requirement("R6455-5.3-03")
def test_the_source_gives_as_many_bytes_as_asked_for_and_never_the_same() -> None:
    for size in (4, 64, 1000):
        drawn = wsproto.masking.random_bytes(size)
        assert type(drawn) is bytes
        assert len(drawn) == size
    assert len({wsproto.masking.random_bytes(16) for _ in range(100)}) == 100


@pytest.mark.parametrize("size", [3, 8, 31, 63, 64, 127, 128, 160, 200, 4096, 5000])
def test_what_is_beyond_ascii_is_found_wherever_it_stands(size: int) -> None:
    """Unmasking tells on the way whether all is ASCII, some bytes at a time; `@` has the second bit alone."""
    for at in {*range(min(size, 200)), *range(max(size - 70, 0), size)}:
        before, behind = b"@" * at, b"@" * (size - at - 1)
        text = f"{before.decode()}\u0100{behind.decode()}"
        right = wire.frame(wire.TEXT, text.encode(), mask=wire.MASK)
        assert receive(Connection(ConnectionType.SERVER), right) == [TextMessage(text)], at
        wrong = wire.frame(wire.TEXT, before + b"\xff" + behind, mask=wire.MASK)
        failure = receive(Connection(ConnectionType.SERVER), wrong)[-1]
        assert isinstance(failure, CloseConnection), at
        assert failure.code is CloseReason.INVALID_FRAME_PAYLOAD_DATA
