# ruff: noqa: ARG002 -- hooks take what the library gives them
"""PerMessageDeflate as programs use it: parameters that are assigned, subclasses with their own hooks."""

from __future__ import annotations

import gc
import inspect
import weakref
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from tests.marks import any_cut
from tests.oracle.deflating import (
    CLIENT,
    HELLO,
    HELLO_AGAIN,
    ROLES,
    SERVER,
    Deflater,
    accepted_client,
    accepting_server,
    agreed,
    compressed_text,
    from_peer,
    joined,
)
from tests.oracle.receiving import feed, receive
from tooling import frames as wire
from wsproto import Connection, ConnectionType, Limits
from wsproto.deflate import Inflater
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits
from wsproto.permessage_deflate import DeflateState
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

NAME = "permessage-deflate"
PLAIN, COMPRESSED = RsvBits(False, False, False), RsvBits(True, False, False)

# Parameters --------------------------------------------------------------------------------------


def test_the_defaults_have_names() -> None:
    assert PerMessageDeflate.DEFAULT_CLIENT_MAX_WINDOW_BITS == 15
    assert PerMessageDeflate.DEFAULT_SERVER_MAX_WINDOW_BITS == 15
    extension = PerMessageDeflate()
    assert (extension.client_max_window_bits, extension.server_max_window_bits) == (15, 15)
    assert (extension.client_no_context_takeover, extension.server_no_context_takeover) == (False, False)


def test_parameters_that_are_assigned_are_offered() -> None:
    extension = PerMessageDeflate()
    extension.client_max_window_bits = 12
    extension.server_max_window_bits = None  # stands for 15, and counts as given
    extension.server_no_context_takeover = True
    assert extension.offer() == (
        "client_max_window_bits=12; server_max_window_bits=15; server_no_context_takeover"
    )
    assert extension.server_max_window_bits == 15


def test_parameters_that_are_assigned_bound_the_answer() -> None:
    extension = PerMessageDeflate()
    extension.server_max_window_bits = 10
    _, answer = accepting_server([NAME], [extension])
    assert answer == "permessage-deflate; server_max_window_bits=10"


@pytest.mark.parametrize("name", ["client_max_window_bits", "server_max_window_bits"])
@pytest.mark.parametrize(("value", "kind"), [(7, ValueError), (16, ValueError), ("12", TypeError)])
def test_a_window_out_of_range_cannot_be_assigned(name: str, value: object, kind: type[Exception]) -> None:
    extension = PerMessageDeflate()
    with pytest.raises(kind, match=name) as error:
        setattr(extension, name, value)
    assert isinstance(error.value, LocalProtocolError)
    assert getattr(extension, name) == 15


def test_a_subclass_may_assign_parameters_before_it_accepts() -> None:
    class Frugal(PerMessageDeflate):
        def accept(self, offer: str) -> bool | str | None:
            self.server_max_window_bits = 9
            self.server_no_context_takeover = True
            return super().accept(offer)

    server, answer = accepting_server([NAME], [Frugal()])
    assert answer == "permessage-deflate; server_max_window_bits=9; server_no_context_takeover"
    payloads = [wire.decode_frame(server.send(TextMessage("Hello"))).payload for _ in range(2)]
    assert payloads == [HELLO, HELLO]


def test_a_subclass_may_assign_parameters_after_it_accepted() -> None:
    class Frugal(PerMessageDeflate):
        def accept(self, offer: str) -> bool | str | None:
            answer = super().accept(offer)
            self.server_no_context_takeover = True
            return f"{answer}; server_no_context_takeover" if answer else "server_no_context_takeover"

    server, answer = accepting_server([NAME], [Frugal()])
    assert answer == "permessage-deflate; server_no_context_takeover"
    payloads = [wire.decode_frame(server.send(TextMessage("Hello"))).payload for _ in range(2)]
    assert payloads == [HELLO, HELLO]


def test_a_subclass_may_negotiate_all_by_itself() -> None:
    class Own(PerMessageDeflate):
        agreed = False

        def enabled(self) -> bool:
            return self.agreed

        def accept(self, offer: str) -> bool | str | None:
            self.agreed = True
            self.client_no_context_takeover = self.server_no_context_takeover = True
            return "client_no_context_takeover; server_no_context_takeover"

    server, answer = accepting_server([f"{NAME}; client_max_window_bits"], [Own()])
    assert answer == "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
    hello = compressed_text(server, HELLO)
    assert joined(receive(server, hello + hello)) == ["Hello", "Hello"]


