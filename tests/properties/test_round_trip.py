# ruff: noqa: ARG002 -- hooks take what the library gives them
"""What one side sends the other receives, in every negotiated setting, after a handshake of both.

How it stands on the wire is judged in `test_what_is_sent.py`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import joined, joined_pair
from tests.oracle.reading import Reading, arriving
from tests.oracle.receiving import receive, receive_cut
from tests.oracle.strategies import CLOSINGS, CONTROL_PAYLOADS, Sent, cuttings, deflates, examples, scripts
from wsproto import ConnectionState, WSConnection
from wsproto.events import CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

if TYPE_CHECKING:
    from wsproto.events import Event

WINDOWS = range(9, 16)

script_pairs = st.tuples(scripts(closing=False), scripts(closing=False))


def assert_conversed(
    client: WSConnection,
    server: WSConnection,
    scripts: tuple[tuple[list[Event], Reading], tuple[list[Event], Reading]],
    data: st.DataObject,
) -> None:
    """Send both scripts at once, an event of either side at a time, and check what each side receives."""
    sides = ((client, server), (server, client))
    waiting = [list(events) for events, _ in scripts]
    received: tuple[list[Event], list[Event]] = ([], [])
    while any(waiting):
        side = data.draw(st.sampled_from([side for side in (0, 1) if waiting[side]]))
        sender, receiver = sides[side]
        output = sender.send(waiting[side].pop(0))
        pieces = data.draw(cuttings(output)) if len(output) < 2000 else [output]
        received[side].extend(receive_cut(receiver, pieces))
    assert [tuple(joined(events)) for events in received] == [expected.events for _, expected in scripts]


class Xor(Extension):
    """Changes every byte of messages by XOR with `key`; control frames stay as they are."""

    def __init__(self, name: str, key: int) -> None:
        self.name = name
        self.key = key
        self.control = False

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool:
        return True

    def accept(self, offer: str) -> bool:
        return offer == self.name

    def for_connection(self) -> Xor:
        return Xor(self.name, self.key)

    def frame_inbound_header(self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int) -> RsvBits:
        self.control = opcode.iscontrol()
        return RsvBits(False, False, False)

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes:
        return data if self.control else bytes(byte ^ self.key for byte in data)

    def frame_outbound(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        return rsv, data if opcode.iscontrol() else bytes(byte ^ self.key for byte in data)


class Scrambled(PerMessageDeflate):
    """A subclass with hooks of its own: XOR before deflating, and after inflating."""

    def _again(self, data: bytes) -> bytes:
        return bytes(byte ^ 0x55 for byte in data)

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        self.control = opcode.iscontrol()
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        result = super().frame_inbound_payload_data(proto, data)
        return result if self.control or isinstance(result, CloseReason) else self._again(result)

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        result = super().frame_inbound_complete(proto, fin)
        return self._again(result) if isinstance(result, bytes) else result

    def frame_outbound(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        return super().frame_outbound(
            proto, opcode, rsv, data if opcode.iscontrol() else self._again(data), fin
        )


@examples(0.5)
@given(st.booleans(), st.booleans(), script_pairs, st.data())
def test_messages_through_hooks_of_a_subclass(
    of_client: bool,
    shared: bool,
    scripts: tuple[tuple[list[Event], Reading], tuple[list[Event], Reading]],
    data: st.DataObject,
) -> None:
    """Its hooks see every frame, on its own object, which may serve both ends."""
    ours = Scrambled()
    theirs = ours if shared else Scrambled()
    pair = ([ours], [theirs]) if of_client else ([theirs], [ours])
    assert_conversed(*joined_pair(*pair), scripts, data)


@given(st.booleans(), st.booleans(), st.integers(9, 15))
def test_what_a_subclass_assigns_after_it_agreed_is_in_force(server: bool, takeover: bool, bits: int) -> None:
    """RFC 7692 7.1: a window and context takeover, on the side that uses them."""

    class Assigning(PerMessageDeflate):
        def _assign(self) -> None:
            self.server_no_context_takeover = self.client_no_context_takeover = not takeover
            self.server_max_window_bits = self.client_max_window_bits = bits

        def accept(self, offer: str) -> bool | str | None:
            answer = super().accept(offer)
            self._assign()
            return answer

        def finalize(self, offer: str) -> None:
            super().finalize(offer)
            self._assign()

    client, accepting = joined_pair([Assigning()], [Assigning()])
    sender, receiver = (accepting, client) if server else (client, accepting)
    text = "".join(chr(97 + index * 7 % 26) for index in range(997))
    first, second = sender.send(TextMessage(text)), sender.send(TextMessage(text))
    assert (len(first) == len(second)) is not takeover
    assert joined(receive(receiver, first + second)) == [text, text]


@examples(0.5)
@given(st.permutations(["deflate", "x-a", "x-b"]), st.integers(1, 3), script_pairs, st.data())
def test_messages_with_several_extensions(
    names: list[str],
    count: int,
    scripts: tuple[tuple[list[Event], Reading], tuple[list[Event], Reading]],
    data: st.DataObject,
) -> None:
    """What one side does in the order of the response, the other undoes backwards (RFC 6455 9.1)."""

    def extensions() -> list[Extension]:
        made = {"deflate": PerMessageDeflate(), "x-a": Xor("x-a", 0x5A), "x-b": Xor("x-b", 0x0F)}
        return [made[name] for name in names[:count]]

    assert_conversed(*joined_pair(extensions(), extensions()), scripts, data)


@examples(0.5)
@given(deflates(), deflates(), script_pairs, st.data())
def test_messages_with_deflate(
    offered: PerMessageDeflate,
    supported: PerMessageDeflate,
    scripts: tuple[tuple[list[Event], Reading], tuple[list[Event], Reading]],
    data: st.DataObject,
) -> None:
    """Messages, fragments, pings and pongs, of both sides at once, whatever was offered and supported."""
    assert_conversed(*joined_pair([offered], [supported]), scripts, data)


@examples(0.5)
@given(script_pairs, st.data())
def test_messages_without_deflate(
    scripts: tuple[tuple[list[Event], Reading], tuple[list[Event], Reading]], data: st.DataObject
) -> None:
    assert_conversed(*joined_pair([], []), scripts, data)


@given(st.booleans(), st.booleans(), CLOSINGS, st.booleans())
def test_a_close_arrives_and_is_answered(
    from_client: bool, deflate: bool, close: CloseConnection, midway: bool
) -> None:
    """With its code and reason, from either side, between messages and inside one."""
    extensions = [PerMessageDeflate()] if deflate else []
    client, server = joined_pair(extensions, extensions)
    sender, receiver = (client, server) if from_client else (server, client)
    before = Sent(("begun", "")).events()[:1] if midway else []
    output = b"".join(sender.send(event) for event in [*before, close])
    arrived = receive(receiver, output)[-1]
    assert arrived == arriving(close)
    assert isinstance(arrived, CloseConnection)
    assert receive(sender, receiver.send(arrived.response())) == [arrived]
    assert sender.state is receiver.state is ConnectionState.CLOSED


@given(st.booleans(), CONTROL_PAYLOADS)
def test_a_ping_is_answered_with_its_payload(from_client: bool, payload: bytes) -> None:
    client, server = joined_pair([], [])
    sender, receiver = (client, server) if from_client else (server, client)
    (ping,) = receive(receiver, sender.send(Ping(payload)))
    assert isinstance(ping, Ping)
    assert receive(sender, receiver.send(ping.response())) == [Pong(payload)]


SETTINGS = list(itertools.product(WINDOWS, WINDOWS, (False, True), (False, True)))
PATTERN = bytes(range(256)) * 20
SCRIPT = [
    Sent(("Hello",)),
    Sent(("Hello", " ", "Hello"), (Ping(b"p"), Pong(b"q"))),
    Sent((b"", PATTERN)),
    Sent((PATTERN[::-1],)),
    Sent(("",)),
    Sent((PATTERN,)),
]


@pytest.mark.requirement("R7692-5-13")
@pytest.mark.parametrize("client_bits", WINDOWS)
def test_every_agreement_there_is(client_bits: int) -> None:
    """Window 9 to 15 and context takeover on and off, each way: messages, fragments, controls, a Close."""
    for bits, server_bits, client_alone, server_alone in SETTINGS:
        if bits != client_bits:
            continue
        settings = PerMessageDeflate(client_alone, client_bits, server_alone, server_bits)
        client, server = joined_pair([settings], [PerMessageDeflate()])
        for sent, (sender, receiver) in itertools.product(SCRIPT, ((client, server), (server, client))):
            output = b"".join(sender.send(event) for event in sent.events())
            assert joined(receive(receiver, output)) == sent.received()
        close = CloseConnection(4000, "done")
        assert receive(server, client.send(close)) == [close]
        assert receive(client, server.send(close)) == [close]


FUZZED = (
    test_messages_with_several_extensions,
    test_messages_through_hooks_of_a_subclass,
    test_messages_with_deflate,
    test_messages_without_deflate,
    test_a_close_arrives_and_is_answered,
    test_a_ping_is_answered_with_its_payload,
)
