"""What a peer can make the library hold: measured with tracemalloc, which sees zlib's memory too."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import wsproto
from tests.marks import roles
from tests.oracle.deflating import CLIENT, SERVER, Deflater, agreed, connect, from_peer
from tests.oracle.handshake_bytes import asked_server, request
from tests.oracle.receiving import read_through
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.limits import Limits
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Work by the million, which measuring coverage would make three times as long.
pytestmark = pytest.mark.uncovered

KIB = 2**10
MIB = 2**20


@pytest.fixture(autouse=True)
def _traced() -> Iterator[None]:
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


#: Where the library allocates, and the tests, whose bytes it might keep; not what else the process does.
HOLDERS = [tracemalloc.Filter(True, f"{Path(place).parent}/*") for place in (wsproto.__file__, __file__)]


def held() -> int:
    gc.collect()
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(HOLDERS).traces)


def peak_over(action: Callable[[], None]) -> int:
    """How far memory rose above its level while `action` ran."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    action()
    return tracemalloc.get_traced_memory()[1] - before


def drain(connection: Connection) -> None:
    for _ in connection.events():
        pass


def zeros(size: int) -> bytes:
    """A compressed message of `size` zeros."""
    return Deflater(level=9).message(bytes(size))


# Bombs -------------------------------------------------------------------------------------------


@roles
@pytest.mark.parametrize("read", [2**20, 4096], ids=["one read", "reads of 4 KiB"])
def test_100_mb_of_zeros_come_out_in_bounded_pieces(role: ConnectionType, read: int) -> None:
    connection = connect(role)
    stream = from_peer(connection, wire.BINARY, zeros(100_000_000), rsv=wire.RSV1)
    assert len(stream) < 110_000
    sizes: list[int] = []

    def read_all() -> None:
        for start in range(0, len(stream), read):
            connection.receive_data(stream[start : start + read])
            for event in connection.events():
                assert isinstance(event, Message)
                sizes.append(len(event.data))

    assert peak_over(read_all) < 8 * MIB
    assert sum(sizes) == 100_000_000
    assert max(sizes) <= MIB


def test_a_small_bound_makes_a_small_peak() -> None:
    connection = Connection(SERVER, [agreed()], limits=Limits(max_inflated_size=4 * KIB))
    stream = from_peer(connection, wire.BINARY, zeros(10_000_000), rsv=wire.RSV1)
    assert peak_over(lambda: read_through(connection, stream)) < MIB // 2


@roles
def test_a_refused_bomb_was_not_inflated_further(role: ConnectionType) -> None:
    connection = Connection(role, [agreed()], limits=Limits(max_message_size=100_000))
    stream = from_peer(connection, wire.BINARY, zeros(100_000_000), rsv=wire.RSV1)
    assert peak_over(lambda: read_through(connection, stream, len(stream))) < MIB
    assert connection.protocol_error is not None


def test_a_bomb_of_text_is_bounded_too() -> None:
    connection = connect(CLIENT)
    stream = from_peer(connection, wire.TEXT, zeros(20_000_000), rsv=wire.RSV1)
    assert peak_over(lambda: read_through(connection, stream)) < 8 * MIB


def test_events_that_nobody_takes_inflate_nothing() -> None:
    connection = connect(SERVER)
    stream = from_peer(connection, wire.BINARY, zeros(50_000_000), rsv=wire.RSV1)

    def take_one() -> None:
        connection.receive_data(stream)
        next(iter(connection.events()))

    assert peak_over(take_one) < 4 * MIB


# Declared lengths --------------------------------------------------------------------------------


@roles
@pytest.mark.parametrize("rsv", [0, wire.RSV1], ids=["plain", "compressed"])
def test_a_declared_length_sets_nothing_aside(role: ConnectionType, rsv: int) -> None:
    """Whatever the header says, only what came takes room."""
    connection = connect(role)
    head = wire.peer_frame(connection.client, wire.BINARY, rsv=rsv, length=2**62)
    assert peak_over(lambda: read_through(connection, head)) < 64 * KIB


# Between calls -----------------------------------------------------------------------------------


def growth(connection: Connection, stream: bytes, *, times: int = 3, read: int = 2**16) -> int:
    """By how much the memory held after `stream` grows when it comes again, and every time that it does.

    What it grows by once is the interpreter's: code that it has specialised, a free list.
    """
    read_through(connection, stream, read)
    grown = 2**63
    for _ in range(3):
        before = held()
        for _ in range(times):
            read_through(connection, stream, read)
        grown = min(grown, held() - before)
        if grown < KIB:
            break
    return grown


