"""A connection as an application uses it: its events, its buffers, its errors."""

from __future__ import annotations

import copy
import pickle
import threading
from array import array
from dataclasses import FrozenInstanceError, asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

import wsproto.connection
import wsproto.masking
from tests.marks import roles
from tests.oracle.deflating import agreed
from tests.oracle.receiving import receive, receive_cut, single_bytes
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, Ending
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
from wsproto.limits import Limits
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wsproto.frame_protocol import CloseReason

CLIENT = ConnectionType.CLIENT
SERVER = ConnectionType.SERVER


def peer(role: ConnectionType, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    return wire.peer_frame(role is CLIENT, opcode, payload, fin=fin, rsv=rsv)


def pair() -> tuple[Connection, Connection]:
    return Connection(CLIENT), Connection(SERVER)


@pytest.fixture
def _same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection draws the same masking keys."""
    monkeypatch.setattr(
        wsproto.masking, "random_bytes", lambda size: bytes(index % 251 for index in range(size))
    )


@roles
def test_a_new_connection_is_open(role: ConnectionType) -> None:
    connection = Connection(role)
    assert connection.state is ConnectionState.OPEN
    assert connection.client is (role is CLIENT)
    assert connection.protocol_error is None
    assert list(connection.events()) == []


def test_the_roles_have_short_names() -> None:
    assert wsproto.connection.CLIENT is CLIENT
    assert wsproto.connection.SERVER is SERVER
    assert wsproto.connection.ConnectionState is ConnectionState
    assert wsproto.connection.ConnectionType is ConnectionType
    assert wsproto.connection.Connection is Connection


def test_the_states_are_these() -> None:
    assert [state.name for state in ConnectionState] == [
        "CONNECTING",
        "OPEN",
        "REMOTE_CLOSING",
        "LOCAL_CLOSING",
        "CLOSED",
        "REJECTING",
    ]


@roles
def test_trailing_data_is_read_first(role: ConnectionType) -> None:
    data = peer(role, wire.TEXT, b"one")
    connection = Connection(role, [], data + peer(role, wire.PING)[:1])
    assert list(connection.events()) == [TextMessage("one")]
    assert receive(connection, peer(role, wire.PING)[1:]) == [Ping()]
    assert list(Connection(role, extensions=None, trailing_data=data).events()) == [TextMessage("one")]


@roles
def test_trailing_data_comes_before_what_is_received(role: ConnectionType) -> None:
    connection = Connection(role, trailing_data=peer(role, wire.TEXT, b"one"))
    assert receive(connection, peer(role, wire.TEXT, b"two")) == [TextMessage("one"), TextMessage("two")]


@pytest.mark.requirement("R6455-5.8-01", "R6455-5.2-03")
@roles
def test_an_extension_that_is_not_enabled_is_ignored(role: ConnectionType) -> None:
    connection = Connection(role, [PerMessageDeflate()])
    (event,) = receive(connection, peer(role, wire.TEXT, b"\x00", rsv=wire.RSV1))
    assert isinstance(event, CloseConnection)
    assert event.code == 1002


@pytest.mark.requirement("R6455-6.2-06")
def test_extensions_of_others_see_the_frames() -> None:
    class Upside(Extension):
        name = "upside"

        def enabled(self) -> bool:
            return True

        def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
            assert proto.client is False
            return data.swapcase()

        def frame_outbound(
            self, proto: Any, opcode: Any, rsv: Any, data: bytes, fin: bool
        ) -> tuple[Any, bytes]:
            assert (proto.client, opcode, fin) == (False, wire.TEXT, True)
            return (rsv, data.swapcase())

    server = Connection(SERVER, [Upside()])
    assert receive(server, peer(SERVER, wire.TEXT, b"Hello")) == [TextMessage("hELLO")]
    assert wire.decode_frame(server.send(TextMessage("World"))).payload == b"wORLD"


@roles
def test_connections_can_be_subclassed(role: ConnectionType) -> None:
    class Counting(Connection):
        def __init__(self, connection_type: ConnectionType) -> None:
            super().__init__(connection_type)
            self.sent = 0

        def send(self, event: Event) -> bytes:
            data = super().send(event)
            self.sent += len(data)
            return data

    connection = Counting(role)
    data = connection.send(Ping(b"abc"))
    assert connection.sent == len(data)
    assert receive(connection, peer(role, wire.PONG, b"abc")) == [Pong(b"abc")]


# Receiving.


@roles
def test_events_are_of_exactly_their_classes(role: ConnectionType) -> None:
    data = (
        peer(role, wire.TEXT, b"a")
        + peer(role, wire.BINARY, b"b", fin=False)
        + peer(role, wire.CONTINUATION, b"c")
        + peer(role, wire.PING, b"d")
        + peer(role, wire.PONG, b"e")
        + peer(role, wire.TEXT, b"x" * 200)
        + peer(role, wire.BINARY, b"x" * 70_000)
        + peer(role, wire.CLOSE, wire.close_payload(1000))
    )
    types = [type(event) for event in receive(Connection(role), data)]
    assert types == [
        TextMessage,
        BytesMessage,
        BytesMessage,
        Ping,
        Pong,
        TextMessage,
        BytesMessage,
        CloseConnection,
    ]


@roles
@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview, lambda data: array("B", data)])
@pytest.mark.parametrize("size", [0, 1, 5, 125, 126, 70_000])
def test_received_payloads_are_exactly_bytes_and_str(
    role: ConnectionType, buffer: Callable[[bytes], Any], size: int
) -> None:
    payload = b"x" * size
    data = peer(role, wire.BINARY, payload) + peer(role, wire.TEXT, payload)
    if size <= 125:
        data += peer(role, wire.PING, payload) + peer(role, wire.PONG, payload)
    for pieces in ([data], [data[:4], data[4:]], [*single_bytes(data[:40]), data[40:]]):
        connection = Connection(role)
        for event in receive_cut(connection, (buffer(piece) for piece in pieces)):
            if isinstance(event, TextMessage):
                assert type(event.data) is str
            elif isinstance(event, BytesMessage):
                assert type(event.data) is bytes
            else:
                assert isinstance(event, (Ping, Pong))
                assert type(event.payload) is bytes


@pytest.mark.requirement("R6455-10.3-02")
@roles
@pytest.mark.parametrize("size", [1, 100, 1000, 70_000])
@pytest.mark.parametrize("cut", [None, 1, 8])
def test_changing_a_received_buffer_changes_nothing(role: ConnectionType, size: int, cut: int | None) -> None:
    payload = b"a" * size
    data = peer(role, wire.BINARY, payload) + peer(role, wire.BINARY, payload)
    connection = Connection(role)
    for piece in (data[:cut], b"" if cut is None else data[cut:]):
        buffer = bytearray(piece)
        connection.receive_data(buffer)
        buffer[:] = b"\xff" * len(buffer)
        buffer.clear()
    received = b"".join(event.data for event in connection.events() if isinstance(event, BytesMessage))
    assert received == payload * 2


@roles
def test_events_come_lazily_and_an_abandoned_generator_loses_nothing(role: ConnectionType) -> None:
    connection = Connection(role)
    texts = ["a", "b" * 126, "c", "d"]
    connection.receive_data(b"".join(peer(role, wire.TEXT, text.encode()) for text in texts))
    seen = []
    for _ in texts:
        for event in connection.events():
            seen.append(event)
            break
    assert seen == [TextMessage(text) for text in texts]
    assert list(connection.events()) == []


@roles
def test_data_received_between_two_events_is_read_after_them(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(
        peer(role, wire.TEXT, b"a") + peer(role, wire.TEXT, b"b") + peer(role, wire.PING)[:1]
    )
    events = connection.events()
    assert next(events) == TextMessage("a")
    connection.receive_data(peer(role, wire.PING)[1:] + peer(role, wire.TEXT, b"c"))
    assert list(events) == [TextMessage("b"), Ping(), TextMessage("c")]


@roles
def test_nothing_is_read_twice_after_an_abandoned_generator(role: ConnectionType) -> None:
    connection = Connection(role)
    for number in range(3):
        connection.receive_data(peer(role, wire.BINARY, b"%d" % number))
        assert next(connection.events()) == BytesMessage(b"%d" % number)
    assert list(connection.events()) == []


@roles
def test_a_generator_that_ended_is_followed_by_another(role: ConnectionType) -> None:
    connection = Connection(role)
    first = connection.events()
    assert list(first) == []
    connection.receive_data(peer(role, wire.PING))
    assert list(first) == []
    assert list(connection.events()) == [Ping()]


@pytest.mark.requirement("R6455-6.2-01")
@roles
def test_many_reads_may_wait_for_one_call_of_events(role: ConnectionType) -> None:
    data = b"".join(peer(role, wire.TEXT, b"%d" % number) for number in range(50))
    connection = Connection(role)
    for byte in single_bytes(data):
        connection.receive_data(byte)
    assert list(connection.events()) == [TextMessage(str(number)) for number in range(50)]


@roles
def test_empty_reads_are_not_the_end(role: ConnectionType) -> None:
    connection = Connection(role)
    data = peer(role, wire.TEXT, b"x")
    assert receive(connection, b"") == []
    assert receive(connection, data[:2]) == []
    assert receive(connection, b"") == []
    assert receive(connection, data[2:]) == [TextMessage("x")]
    assert connection.state is ConnectionState.OPEN


@roles
@pytest.mark.parametrize("begun", [b"", b"\x89"], ids=["between-frames", "in-a-header"])
@pytest.mark.parametrize("data", ["x", 5, [1, 2], (3,), object(), 1.5], ids=lambda data: type(data).__name__)
def test_received_data_that_is_no_bytes_is_a_local_error_without_a_trace(
    role: ConnectionType, begun: bytes, data: Any
) -> None:
    connection = Connection(role)
    receive(connection, begun)
    with pytest.raises(LocalProtocolError) as caught:
        connection.receive_data(data)
    assert isinstance(caught.value, TypeError)
    assert receive(connection, peer(role, wire.PING, b"p")[len(begun) :]) == [Ping(b"p")]
    assert connection.state is ConnectionState.OPEN


@roles
@pytest.mark.parametrize("size", [0, 5, 125, 126, 70_000])
def test_received_events_behave_like_those_that_are_made(role: ConnectionType, size: int) -> None:
    data = peer(role, wire.TEXT, b"x" * size) + peer(role, wire.BINARY, b"x" * size)
    for received, made in zip(
        receive(Connection(role), data),
        (TextMessage("x" * size), BytesMessage(b"x" * size)),
        strict=True,
    ):
        assert isinstance(received, (TextMessage, BytesMessage))
        assert received == made
        assert hash(received) == hash(made)
        assert repr(received) == repr(made)
        assert asdict(received) == asdict(made)
        assert copy.copy(received) == copy.deepcopy(received) == made
        assert pickle.loads(pickle.dumps(received)) == made  # noqa: S301 - it was made here
        assert replace(received, message_finished=False) == replace(made, message_finished=False)
        with pytest.raises(FrozenInstanceError):
            received.frame_finished = False  # type: ignore[misc]


# Sending.

GOOD: list[tuple[Event, int, bytes]] = [
    (TextMessage("é"), wire.TEXT, "é".encode()),
    (BytesMessage(b"\xff"), wire.BINARY, b"\xff"),
    (Message("x"), wire.TEXT, b"x"),
    (Message(b"x"), wire.BINARY, b"x"),
    (Message(""), wire.TEXT, b""),
    (Message(b""), wire.BINARY, b""),
    (Ping(), wire.PING, b""),
    (Ping(b"p"), wire.PING, b"p"),
    (Pong(b"q"), wire.PONG, b"q"),
    (CloseConnection(1000, "bye"), wire.CLOSE, b"\x03\xe8bye"),
]


@pytest.mark.requirement("R6455-6.1-01", "R6455-6.1-04", "R6455-6.1-06")
@roles
@pytest.mark.parametrize(("event", "opcode", "payload"), GOOD, ids=[repr(event) for event, _, _ in GOOD])
def test_each_event_is_one_frame(role: ConnectionType, event: Event, opcode: int, payload: bytes) -> None:
    data = Connection(role).send(event)
    assert type(data) is bytes
    sent = wire.decode_frame(data)
    assert (sent.fin, sent.rsv, sent.opcode, sent.payload) == (True, 0, opcode, payload)


@pytest.mark.requirement("R6455-5.5.2-02", "R6455-5.5.3-01")
@roles
def test_a_ping_is_answered_by_its_response(role: ConnectionType) -> None:
    connection = Connection(role)
    (ping,) = receive(connection, peer(role, wire.PING, b"\x00\x01\xfe"))
    assert isinstance(ping, Ping)
    sent = wire.decode_frame(connection.send(ping.response()))
    assert (sent.opcode, sent.payload) == (wire.PONG, b"\x00\x01\xfe")


@pytest.mark.requirement("R6455-5.5.3-02")
@roles
def test_only_the_latest_of_many_pings_need_be_answered(role: ConnectionType) -> None:
    connection = Connection(role)
    events = receive(connection, b"".join(peer(role, wire.PING, b"%d" % number) for number in range(1000)))
    assert events == [Ping(b"%d" % number) for number in range(1000)]
    *_, latest = events
    assert isinstance(latest, Ping)
    answer = wire.decode_frame(connection.send(latest.response()))
    assert (answer.opcode, answer.payload) == (wire.PONG, b"999")


@pytest.mark.requirement("R6455-5.5.3-03")
@roles
def test_an_unsolicited_pong_is_passed_on(role: ConnectionType) -> None:
    connection = Connection(role)
    assert receive(connection, peer(role, wire.PONG, b"hi")) == [Pong(b"hi")]
    assert connection.state is ConnectionState.OPEN


BAD: dict[str, Callable[[], object]] = {
    "text of bytes": lambda: TextMessage(b"x"),  # type: ignore[arg-type]
    "text of bytearray": lambda: TextMessage(bytearray(b"x")),  # type: ignore[arg-type]
    "text of None": lambda: TextMessage(None),  # type: ignore[arg-type]
    "text of int": lambda: TextMessage(1),  # type: ignore[arg-type]
    "text with a lone surrogate": lambda: TextMessage("a\ud800b"),
    "text of half a pair": lambda: TextMessage("\ud83d", message_finished=False),
    "bytes of str": lambda: BytesMessage("x"),  # type: ignore[arg-type]
    "bytes of int": lambda: BytesMessage(3),  # type: ignore[arg-type]
    "bytes of None": lambda: BytesMessage(None),  # type: ignore[arg-type]
    "bytes of a list": lambda: BytesMessage([1, 2]),  # type: ignore[arg-type]
    "message of int": lambda: Message(3),  # type: ignore[type-var]
    "message of None": lambda: Message(None),  # type: ignore[type-var]
    "message of a surrogate": lambda: Message("\udfff"),
    "ping of 126 bytes": lambda: Ping(b"x" * 126),
    "ping of 65536 bytes": lambda: Ping(b"x" * 65536),
    "ping of str": lambda: Ping("x"),  # type: ignore[arg-type]
    "ping of None": lambda: Ping(None),  # type: ignore[arg-type]
    "ping of int": lambda: Ping(5),  # type: ignore[arg-type]
    "pong of 126 bytes": lambda: Pong(b"x" * 126),
    "pong of str": lambda: Pong("x"),  # type: ignore[arg-type]
    "close 999": lambda: CloseConnection(999),
    "close -1": lambda: CloseConnection(-1),
    "close 70000": lambda: CloseConnection(70000),
    "close of str": lambda: CloseConnection("1000"),  # type: ignore[arg-type]
    "close with a reason of bytes": lambda: CloseConnection(1000, b"x"),  # type: ignore[arg-type]
    "close with a surrogate": lambda: CloseConnection(1000, "\ud800"),
    "close with a reason only": lambda: CloseConnection(1005, "x"),
    "request": lambda: Request("h", "/"),
    "accept": AcceptConnection,
    "reject": RejectConnection,
    "reject data": lambda: RejectData(b"x"),
    "event": Event,
    "object": object,
    "None": lambda: None,
    "str": lambda: "x",
    "bytes": lambda: b"x",
    "class": lambda: Ping,
}
each_bad = pytest.mark.parametrize("name", BAD)


@roles
@each_bad
def test_what_cannot_be_sent_is_a_local_error_and_nothing_else(role: ConnectionType, name: str) -> None:
    connection = Connection(role)
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(BAD[name]())  # type: ignore[arg-type]
    assert str(caught.value)
    assert connection.state is ConnectionState.OPEN


@pytest.mark.usefixtures("_same_keys")
@roles
@each_bad
@pytest.mark.parametrize("begun", [False, True], ids=["between-messages", "in-a-message"])
def test_a_refused_send_leaves_no_trace(role: ConnectionType, name: str, begun: bool) -> None:
    tried, untried = Connection(role), Connection(role)
    if begun:
        tried.send(TextMessage("a", message_finished=False))
        untried.send(TextMessage("a", message_finished=False))
    with pytest.raises(LocalProtocolError):
        tried.send(BAD[name]())  # type: ignore[arg-type]
    for event in (
        Ping(b"p"),
        TextMessage("b", message_finished=False),
        TextMessage("c"),
        CloseConnection(1000),
    ):
        assert tried.send(event) == untried.send(event)
        assert tried.state is untried.state


@pytest.mark.usefixtures("_same_keys")
@roles
def test_an_event_refused_for_the_state_leaves_no_trace(role: ConnectionType) -> None:
    tried, untried = Connection(role), Connection(role)
    for connection in (tried, untried):
        connection.send(CloseConnection(1000))
    for event in (TextMessage("x", message_finished=False), CloseConnection(1000), Request("h", "/")):
        with pytest.raises(LocalProtocolError):
            tried.send(event)
    assert tried.send(Ping(b"p")) == untried.send(Ping(b"p"))


@roles
@pytest.mark.parametrize(
    "event", [TextMessage("x" * 10**6), BytesMessage(b"x" * 10**6), Ping(b"x" * 10**6)], ids=type
)
def test_an_error_names_a_large_event_in_few_words(role: ConnectionType, event: Event) -> None:
    connection = Connection(role)
    connection.send(TextMessage("a", message_finished=False))
    receive(connection, peer(role, wire.CLOSE))
    connection.send(CloseConnection(1000))
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(event)
    assert len(str(caught.value)) < 1000


@roles
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ping of 126 bytes", ValueError),
        ("pong of 126 bytes", ValueError),
        ("close with a reason only", TypeError),
    ],
)
def test_local_errors_are_what_older_callers_caught(
    role: ConnectionType, name: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        Connection(role).send(BAD[name]())  # type: ignore[arg-type]
    assert isinstance(caught.value, LocalProtocolError)


@pytest.mark.requirement("R6455-10.3-01")
def test_a_failing_source_of_keys_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(CLIENT)

    def dry(_size: int) -> bytes:
        raise OSError("no entropy")

    with monkeypatch.context() as patch:
        patch.setattr(wsproto.masking, "random_bytes", dry)
        for event in (TextMessage("a", message_finished=False), CloseConnection(1000)):
            with pytest.raises(OSError, match="no entropy"):
                connection.send(event)
            assert connection.state is ConnectionState.OPEN
    assert wire.decode_frame(connection.send(BytesMessage(b"b"))).opcode == wire.BINARY


# Both ends.


@pytest.mark.requirement("R6455-2.1-01", "R6455-5.4-06", "R6455-5.4-10", "R6455-6.2-03", "R6455-6.2-04")
@pytest.mark.requirement("R6455-6.2-07", rows="from-client")
@pytest.mark.parametrize("sender", ConnectionType, ids=lambda role: f"from-{role.name.lower()}")
def test_what_one_side_sends_the_other_receives(sender: ConnectionType) -> None:
    client, server = pair()
    source, target = (client, server) if sender is CLIENT else (server, client)
    sent: list[Event] = [
        TextMessage("Grüße 😀"),
        BytesMessage(bytes(range(256))),
        TextMessage("a", message_finished=False),
        Ping(b"between"),
        TextMessage("", message_finished=False),
        TextMessage("c"),
        BytesMessage(b"x" * 70_000),
        BytesMessage(b"x" * 126, message_finished=False),
        Pong(b""),
        BytesMessage(b""),
        CloseConnection(3000, "done"),
    ]
    assert receive(target, b"".join(source.send(event) for event in sent)) == sent


@roles
@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_received_pieces_can_be_sent_on_as_they_came(role: ConnectionType, step: int) -> None:
    data = peer(role, wire.TEXT, "aé€😀".encode(), fin=False) + peer(role, wire.CONTINUATION, "ß!".encode())
    connection = Connection(role)
    pieces = receive_cut(connection, (data[at : at + step] for at in range(0, len(data), step)))
    sent = wire.decode_frames(b"".join(connection.send(piece) for piece in pieces))
    assert b"".join(one.payload for one in sent).decode() == "aé€😀ß!"
    assert [one.opcode for one in sent] == [wire.TEXT] + [wire.CONTINUATION] * (len(sent) - 1)
    assert [one.fin for one in sent] == [False] * (len(sent) - 1) + [True]


def test_two_threads_may_use_two_connections() -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(2)

    def exchange(letter: str) -> None:
        try:
            client, server = pair()
            start.wait(timeout=10)
            for number in range(300):
                event = TextMessage(letter * (number * 3))
                assert receive(server, client.send(event)) == [event]
                assert receive(client, server.send(event)) == [event]
            assert receive(server, client.send(CloseConnection(1000, letter))) == [
                CloseConnection(1000, letter)
            ]
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=exchange, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_connections_share_no_state() -> None:
    busy, idle = Connection(SERVER), Connection(SERVER)
    busy.send(TextMessage("a", message_finished=False))
    receive(busy, peer(SERVER, wire.BINARY, b"x", fin=False) + peer(SERVER, wire.PING, b"?")[:3])
    assert wire.decode_frame(idle.send(BytesMessage(b"b"))).opcode == wire.BINARY
    assert receive(idle, peer(SERVER, wire.TEXT, b"c")) == [TextMessage("c")]


def sections(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 5):
        yield data[start : start + 5]


def test_a_conversation_in_small_reads() -> None:
    client, server = pair()
    for event in (TextMessage("hello"), Ping(b"1"), BytesMessage(b"\x00" * 20)):
        received = receive_cut(server, sections(client.send(event)))
        for one in received:
            answer = one.response() if isinstance(one, Ping) else one
            receive_cut(client, sections(server.send(answer)))
    assert (client.state, server.state) == (ConnectionState.OPEN, ConnectionState.OPEN)
    (close,) = receive(server, client.send(CloseConnection(1000)))
    assert isinstance(close, CloseConnection)
    assert receive(client, server.send(close.response())) == [CloseConnection(1000, "")]


@pytest.mark.parametrize("wrong", ["CLIENT", 1, None, True])
def test_a_connection_type_of_another_kind_is_refused(wrong: Any) -> None:
    with pytest.raises(LocalProtocolError, match="connection_type must be a ConnectionType"):
        Connection(wrong)


# What a program puts between ---------------------------------------------------------------------


@roles
def test_injected_events_come_before_what_is_to_be_read(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(peer(role, wire.TEXT, b"read"))
    connection.inject(TextMessage("first"))
    connection._events.extend([Ping(b"second"), TextMessage("third")])  # noqa: SLF001 - as mitmproxy does
    assert list(connection.events()) == [
        TextMessage("first"),
        Ping(b"second"),
        TextMessage("third"),
        TextMessage("read"),
    ]
    assert list(connection.events()) == []


@roles
def test_injected_events_survive_a_reader_that_stops(role: ConnectionType) -> None:
    connection = Connection(role)
    for text in ("a", "b"):
        connection.inject(TextMessage(text))
    connection.receive_data(peer(role, wire.TEXT, b"c"))
    assert [next(connection.events()) for _ in range(3)] == [TextMessage(text) for text in "abc"]


@roles
def test_injected_events_change_no_state(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.inject(CloseConnection(1000))
    assert list(connection.events()) == [CloseConnection(1000)]
    assert connection.state is ConnectionState.OPEN


# Nothing received --------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [b"", bytearray(), memoryview(b"")])
@roles
def test_receiving_nothing_is_never_an_error(role: ConnectionType, nothing: bytes) -> None:
    connection = Connection(role)
    seen = set()
    for step in (
        lambda: None,
        lambda: connection.send(CloseConnection(1000)),
        lambda: connection.receive_data(peer(role, wire.CLOSE, b"\x03\xe8")),
        lambda: connection.receive_data(None),
    ):
        step()
        connection.receive_data(nothing)
        events = list(connection.events())
        connection.receive_data(nothing)
        assert list(connection.events()) == []
        seen.add((connection.state, len(events)))
    assert {state for state, _ in seen} == {
        ConnectionState.OPEN,
        ConnectionState.LOCAL_CLOSING,
        ConnectionState.CLOSED,
    }
    with pytest.raises(LocalProtocolError, match="Data cannot be received in state CLOSED"):
        connection.receive_data(b"x")


@roles
def test_receiving_nothing_after_end_of_file_is_no_error(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(peer(role, wire.TEXT, b"x"))
    connection.receive_data(None)
    connection.receive_data(b"")
    assert list(connection.events()) == [TextMessage("x"), CloseConnection(1006)]


# Texts and questions -----------------------------------------------------------------------------


@roles
def test_can_send_takes_an_event_for_its_class(role: ConnectionType) -> None:
    connection = Connection(role)
    assert connection.can_send(TextMessage("x"))
    assert not connection.can_send(AcceptConnection())
    connection.send(CloseConnection(1000))
    assert not connection.can_send(TextMessage("x"))
    assert connection.can_send(Ping())


@roles
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY])
def test_a_message_inside_a_message_is_named_as_users_compare_it(role: ConnectionType, opcode: int) -> None:
    """mitmproxy's tests have this reason."""
    connection = Connection(role)
    connection.receive_data(peer(role, wire.TEXT, b"a", fin=False) + peer(role, opcode, b"b"))
    name = "TEXT: 1" if opcode == wire.TEXT else "BINARY: 2"
    assert list(connection.events())[-1] == CloseConnection(
        1002, f"expected CONTINUATION, got <Opcode.{name}>"
    )


def test_an_error_names_the_state_in_plain_words() -> None:
    connection = Connection(CLIENT)
    connection.send(CloseConnection(1000))
    with pytest.raises(LocalProtocolError, match=r"^TextMessage cannot be sent in state LOCAL_CLOSING$"):
        connection.send(TextMessage("late"))


EVENTS_IN_PARTS: list[Event] = [
    TextMessage("x" * 200),
    BytesMessage(b""),
    BytesMessage(bytes(70_000)),
    BytesMessage(bytearray(b"abc")),
    TextMessage("begun", message_finished=False),
    TextMessage("goes on"),
    Ping(b"p"),
    CloseConnection(1000, "done"),
]


@pytest.mark.parametrize("deflate", [False, True])
@roles
def test_the_parts_of_what_is_sent_are_the_whole(
    role: ConnectionType, deflate: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsproto.masking, "random_bytes", bytes)
    one, other = (Connection(role, [agreed()] if deflate else []) for _ in range(2))
    for event in EVENTS_IN_PARTS:
        assert b"".join(one.send_parts(event)) == other.send(event)
        assert (one.state, one.can_send(BytesMessage)) == (other.state, other.can_send(BytesMessage))


def test_a_payload_that_a_server_sends_in_parts_is_not_copied() -> None:
    data = bytes(2**20)
    header, payload = Connection(ConnectionType.SERVER).send_parts(BytesMessage(data))
    assert header == bytes.fromhex("827f0000000000100000")
    assert payload is data


@roles
def test_parts_are_refused_as_the_whole_is(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send_parts(TextMessage("begun", message_finished=False))
    with pytest.raises(LocalProtocolError, match="BINARY data in a TEXT message"):
        connection.send_parts(BytesMessage(b"x"))
    connection.send(CloseConnection(1000))
    with pytest.raises(LocalProtocolError, match="cannot be sent in state LOCAL_CLOSING"):
        connection.send_parts(TextMessage("x"))


@roles
def test_no_length_that_a_header_can_tell_is_too_much_to_count(role: ConnectionType) -> None:
    """Counts of 64 bits went over, and `events` raised OverflowError, which nothing of a peer may do."""
    connection = Connection(role)
    longest = b"\x7f" + b"\xff" * 7
    key = b"" if connection.client else bytes(4)
    mask = 0 if connection.client else 0x80
    connection.receive_data(
        bytes([0x01, mask | 5]) + key + b"hello" + bytes([0x00, mask | 127]) + longest + key
    )
    connection.receive_data(b"\xff")
    assert list(connection.events()) == [
        TextMessage("hello", message_finished=False),
        CloseConnection(1007, "Invalid UTF-8 in a text message (RFC 6455 8.1)"),
    ]


@pytest.mark.parametrize("deflate", [False, True])
@roles
def test_a_limit_may_be_any_number(role: ConnectionType, deflate: bool) -> None:
    huge = 2**70
    limits = [
        Limits(max_frame_size=huge, max_message_size=huge, max_fragments=huge),
        Limits(max_inflated_size=huge),
    ]
    other = ConnectionType.SERVER if role is ConnectionType.CLIENT else ConnectionType.CLIENT
    for one in limits:
        extensions = [[agreed()] if deflate else [] for _ in range(2)]
        receiver = Connection(role, list(extensions[0]), limits=one)
        sender = Connection(other, list(extensions[1]))
        for event in (TextMessage("a" * 1000), TextMessage("b"), BytesMessage(b"c" * 1000)):
            receiver.receive_data(sender.send(event))
            assert list(receiver.events()) == [event]


@roles
def test_what_each_state_permits_to_send(role: ConnectionType) -> None:
    kinds: list[Any] = [Message, TextMessage, BytesMessage, Ping, Pong, CloseConnection, RejectData]
    connection = Connection(role)
    assert [connection.can_send(kind) for kind in kinds] == [True] * 6 + [False]
    connection.send(CloseConnection(1000))
    assert [connection.can_send(kind) for kind in kinds] == [False, False, False, True, True, False, False]
    assert wire.decode_frame(connection.send(Pong(b"p"))).opcode == wire.PONG


@roles
@pytest.mark.parametrize("payload", [b"\xff", b"ok\xff"], ids=["at once", "behind text"])
def test_a_failure_refers_to_nothing_that_was_read(role: ConnectionType, payload: bytes) -> None:
    connection = Connection(role)
    events = receive(connection, wire.peer_frame(role is ConnectionType.CLIENT, wire.TEXT, payload))
    assert events[-1] == CloseConnection(1007, str(connection.protocol_error))
    assert connection.state is ConnectionState.REMOTE_CLOSING
    error = connection.protocol_error
    assert error is not None
    assert (error.__context__, error.__cause__, error.__traceback__) == (None, None, None)


@roles
def test_the_transport_is_to_be_ended_behind_both_closes_or_its_own_end(role: ConnectionType) -> None:
    closed, ended = Connection(role), Connection(role)
    closed.send(CloseConnection(1000))
    endings = [closed.ending]
    receive(closed, peer(role, wire.CLOSE))
    receive(ended, None)
    assert [*endings, closed.ending, ended.ending] == [Ending.NONE, Ending.END, Ending.END]
