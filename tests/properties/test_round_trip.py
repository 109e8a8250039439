"""What one side sends the other receives, in every negotiated setting; it is read independently, too."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import wire
from tests.deflating import CLIENT, ROLES, SERVER, joined, joined_pair
from tests.inflating import Inflater
from tests.strategies import Sent, cuttings, examples, message, sent_messages
from wsproto import Connection, ConnectionState, ConnectionType, WSConnection
from wsproto.events import CloseConnection, Ping
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from wsproto.events import Event

WINDOWS = range(9, 16)


@st.composite
def deflates(draw: st.DrawFn) -> PerMessageDeflate:
    """One side's settings."""
    windows = st.one_of(st.none(), st.integers(9, 15))
    return PerMessageDeflate(
        draw(st.booleans()),
        draw(windows),
        draw(st.booleans()),
        draw(windows),
        compression_level=draw(st.integers(-1, 9)),
        memory_level=draw(st.integers(1, 9)),
        min_compress_size=draw(st.sampled_from([0, 0, 1, 50])),
    )


def exchange(
    sender: WSConnection, receiver: WSConnection, sent: Sent, data: st.DataObject | None = None
) -> bytes:
    """Send a message across, check that it arrives, and return its bytes."""
    output = b"".join(sender.send(event) for event in sent.events())
    pieces = (
        [output] if data is None else data.draw(cuttings(output) if len(output) < 2000 else st.just([output]))
    )
    assert joined(wire.receive_cut(receiver, pieces)) == sent.received()
    return output


def assert_well_formed(output: bytes, *, client: bool, deflate: bool) -> list[wire.WireFrame]:
    """Judge each frame by RFC 6455 5 and RFC 7692 6.1."""
    frames = wire.decode_frames(output)
    inside = False
    for frame in frames:
        assert (frame.mask is not None) == client
        assert frame.length_form == wire.minimal_form(len(frame.payload))
        if frame.opcode >= wire.CLOSE:
            assert frame.fin
            assert len(frame.payload) <= 125
            assert frame.rsv == 0
        else:
            assert (frame.opcode == wire.CONTINUATION) == inside
            assert frame.rsv in ({0, wire.RSV1} if deflate and not inside else {0})
            inside = not frame.fin
    keys = [frame.mask for frame in frames if frame.mask is not None]
    assert len(set(keys)) >= len(keys) - 1
    return frames


@examples(0.5)
@given(deflates(), deflates(), st.lists(st.tuples(st.booleans(), sent_messages()), max_size=5), st.data())
def test_messages_with_deflate(
    offered: PerMessageDeflate,
    supported: PerMessageDeflate,
    messages: list[tuple[bool, Sent]],
    data: st.DataObject,
) -> None:
    client, server = joined_pair([offered], [supported])
    for from_client, sent in messages:
        sender, receiver = (client, server) if from_client else (server, client)
        output = exchange(sender, receiver, sent, data)
        assert_well_formed(output, client=from_client, deflate=True)


@examples(0.5)
@given(st.lists(st.tuples(st.booleans(), sent_messages()), max_size=5), st.data())
def test_messages_without_deflate(messages: list[tuple[bool, Sent]], data: st.DataObject) -> None:
    client, server = joined_pair([], [])
    for from_client, sent in messages:
        sender, receiver = (client, server) if from_client else (server, client)
        output = exchange(sender, receiver, sent, data)
        frames = assert_well_formed(output, client=from_client, deflate=False)
        body = b"".join(frame.payload for frame in frames if frame.opcode < wire.CLOSE)
        assert body == (sent.whole.encode() if isinstance(sent.whole, str) else sent.whole)


@examples(0.3)
@given(
    st.sampled_from(ROLES),
    st.integers(9, 15),
    st.booleans(),
    st.lists(st.one_of(st.text(max_size=200), st.binary(max_size=1500)), max_size=6),
)
def test_what_is_deflated_can_be_read_independently(
    role: ConnectionType, bits: int, takeover: bool, messages: list[str | bytes]
) -> None:
    own = "client" if role is CLIENT else "server"
    extension = PerMessageDeflate()
    agreement = f"permessage-deflate; {own}_max_window_bits={bits}"
    extension.finalize(agreement if takeover else f"{agreement}; {own}_no_context_takeover")
    connection = Connection(role, [extension])
    inflater = Inflater(takeover=takeover)
    for data in messages:
        (frame,) = assert_well_formed(connection.send(message(data)), client=role is CLIENT, deflate=True)
        inflated = inflater.message(frame.payload)
        assert inflated.data == (data.encode() if isinstance(data, str) else data)
        assert inflated.longest_distance <= 2**bits


SETTINGS = list(itertools.product(WINDOWS, WINDOWS, (False, True), (False, True)))
PATTERN = bytes(range(256)) * 20
SCRIPT = [
    Sent(("Hello",)),
    Sent(("Hello", " ", "Hello"), (Ping(b"p"),)),
    Sent((b"", PATTERN)),
    Sent((PATTERN[::-1],)),
    Sent(("",)),
    Sent((PATTERN,)),
]


@pytest.mark.requirement("R7692-5-13")
@pytest.mark.parametrize("client_bits", WINDOWS)
def test_every_agreement_there_is(client_bits: int) -> None:
    """Window 9 to 15 and context takeover on and off, each way."""
    for bits, server_bits, client_alone, server_alone in SETTINGS:
        if bits != client_bits:
            continue
        settings = PerMessageDeflate(client_alone, client_bits, server_alone, server_bits)
        client, server = joined_pair([settings], [PerMessageDeflate()])
        for sent in SCRIPT:
            exchange(client, server, sent)
            exchange(server, client, sent)


@given(st.booleans(), st.integers(1000, 1003) | st.integers(3000, 4999), st.text(max_size=150), st.booleans())
def test_a_close_arrives(from_client: bool, code: int, reason: str, deflate: bool) -> None:
    extensions = [PerMessageDeflate()] if deflate else []
    client, server = joined_pair(extensions, extensions)
    sender, receiver = (client, server) if from_client else (server, client)
    output = sender.send(CloseConnection(code, reason))
    assert_well_formed(output, client=from_client, deflate=deflate)
    (close,) = wire.receive(receiver, output)
    assert isinstance(close, CloseConnection)
    assert close.code == code
    assert close.reason is not None
    assert reason.startswith(close.reason)
    assert len(close.reason.encode()) in range(min(len(reason.encode()), 120), 124)
    events: list[Event] = wire.receive(sender, receiver.send(close.response()))
    assert [event.code for event in events if isinstance(event, CloseConnection)] == [code]
    assert sender.state is receiver.state is ConnectionState.CLOSED


@examples(0.2)
@given(st.sampled_from((CLIENT, SERVER)), st.integers(1, 400))
def test_no_key_comes_twice_in_a_row(role: ConnectionType, count: int) -> None:
    connection = Connection(role)
    frames = [wire.decode_frame(connection.send(Ping())) for _ in range(count)]
    keys = [frame.mask for frame in frames]
    if role is SERVER:
        assert set(keys) == {None}
    else:
        assert None not in keys
        assert len(set(keys)) >= count - 1