def test_a_client_s_subclass_may_assign_parameters_as_it_finalizes() -> None:
    class Frugal(PerMessageDeflate):
        def finalize(self, offer: str) -> None:
            super().finalize(offer=offer)  # the name that the published package has
            self.client_no_context_takeover = True

    client, _ = accepted_client(NAME, [Frugal()])
    payloads = [wire.decode_frame(client.send(TextMessage("Hello"))).payload for _ in range(2)]
    assert payloads == [HELLO, HELLO]


def test_what_was_agreed_on_is_no_setting() -> None:
    extension = PerMessageDeflate()
    accepting_server([f"{NAME}; server_max_window_bits=9; server_no_context_takeover"], [extension])
    assert (extension.server_max_window_bits, extension.server_no_context_takeover) == (9, True)
    _, answer = accepting_server([NAME], [extension])
    assert answer == NAME


# Subclasses with hooks of their own --------------------------------------------------------------


class Counting(PerMessageDeflate):
    """Notes each call of a hook, and the bytes that came of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.order: list[str] = []
        self.inflated = 0

    def _note(self, hook: str) -> None:
        self.calls[hook] += 1
        self.order.append(hook)

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        self._note("header")
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        self._note("payload")
        result = super().frame_inbound_payload_data(proto, data)
        self.inflated += len(result) if isinstance(result, bytes) else 0
        return result

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        self._note("complete")
        result = super().frame_inbound_complete(proto, fin)
        self.inflated += len(result) if isinstance(result, bytes) else 0
        return result

    def frame_outbound(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        self._note("outbound")
        return super().frame_outbound(proto, opcode, rsv, data, fin)


def test_hooks_are_called_on_the_object_that_the_program_holds() -> None:
    extension = Counting()
    server, _ = accepting_server([NAME], [extension])
    assert joined(receive(server, compressed_text(server, HELLO))) == ["Hello"]
    server.send(TextMessage("Hello"))
    assert extension.order == ["header", "payload", "complete", "outbound"]
    assert extension.inflated == 5


def test_an_empty_frame_has_a_header_and_an_end_alone() -> None:
    extension = Counting()
    server, _ = accepting_server([NAME], [extension])
    stream = from_peer(server, wire.TEXT, HELLO, fin=False, rsv=wire.RSV1)
    stream += from_peer(server, wire.CONTINUATION, b"")
    assert joined(receive(server, stream)) == ["Hello"]
    assert extension.order == ["header", "payload", "complete", "header", "complete"]


@pytest.mark.zlib_output
@pytest.mark.parametrize("role", ROLES)
def test_one_object_with_hooks_serves_two_connections_at_once(role: ConnectionType) -> None:
    """Context, window and half messages belong to the connection."""
    extension = Counting()
    extension.finalize(NAME)
    first, second = Connection(role, [extension]), Connection(role, [extension])
    assert [wire.decode_frame(first.send(TextMessage("Hello"))).payload for _ in range(2)] == [
        HELLO,
        HELLO_AGAIN,
    ]
    assert wire.decode_frame(second.send(TextMessage("Hello"))).payload == HELLO
    begin = from_peer(first, wire.TEXT, HELLO[:3], fin=False, rsv=wire.RSV1)
    end = from_peer(first, wire.CONTINUATION, HELLO[3:])
    pieces = receive(first, begin)
    assert joined(receive(second, from_peer(second, wire.TEXT, b"plain"))) == ["plain"]
    assert joined([*pieces, *receive(first, end)]) == ["Hello"]
    assert extension.calls["outbound"] == 3


@pytest.mark.zlib_output
def test_a_second_handshake_does_not_touch_the_first_connection() -> None:
    """RFC 7692 7.1.1: what the first one agreed on stays in force there, before it has sent anything, too."""
    extension = Counting()
    first, _ = accepting_server([NAME], [extension])
    second, _ = accepting_server([f"{NAME}; server_no_context_takeover"], [extension])
    assert [wire.decode_frame(first.send(TextMessage("Hello"))).payload for _ in range(2)] == [
        HELLO,
        HELLO_AGAIN,
    ]
    assert [wire.decode_frame(second.send(TextMessage("Hello"))).payload for _ in range(2)] == [HELLO, HELLO]


def test_a_bomb_comes_to_a_subclass_in_bounded_pieces() -> None:
    """RFC 6455 10.4: 16 MiB of zeros are 16 KiB, in pieces of at most 1 MiB for the hooks as well."""
    extension = Counting()
    server, _ = accepting_server([NAME], [extension])
    bomb = Deflater().message(bytes(2**24))
    pieces = receive(server, from_peer(server, wire.BINARY, bomb, rsv=wire.RSV1))
    sizes = [len(piece.data) for piece in pieces if isinstance(piece, BytesMessage)]
    assert sum(sizes) == 2**24 == extension.inflated
    assert max(sizes) == 2**20


def test_a_subclass_bounds_a_message_by_its_own_count() -> None:
    """What programs did before there were `Limits`."""

    class Bounded(Counting):
        def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
            result = super().frame_inbound_payload_data(proto, data)
            return CloseReason.MESSAGE_TOO_BIG if self.inflated > 2**21 else result

    extension = Bounded()
    server, _ = accepting_server([NAME], [extension])
    bomb = Deflater().message(bytes(2**24))
    *pieces, close = receive(server, from_peer(server, wire.BINARY, bomb, rsv=wire.RSV1))
    assert isinstance(close, CloseConnection)
    assert close.code == 1009
    assert all(isinstance(piece, Message) for piece in pieces)
    assert extension.inflated <= 3 * 2**20


def side_of(role: ConnectionType) -> Any:
    """What a codec of another library gives the hooks."""
    return SimpleNamespace(client=role is CLIENT)


@pytest.mark.parametrize("role", ROLES)
def test_the_hooks_work_for_a_codec_of_another_library(role: ConnectionType) -> None:
    """They are given any object that has `client`."""

    side, extension = side_of(role), agreed()
    rsv, payload = extension.frame_outbound(side, Opcode.TEXT, RsvBits(False, False, False), b"Hello", True)
    assert (rsv, payload) == (RsvBits(True, False, False), HELLO)
    assert extension.frame_inbound_header(side, Opcode.TEXT, rsv, len(HELLO)) == rsv
    first = extension.frame_inbound_payload_data(side, HELLO)
    last = extension.frame_inbound_complete(side, True)
    assert isinstance(first, bytes)
    assert first + (last if isinstance(last, bytes) else b"") == b"Hello"


def taken(extension: PerMessageDeflate, side: Any, opcode: Opcode, rsv: RsvBits, payload: bytes) -> object:
    """What the inbound hooks make of a frame."""
    extension.frame_inbound_header(side, opcode, rsv, len(payload))
    data = extension.frame_inbound_payload_data(side, payload)
    if not isinstance(data, bytes):
        return data
    rest = extension.frame_inbound_complete(side, True) or b""
    return data + rest if isinstance(rest, bytes) else rest


@pytest.mark.parametrize("role", ROLES)
def test_the_hooks_of_an_object_that_negotiated_nothing_work_as_it_is_set(role: ConnectionType) -> None:
    side, extension = side_of(role), PerMessageDeflate()
    assert extension.enabled() is False
    assert extension.frame_outbound(side, Opcode.CONTINUATION, PLAIN, b"a", True) == (PLAIN, b"a")
    assert taken(extension, side, Opcode.CONTINUATION, PLAIN, b"a") == b"a"
    assert extension.frame_outbound(side, Opcode.TEXT, PLAIN, b"Hello", True) == (COMPRESSED, HELLO)
    assert taken(extension, side, Opcode.TEXT, COMPRESSED, HELLO) == b"Hello"


def test_the_bits_of_other_extensions_stay() -> None:
    rsv, _ = agreed().frame_outbound(Connection(SERVER), Opcode.TEXT, RsvBits(False, True, False), b"a", True)
    assert rsv == RsvBits(True, True, False)


def test_the_hooks_begin_anew_with_each_negotiation() -> None:
    extension = PerMessageDeflate()
    for _ in range(2):
        extension.accept(NAME)
        assert taken(extension, Connection(SERVER), Opcode.TEXT, COMPRESSED, HELLO) == b"Hello"
    extension.accept(NAME)
    assert taken(extension, Connection(SERVER), Opcode.TEXT, COMPRESSED, HELLO_AGAIN) == 1007
    assert extension.enabled() is True
    assert extension.accept(f"{NAME}; unknown") is None
    assert extension.enabled() is False


@pytest.mark.parametrize("role", ROLES)
def test_the_hooks_know_which_side_takes_its_context_over(role: ConnectionType) -> None:
    side, extension = side_of(role), agreed("client_no_context_takeover")
    sent = [extension.frame_outbound(side, Opcode.TEXT, PLAIN, b"Hello", True)[1] for _ in range(2)]
    assert (sent[1] == sent[0]) is (role is CLIENT)


@pytest.mark.parametrize("role", ROLES)
@any_cut
def test_a_control_frame_is_never_compressed(role: ConnectionType, cut: bool) -> None:
    """The first frame of all, and those between the fragments of a compressed message."""
    connection = Connection(role, [agreed()])
    ping, close = from_peer(connection, wire.PING, b"p"), from_peer(connection, wire.CLOSE, b"\x03\xe8")
    begun = from_peer(connection, wire.TEXT, HELLO[:3], fin=False, rsv=wire.RSV1)
    stream = ping + begun + ping + from_peer(connection, wire.CONTINUATION, HELLO[3:]) + begun + close
    events = joined(feed(connection, stream, cut=cut))
    assert events == [Ping(b"p"), Ping(b"p"), "Hello", CloseConnection(1000, "")]
    sent = wire.decode_frame(connection.send(CloseConnection(1000, "a")))
    assert (sent.rsv, sent.payload) == (0, b"\x03\xe8a")


@pytest.mark.parametrize("role", ROLES)
def test_a_whole_message_comes_in_bounded_pieces_behind_a_control_frame(role: ConnectionType) -> None:
    connection = Connection(role, [agreed()], limits=Limits(max_inflated_size=2))
    stream = from_peer(connection, wire.PING) + compressed_text(connection, HELLO)
    pieces = [event.data for event in feed(connection, stream) if isinstance(event, TextMessage)]
    assert pieces[:3] == ["He", "ll", "o"]


def inflaters() -> set[weakref.ref[Inflater]]:
    gc.collect()
    return {weakref.ref(each) for each in gc.get_objects() if type(each) is Inflater}


@pytest.mark.parametrize("role", ROLES)
def test_behind_a_close_no_inflater_is_kept(role: ConnectionType) -> None:
    before = inflaters()
    connection = Connection(role, [agreed()])
    feed(connection, compressed_text(connection, HELLO))
    assert inflaters() - before
    feed(connection, from_peer(connection, wire.CLOSE))
    assert not inflaters() - before


def test_the_server_s_window_is_the_client_s_to_inflate_with() -> None:
    client = Connection(CLIENT, [agreed("server_max_window_bits=9; client_max_window_bits=15")])
    server = Connection(SERVER, [agreed("server_max_window_bits=9; client_max_window_bits=15")])
    text = "".join(chr(65 + index * 7 % 26) for index in range(3000))
    assert joined(receive(client, server.send(TextMessage(text)))) == [text]


# By itself ---------------------------------------------------------------------------------------


def test_what_cannot_be_agreed_on() -> None:
    extension = PerMessageDeflate()
    assert extension.accept(f"{NAME}; unknown") is None
    with pytest.raises(RemoteProtocolError, match=r"^Bad answer to permessage-deflate: "):
        extension.finalize(f"{NAME}; unknown")
    assert not extension.enabled()
    with pytest.raises(LocalProtocolError, match="zlib cannot deflate with client_max_window_bits=8"):
        PerMessageDeflate(client_max_window_bits=8).offer()


def test_its_repr_names_what_is_in_force() -> None:
    assert repr(agreed("server_max_window_bits=10")) == (
        "<PerMessageDeflate client_max_window_bits=15; server_max_window_bits=10>"
    )
    assert repr(PerMessageDeflate()) == "<PerMessageDeflate>"


@pytest.mark.parametrize("role", ROLES)
def test_what_is_sent_is_compressed_where_it_is_long_enough(role: ConnectionType) -> None:
    extension = PerMessageDeflate(min_compress_size=5)
    extension.finalize(NAME)
    connection = Connection(role, [extension])
    sent = [
        TextMessage("1234"),
        TextMessage("12345"),
        TextMessage("1", message_finished=False),
        TextMessage("2"),
    ]
    frames = [wire.decode_frame(connection.send(event)) for event in (*sent, Ping(b"123456"))]
    assert [frame.rsv for frame in frames] == [0, wire.RSV1, wire.RSV1, 0, 0]
    assert (frames[0].payload, frames[-1].payload) == (b"1234", b"123456")


@pytest.mark.parametrize("role", ROLES)
@any_cut
@pytest.mark.parametrize(
    "payload", [b"\xff\xff", HELLO + b"\x07", b"\x03\xff\xff", b"\x00\x04\x00"], ids=bytes.hex
)
@pytest.mark.parametrize("pieces", [1, 2])
def test_what_does_not_inflate_fails(role: ConnectionType, cut: bool, payload: bytes, pieces: int) -> None:
    """The last of them fails at the end of its message: the tail belongs to a stored block."""
    connection = Connection(role, [agreed()])
    stream = from_peer(connection, wire.BINARY, payload, rsv=wire.RSV1, fin=pieces == 1)
    if pieces == 2:
        stream += from_peer(connection, wire.CONTINUATION)
    *_, close = feed(connection, stream, cut=cut)
    assert isinstance(close, CloseConnection)
    assert close.code == 1007


@pytest.mark.parametrize("role", ROLES)
def test_an_empty_payload_leaves_the_inflater_as_it_was(role: ConnectionType) -> None:
    """It was no message's: there is no block in it, and no tail to add."""
    connection = Connection(role, [agreed()])
    data = []
    for payload in (HELLO, b"", HELLO_AGAIN, b"", HELLO):
        (event,) = receive(connection, from_peer(connection, wire.TEXT, payload, rsv=wire.RSV1))
        data.append(getattr(event, "data", event))
    assert data == ["Hello", "", "Hello", "", "Hello"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("opcode", [wire.PING, wire.CONTINUATION], ids=["ping", "continuation"])
def test_rsv1_is_for_the_first_frame_of_a_message(role: ConnectionType, opcode: int) -> None:
    connection = Connection(role, [agreed()])
    stream = from_peer(connection, wire.TEXT, b"a", fin=False) + from_peer(
        connection, opcode, b"b", rsv=wire.RSV1
    )
    *_, close = receive(connection, stream)
    assert isinstance(close, CloseConnection)
    assert close.code == 1002


# The settings and the tables by themselves.


def test_what_is_set_where_nothing_is_given() -> None:
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(PerMessageDeflate.__init__).parameters.items()
        if name != "self"
    }
    assert defaults == {
        "client_no_context_takeover": False,
        "client_max_window_bits": ...,
        "server_no_context_takeover": False,
        "server_max_window_bits": ...,
        "compression_level": -1,
        "memory_level": 8,
        "min_compress_size": 0,
    }
    for of in (PerMessageDeflate, PerMessageDeflate()):
        assert of.client_no_context_takeover is of.server_no_context_takeover is False
        assert (of.client_max_window_bits, of.server_max_window_bits) == (15, 15)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("client_max_window_bits", 16),
        ("server_max_window_bits", 7),
        ("compression_level", -2),
        ("compression_level", 10),
        ("memory_level", 0),
        ("memory_level", 10),
        ("min_compress_size", -1),
    ],
)
def test_a_setting_out_of_its_range_is_named(name: str, bad: int) -> None:
    with pytest.raises(LocalProtocolError, match=rf"^{name} must be "):
        PerMessageDeflate(**{name: bad})  # type: ignore[arg-type]


