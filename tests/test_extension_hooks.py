# ruff: noqa: ARG002 -- hooks take what the library gives them
"""The hooks of `Extension`: extensions of one's own, and several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.oracle.deflating import (
    CLIENT,
    HELLO,
    ROLES,
    SERVER,
    accepted_client,
    accepting_server,
    agreed,
    from_peer,
    header_values,
    joined,
    joined_pair,
    requesting_client,
)
from tests.oracle.receiving import receive, receive_cut, single_bytes
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, RsvBits
from wsproto.handshake import client_extensions_handshake, server_extensions_handshake
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from wsproto.events import Event

NO_BITS = RsvBits(False, False, False)


class Bare(Extension):
    """Agrees to all, does nothing: the hooks are those of the base class."""

    name = "x-bare"

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool | str:
        return True

    def accept(self, offer: str) -> bool | str | None:
        return True


class Recorder(Bare):
    """Notes each call of a hook."""

    name = "x-recorder"

    def __init__(self, log: list[tuple[Any, ...]], label: str = "") -> None:
        self.log = log
        self.label = label

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        self.log.append((self.label, "header", proto.client, opcode, rsv, payload_length))
        return NO_BITS

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        self.log.append((self.label, "payload", proto.client, bytes(data)))
        return data

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        self.log.append((self.label, "complete", proto.client, fin))
        return None

    def frame_outbound(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        self.log.append((self.label, "outbound", proto.client, opcode, rsv, bytes(data), fin))
        return rsv, data


class Suffix(Bare):
    """Puts a mark behind the payload of each data frame, sets RSV2 on it, and takes both away again."""

    name = "x-suffix"

    def __init__(self, mark: bytes, bit: int = 1) -> None:
        self.mark = mark
        self.bit = bit
        self.held = b""

    def _bits(self, rsv: RsvBits = NO_BITS) -> RsvBits:
        return RsvBits(*(True if index == self.bit else bit for index, bit in enumerate(rsv)))

    def frame_inbound_header(
        self,
        proto: Any,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        self.held = b""
        return NO_BITS if opcode.iscontrol() else self._bits()

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        self.held += data
        return b""

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        if not self.held.endswith(self.mark):
            return CloseReason.POLICY_VIOLATION
        return self.held[: -len(self.mark)]

    def frame_outbound(
        self,
        proto: Any,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        return (rsv, data) if opcode.iscontrol() else (self._bits(rsv), data + self.mark)


class Xor(Bare):
    """Changes every byte of data frames, piece by piece."""

    name = "x-xor"

    def __init__(self, key: int) -> None:
        self.key = key
        self.control = False

    def frame_inbound_header(
        self,
        proto: Any,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        self.control = opcode.iscontrol()
        return NO_BITS

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        return data if self.control else bytes(byte ^ self.key for byte in data)

    def frame_outbound(
        self,
        proto: Any,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        return rsv, data if opcode.iscontrol() else bytes(byte ^ self.key for byte in data)


class Refuser(Bare):
    """Answers one hook with a close code."""

    name = "x-refuser"

    def __init__(self, hook: str) -> None:
        self.hook = hook

    def frame_inbound_header(
        self,
        proto: Any,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        return CloseReason.POLICY_VIOLATION if self.hook == "header" else NO_BITS

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        return CloseReason.POLICY_VIOLATION if self.hook == "payload" else data

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        return CloseReason.POLICY_VIOLATION if self.hook == "complete" else None


def exchange(sender: Connection, receiver: Connection, event: Event) -> list[Event]:
    return receive(receiver, sender.send(event))


# The base class ----------------------------------------------------------------------------------


def test_the_base_class_negotiates_nothing() -> None:
    extension = Extension()
    assert not extension.enabled()
    assert not extension.offer()
    assert not extension.accept("anything")


@pytest.mark.requirement("R6455-9.2-01")
@pytest.mark.parametrize("role", ROLES)
def test_the_hooks_of_the_base_class_change_nothing(role: ConnectionType) -> None:
    connection = Connection(role, [Bare()])
    sent = wire.decode_frame(connection.send(BytesMessage(b"Hello")))
    assert (sent.rsv, sent.payload) == (0, b"Hello")
    stream = from_peer(connection, wire.PING, b"p") + from_peer(connection, wire.BINARY, b"Hello")
    assert joined(receive(connection, stream)) == [Ping(b"p"), b"Hello"]


def test_an_extension_of_one_s_own_is_negotiated() -> None:
    log: list[tuple[Any, ...]] = []
    client, server = joined_pair([Recorder(log, "c")], [Recorder(log, "s")])
    assert joined(receive(server, client.send(TextMessage("Hi")))) == ["Hi"]
    assert [entry[:2] for entry in log] == [
        ("c", "outbound"),
        ("s", "header"),
        ("s", "payload"),
        ("s", "complete"),
    ]


def test_parameters_of_an_extension_of_one_s_own_travel() -> None:
    class WithParameters(Bare):
        name = "x-parameters"
        seen: str | None = None

        def offer(self) -> bool | str:
            return "a=1; b"

        def accept(self, offer: str) -> bool | str | None:
            self.seen = offer
            return "a=2"

        def finalize(self, offer: str) -> None:
            self.seen = offer

    mine, theirs = WithParameters(), WithParameters()
    _, request = requesting_client([mine])
    assert header_values(request, "Sec-WebSocket-Extensions") == ["x-parameters; a=1; b"]
    assert server_extensions_handshake(["x-parameters; a=1; b"], [theirs]) == b"x-parameters; a=2"
    assert theirs.seen == "x-parameters; a=1; b"
    client_extensions_handshake(["x-parameters; a=2"], [mine])
    assert mine.seen == "x-parameters; a=2"


# When the hooks are called -----------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_the_hooks_see_every_frame_of_the_peer(role: ConnectionType) -> None:
    log: list[tuple[Any, ...]] = []
    connection = Connection(role, [Recorder(log)])
    client = role is CLIENT
    stream = (
        from_peer(connection, wire.TEXT, b"ab", fin=False)
        + from_peer(connection, wire.PING, b"p")
        + from_peer(connection, wire.CONTINUATION, b"c")
        + from_peer(connection, wire.PONG, b"q")
        + from_peer(connection, wire.CLOSE, b"\x03\xe8")
    )
    receive(connection, stream)
    assert log == [
        ("", "header", client, Opcode.TEXT, NO_BITS, 2),
        ("", "payload", client, b"ab"),
        ("", "complete", client, False),
        ("", "header", client, Opcode.PING, NO_BITS, 1),
        ("", "payload", client, b"p"),
        ("", "complete", client, True),
        ("", "header", client, Opcode.CONTINUATION, NO_BITS, 1),
        ("", "payload", client, b"c"),
        ("", "complete", client, True),
        ("", "header", client, Opcode.PONG, NO_BITS, 1),
        ("", "payload", client, b"q"),
        ("", "complete", client, True),
        ("", "header", client, Opcode.CLOSE, NO_BITS, 2),
        ("", "payload", client, b"\x03\xe8"),
        ("", "complete", client, True),
    ]


@pytest.mark.parametrize("role", ROLES)
def test_the_hooks_see_every_frame_that_is_sent(role: ConnectionType) -> None:
    log: list[tuple[Any, ...]] = []
    connection = Connection(role, [Recorder(log)])
    client = role is CLIENT
    connection.send(TextMessage("ab", message_finished=False))
    connection.send(Ping(b"p"))
    connection.send(TextMessage("c"))
    connection.send(Pong(b"q"))
    connection.send(CloseConnection(1000))
    assert log == [
        ("", "outbound", client, Opcode.TEXT, NO_BITS, b"ab", False),
        ("", "outbound", client, Opcode.PING, NO_BITS, b"p", True),
        ("", "outbound", client, Opcode.CONTINUATION, NO_BITS, b"c", True),
        ("", "outbound", client, Opcode.PONG, NO_BITS, b"q", True),
        ("", "outbound", client, Opcode.CLOSE, NO_BITS, b"\x03\xe8", True),
    ]


def test_the_header_hook_comes_before_any_payload() -> None:
    log: list[tuple[Any, ...]] = []
    connection = Connection(CLIENT, [Recorder(log)])
    receive(connection, b"\x82\x7e\x01\x00")
    assert log == [("", "header", True, Opcode.BINARY, NO_BITS, 256)]


def test_the_payload_hook_gets_each_byte_once() -> None:
    log: list[tuple[Any, ...]] = []
    connection = Connection(SERVER, [Recorder(log)])
    stream = from_peer(connection, wire.BINARY, bytes(range(200)))
    receive_cut(connection, single_bytes(stream))
    assert b"".join(entry[3] for entry in log if entry[1] == "payload") == bytes(range(200))
    assert [entry[1] for entry in log if entry[1] != "payload"] == ["header", "complete"]


def test_the_hooks_of_an_extension_that_is_not_enabled_are_not_called() -> None:
    class Disabled(Recorder):
        def enabled(self) -> bool:
            return False

    log: list[tuple[Any, ...]] = []
    connection = Connection(CLIENT, [Disabled(log)])
    connection.send(TextMessage("Hi"))
    receive(connection, from_peer(connection, wire.TEXT, b"Hi"))
    assert log == []


@pytest.mark.parametrize("role", ROLES)
def test_the_frame_codec_by_itself_calls_the_hooks(role: ConnectionType) -> None:
    client = role is CLIENT
    protocol = FrameProtocol(client, [Suffix(b"!")])
    sent = wire.decode_frame(protocol.send_data("Hi"))
    assert (sent.rsv, sent.payload) == (wire.RSV2, b"Hi!")
    protocol.receive_bytes(wire.peer_frame(client, wire.BINARY, b"Hi!", rsv=wire.RSV2))
    (frame,) = protocol.received_frames()
    assert bytes(frame.payload) == b"Hi"  # type: ignore[arg-type]


# What a hook may answer --------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("hook", ["header", "payload", "complete"])
@pytest.mark.parametrize("opcode", [wire.BINARY, wire.PING], ids=["data", "control"])
def test_a_hook_may_fail_the_connection(role: ConnectionType, hook: str, opcode: int) -> None:
    connection = Connection(role, [Refuser(hook)])
    *_, event = receive(connection, from_peer(connection, opcode, b"Hello"))
    assert isinstance(event, CloseConnection)
    assert event.code is CloseReason.POLICY_VIOLATION
    assert connection.state is ConnectionState.REMOTE_CLOSING
    assert connection.protocol_error is not None
    assert wire.decode_frame(connection.send(event.response())).close_code == 1008


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("hook", ["header", "payload", "complete"])
@pytest.mark.parametrize("before", [True, False])
def test_a_failure_names_the_extension_that_failed(role: ConnectionType, hook: str, before: bool) -> None:
    refuser, bare = Refuser(hook), Bare()
    connection = Connection(role, [bare, refuser] if before else [refuser, bare])
    receive(connection, from_peer(connection, wire.BINARY, b"Hello"))
    assert "The extension x-refuser refused" in str(connection.protocol_error)


@pytest.mark.parametrize("role", ROLES)
def test_no_hook_sees_a_control_frame_that_is_too_long(role: ConnectionType) -> None:
    log: list[tuple[Any, ...]] = []
    connection = Connection(role, [Recorder(log)])
    with pytest.raises(LocalProtocolError, match="at most 125"):
        connection.send(Ping(b"a" * 126))
    assert log == []


@pytest.mark.parametrize("role", ROLES)
def test_what_a_hook_gives_in_another_buffer_is_sent_as_bytes(role: ConnectionType) -> None:
    class Buffering(Bare):
        def frame_outbound(
            self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
        ) -> tuple[RsvBits, bytes]:
            return rsv, bytearray(data)  # type: ignore[return-value]

    connection = Connection(role, [Buffering()])
    header, payload = connection.send_parts(BytesMessage(b"Hello"))
    assert {type(header), type(payload), type(connection.send(BytesMessage(b"Hello")))} == {bytes}


@pytest.mark.parametrize("role", ROLES)
def test_a_connection_asks_an_extension_once_for_what_it_uses(role: ConnectionType) -> None:
    class Bound(Bare):
        asked = 0

        def for_connection(self) -> Extension:
            self.asked += 1
            return self

    extension = Bound()
    Connection(role, [extension])
    assert extension.asked == 1


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("rsv", "good"), [(0, True), (wire.RSV2, True), (wire.RSV1, False), (wire.RSV3, False), (7, False)]
)
def test_a_header_hook_permits_the_bits_that_it_names(role: ConnectionType, rsv: int, good: bool) -> None:
    connection = Connection(role, [Suffix(b"!")])
    *_, event = receive(connection, from_peer(connection, wire.BINARY, b"Hi!", rsv=rsv))
    if good:
        assert joined([event]) == [b"Hi"]
    else:
        assert isinstance(event, CloseConnection)
        assert event.code == 1002


def test_bits_of_one_extension_are_not_permitted_on_another_frame_kind() -> None:
    connection = Connection(CLIENT, [Suffix(b"!")])
    (event,) = receive(connection, from_peer(connection, wire.PING, b"!", rsv=wire.RSV2))
    assert isinstance(event, CloseConnection)
    assert event.code == 1002


# Several at once ---------------------------------------------------------------------------------


@pytest.mark.requirement("R6455-9.1-07")
@pytest.mark.parametrize("role", ROLES)
def test_extensions_are_applied_in_order_and_undone_in_reverse(role: ConnectionType) -> None:
    """RFC 6455 9.1: with "foo, bar", what is sent is bar(foo(data))."""
    connection = Connection(role, [Suffix(b"1"), Xor(0x20), Suffix(b"2", bit=2)])
    sent = wire.decode_frame(connection.send(BytesMessage(b"ab")))
    assert sent.payload == b"AB\x112"
    assert sent.rsv == wire.RSV2 | wire.RSV3
    stream = from_peer(connection, wire.BINARY, b"AB\x112", rsv=wire.RSV2 | wire.RSV3)
    assert joined(receive(connection, stream)) == [b"ab"]


@pytest.mark.requirement("R6455-9.1-07")
def test_the_hooks_are_called_in_these_orders() -> None:
    log: list[tuple[Any, ...]] = []
    connection = Connection(CLIENT, [Recorder(log, "first"), Recorder(log, "second")])
    connection.send(BytesMessage(b"x"))
    assert [entry[0] for entry in log] == ["first", "second"]
    log.clear()
    receive(connection, from_peer(connection, wire.BINARY, b"x"))
    assert [entry[:2] for entry in log if entry[1] == "payload"] == [
        ("second", "payload"),
        ("first", "payload"),
    ]
    assert [entry[0] for entry in log if entry[1] == "complete"] == ["second", "first"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
def test_deflate_and_another_one_behind_it(role: ConnectionType, cut: bool) -> None:
    connection = Connection(role, [agreed(), Suffix(b"!"), Xor(0xFF)])
    wanted = bytes(byte ^ 0xFF for byte in HELLO + b"!")
    sent = wire.decode_frame(connection.send(TextMessage("Hello")))
    assert (sent.rsv, sent.payload) == (wire.RSV1 | wire.RSV2, wanted)
    stream = from_peer(connection, wire.TEXT, wanted, rsv=wire.RSV1 | wire.RSV2)
    pieces = single_bytes(stream) if cut else [stream]
    assert joined(receive_cut(connection, pieces)) == ["Hello"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
def test_deflate_and_another_one_before_it(role: ConnectionType, cut: bool) -> None:
    connection = Connection(role, [Xor(0x20), agreed()])
    peer = Connection(SERVER if role is CLIENT else CLIENT, [Xor(0x20), agreed()])
    for text in ("Hello", "Hello", "World" * 99):
        stream = peer.send(TextMessage(text))
        pieces = single_bytes(stream) if cut else [stream]
        assert joined(receive_cut(connection, pieces)) == [text]


@pytest.mark.requirement("R6455-9.1-07")
@pytest.mark.parametrize(
    ("answer", "payload"),
    [
        ("x-suffix, x-xor", b"AB\x01"),
        ("x-xor, x-suffix", b"AB!"),
        ("x-suffix", b"ab!"),
    ],
)
def test_a_client_applies_them_in_the_order_of_the_answer(answer: str, payload: bytes) -> None:
    """RFC 6455 9.1: what the response lists is in use, in its order; the offer's order is preference only."""
    client, _ = accepted_client(answer, [Xor(0x20), Suffix(b"!")])
    assert wire.decode_frame(client.send(BytesMessage(b"ab"))).payload == payload