@roles
@pytest.mark.parametrize("read", [2**16, 100, 1], ids=["whole", "100 bytes", "byte by byte"])
@pytest.mark.parametrize(
    ("opcode", "payload", "rsv"),
    [
        pytest.param(wire.BINARY, bytes(1000), 0, id="messages"),
        pytest.param(wire.TEXT, "€".encode() * 300, 0, id="text"),
        pytest.param(wire.PING, bytes(125), 0, id="pings"),
        pytest.param(wire.PONG, b"", 0, id="pongs"),
        pytest.param(
            wire.TEXT, Deflater(takeover=False).message(b"Hello" * 3000), wire.RSV1, id="compressed"
        ),
        pytest.param(wire.TEXT, b"\x00", wire.RSV1, id="empty compressed"),
    ],
)
def test_memory_between_calls_stays_flat(
    role: ConnectionType, opcode: int, payload: bytes, rsv: int, read: int
) -> None:
    connection = connect(role)
    stream = from_peer(connection, opcode, payload, rsv=rsv) * max(1, 1000 // (len(payload) + 6))
    assert growth(connection, stream, read=read) < 2 * KIB


@roles
@pytest.mark.parametrize("payload", [b"", b"x"], ids=["empty", "one byte"])
@pytest.mark.parametrize("rsv", [0, wire.RSV1], ids=["plain", "compressed"])
def test_endless_fragments_hold_nothing(role: ConnectionType, payload: bytes, rsv: int) -> None:
    connection = connect(role)
    payload = b"\x00\x00\x00\xff\xff" if rsv and payload else payload
    read_through(connection, from_peer(connection, wire.BINARY, payload, fin=False, rsv=rsv))
    stream = from_peer(connection, wire.CONTINUATION, payload, fin=False) * 300
    assert growth(connection, stream) < 2 * KIB
    assert connection.protocol_error is None


@roles
def test_a_message_in_the_middle_of_a_frame_holds_nothing(role: ConnectionType) -> None:
    """What came of an unfinished frame has been handed on."""
    connection = connect(role)
    before = held()
    read_through(connection, wire.peer_frame(connection.client, wire.BINARY, bytes(500_000), length=10**9))
    assert held() - before < 4 * KIB


@roles
def test_the_events_taken_are_not_kept(role: ConnectionType) -> None:
    connection = connect(role)
    stream = from_peer(connection, wire.BINARY, bytes(MIB // 2))
    read_through(connection, stream, len(stream))
    before = held()
    connection.receive_data(stream)
    (event,) = connection.events()
    assert isinstance(event, Message)
    assert len(event.data) == MIB // 2
    assert MIB // 2 <= held() - before < MIB // 2 + 16 * KIB


# Floods ------------------------------------------------------------------------------------------


@roles
def test_a_flood_of_pings_is_answered_one_at_a_time(role: ConnectionType) -> None:
    """No queue of pongs: each is made when the program asks for it."""
    connection = connect(role)
    stream = from_peer(connection, wire.PING, bytes(125)) * 2000

    def answer_all() -> None:
        connection.receive_data(stream)
        for event in connection.events():
            assert isinstance(event, Ping)
            connection.send(event.response())

    answer_all()
    assert peak_over(answer_all) < MIB // 4


@roles
def test_a_flood_of_pings_that_nobody_answers_is_forgotten(role: ConnectionType) -> None:
    connection = connect(role)
    stream = from_peer(connection, wire.PING, bytes(125)) * 200
    assert growth(connection, stream, times=5) < 2 * KIB


@roles
@pytest.mark.parametrize("after", ["failure", "close"])
def test_a_flood_after_the_end_is_dropped_unread(role: ConnectionType, after: str) -> None:
    connection = connect(role)
    last = from_peer(connection, wire.CLOSE, b"\x03\xe8") if after == "close" else b"\xff\xff"
    read_through(connection, last)
    assert connection.state is ConnectionState.REMOTE_CLOSING
    flood = bytes(MIB)
    before = held()
    for _ in range(50):
        connection.receive_data(flood)
    assert held() - before < 2 * KIB
    assert list(connection.events()) == []


@roles
def test_what_came_behind_a_failure_in_the_same_read_is_let_go(role: ConnectionType) -> None:
    connection = connect(role)
    before = held()
    connection.receive_data(b"\xff\xff" + bytes(MIB))
    (event,) = connection.events()
    assert isinstance(event, CloseConnection)
    del event
    assert held() - before < 16 * KIB


@roles
def test_a_failure_lets_go_of_a_bomb(role: ConnectionType) -> None:
    connection = Connection(role, [agreed()], limits=Limits(max_message_size=1000))
    before = held()
    connection.receive_data(from_peer(connection, wire.BINARY, zeros(50_000_000), rsv=wire.RSV1))
    drain(connection)
    assert connection.protocol_error is not None
    assert held() - before < 64 * KIB


@roles
def test_a_failure_lets_go_of_what_waits_for_the_rest_of_a_unit(role: ConnectionType) -> None:
    """The first unit of a compressed frame is no UTF-8, most of the second one has come behind it."""
    connection = connect(role)
    before = held()
    bad = b"\x00\xff\xff\x00\x00%b"
    read_through(
        connection,
        wire.peer_frame(connection.client, wire.TEXT, bad % (b"\xff" * 31_000), rsv=wire.RSV1, length=2**16),
    )
    assert connection.protocol_error is not None
    assert held() - before < 8 * KIB


# zlib objects ------------------------------------------------------------------------------------


@roles
def test_zlib_objects_are_made_on_first_use(role: ConnectionType) -> None:
    """An inflater takes about 40 KiB, a deflater about 260 KiB."""
    extension = agreed()
    before = held()
    connection = Connection(role, [extension])
    read_through(
        connection, from_peer(connection, wire.TEXT, b"Hello") + from_peer(connection, wire.PING, b"p")
    )
    connection.send(Ping())
    idle = held() - before
    assert idle < 16 * KIB
    read_through(connection, from_peer(connection, wire.TEXT, Deflater().message(b"Hello"), rsv=wire.RSV1))
    with_inflater = held() - before
    assert with_inflater < 100 * KIB
    connection.send(TextMessage("Hello"))
    assert held() - before > with_inflater + 100 * KIB


@roles
def test_without_takeover_nothing_is_kept_between_messages(role: ConnectionType) -> None:
    """RFC 7692 7.1.1: that is what a side asks for it for."""
    connection = connect(role, "client_no_context_takeover; server_no_context_takeover")
    before = held()
    hello = from_peer(connection, wire.TEXT, Deflater().message(b"Hello"), rsv=wire.RSV1)
    for _ in range(3):
        read_through(connection, hello)
        connection.send(TextMessage("Hello"))
    assert held() - before < 16 * KIB


def deflater_size(**settings: int) -> int:
    """The memory that a connection's deflater takes."""
    extension = PerMessageDeflate(**settings)  # type: ignore[arg-type]
    windows = [f"; {name}={value}" for name, value in settings.items() if name.endswith("_bits")]
    extension.finalize("permessage-deflate" + "".join(windows))
    connection = Connection(SERVER, [extension])
    before = held()
    connection.send(TextMessage("Hello"))
    return held() - before


def test_the_memory_level_is_used() -> None:
    assert deflater_size(memory_level=1) < deflater_size() - 100 * KIB
    assert deflater_size() == pytest.approx(deflater_size(memory_level=8), rel=0.05)
    assert deflater_size() < deflater_size(memory_level=9) - 100 * KIB


def test_a_small_window_takes_less_memory() -> None:
    assert deflater_size(server_max_window_bits=9) < deflater_size() - 100 * KIB


def test_early_data_is_not_copied_with_each_read() -> None:
    server = asked_server(request())
    server.receive_data(bytes(MIB // 2))

    def read_on() -> None:
        for _ in range(100):
            server.receive_data(b"a")

    assert peak_over(read_on) < MIB // 4


def test_what_peers_say_in_their_handshakes_is_not_kept() -> None:
    def shake_hands(first: int, last: int) -> None:
        for number in range(first, last):
            name = b"a" * 40 + b"%d" % number
            offer = b"permessage-deflate; " + name
            for host in (name, b"xn--" + name):
                with suppress(RemoteProtocolError):
                    server = asked_server(request({b"Host": [host], b"Sec-WebSocket-Extensions": [offer]}))
                    server.send(AcceptConnection(extensions=[PerMessageDeflate()]))

    shake_hands(0, 100)
    before = held()
    shake_hands(100, 600)
    assert held() - before < 10 * KIB


def test_what_unmasks_one_piece_is_not_kept_for_all() -> None:
    def read_frame(key: bytes) -> None:
        server = Connection(SERVER)
        server.receive_data(wire.frame(wire.BINARY, bytes(2 * MIB), mask=key)[: -2 * MIB])
        for size in range(1000, 2000):
            server.receive_data(bytes(size))
            drain(server)

    read_frame(b"abcd")
    before = held()
    read_frame(b"efgh")
    assert held() - before < 100 * KIB