@pytest.mark.parametrize("bits", range(9, 16))
def test_a_server_deflates_with_the_window_that_was_agreed_on(bits: int) -> None:
    extension = PerMessageDeflate(server_max_window_bits=bits)
    assert extension.accept("permessage-deflate")
    state = extension.for_connection().state
    state.client = False
    assert isinstance(state, DeflateState)
    assert state.deflater.window_bits == bits
    assert state.inflater.window_bits == 15


def test_a_subclass_with_hooks_of_its_own_has_every_frame() -> None:
    """One that negotiates by itself, or that has others than the hooks of frames, takes the shorter way."""

    class Negotiates(PerMessageDeflate):
        def accept(self, offer: str) -> bool | str | None:
            return super().accept(offer)

    class SeesHeaders(PerMessageDeflate):
        def frame_inbound_header(
            self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
        ) -> CloseReason | RsvBits:
            return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    assert (
        Negotiates().for_connection().state.rest_size == PerMessageDeflate().for_connection().state.rest_size
    )
    assert Negotiates().for_connection().state.rest_size == 2**14
    assert SeesHeaders().for_connection().state.rest_size == 0


@pytest.mark.parametrize(
    ("asked", "answer", "agreed_on"),
    [
        (False, "", False),
        (False, "; client_no_context_takeover", True),
        (True, "", True),
        (True, "; client_no_context_takeover", True),
    ],
)
def test_a_client_takes_no_context_over_where_either_side_says_so(
    asked: bool, answer: str, agreed_on: bool
) -> None:
    """RFC 7692 7.1.1.2: a client may do without it unasked."""
    extension = PerMessageDeflate(client_no_context_takeover=asked)
    extension.finalize(NAME + answer)
    assert extension.client_no_context_takeover is agreed_on
    state = extension.for_connection().state
    state.client = True
    assert isinstance(state, DeflateState)
    assert state.deflater.context_takeover is not agreed_on
    assert state.inflater.context_takeover