@pytest.mark.requirement("R6455-9.1-07")
@pytest.mark.parametrize("requested", ["x-suffix, x-xor", "x-xor, x-suffix"])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_server_applies_them_in_the_order_of_its_answer(requested: str, reverse: bool) -> None:
    supported: list[Extension] = [Xor(0x20), Suffix(b"!")]
    if reverse:
        supported.reverse()
    server, answer = accepting_server([requested], supported)
    assert answer is not None
    client, _ = accepted_client(answer, [Xor(0x20), Suffix(b"!")])
    sent = server.send(BytesMessage(b"ab"))
    expected = b"AB\x01" if answer == "x-suffix, x-xor" else b"AB!"
    assert wire.decode_frame(sent).payload == expected
    assert joined(receive(client, sent)) == [b"ab"]
    assert joined(receive(server, client.send(BytesMessage(b"cd")))) == [b"cd"]


@pytest.mark.requirement("R6455-9-02", "R6455-9-03")
def test_a_server_answers_some_of_what_was_asked_for() -> None:
    header = server_extensions_handshake(
        ["x-unknown; a=1", "permessage-deflate", "x-bare"], [Bare(), PerMessageDeflate(), Xor(1)]
    )
    assert header is not None
    assert sorted(element.strip() for element in header.split(b",")) == [b"permessage-deflate", b"x-bare"]


def test_an_extension_that_does_not_offer_is_not_offered() -> None:
    class Quiet(Bare):
        name = "x-quiet"

        def offer(self) -> bool | str:
            return False

    _, request = requesting_client([Quiet(), Bare()])
    assert header_values(request, "Sec-WebSocket-Extensions") == ["x-bare"]


@pytest.mark.parametrize("declined", [False, None])
def test_an_extension_that_declines_is_not_answered(declined: bool | None) -> None:
    class Decliner(Bare):
        def accept(self, offer: str) -> bool | str | None:
            return declined

    assert server_extensions_handshake(["x-bare"], [Decliner()]) is None


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
def test_what_came_before_a_refusal_is_not_lost(cut: bool) -> None:
    """The payload was good, its end is refused: in one read as in many."""
    client = Connection(CLIENT, [Refuser("complete")])
    stream = wire.frame(wire.TEXT, b"Hello")
    *pieces, close = receive_cut(client, single_bytes(stream) if cut else [stream])
    assert "".join(piece.data for piece in pieces if isinstance(piece, TextMessage)) == "Hello"
    assert not any(isinstance(piece, TextMessage) and piece.frame_finished for piece in pieces)
    assert isinstance(close, CloseConnection)
    assert close.code == 1008
