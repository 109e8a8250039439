"""Joining pieces to whole messages, up to a size."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from tests.oracle.receiving import receive_cut
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, TextMessage
from wsproto.messages import MessageJoiner
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


def assert_too_big(caught: pytest.ExceptionInfo[RemoteProtocolError]) -> None:
    hint = caught.value.event_hint
    assert isinstance(hint, CloseConnection)
    assert hint.code == 1009
    sent = wire.decode_frame(Connection(ConnectionType.SERVER).send(hint))
    assert sent.close_code == 1009


@pytest.mark.parametrize(
    "message", [TextMessage("whole"), TextMessage(""), BytesMessage(b"whole"), BytesMessage(b"")], ids=repr
)
def test_a_whole_message_comes_back_as_it_is(message: TextMessage | BytesMessage) -> None:
    joined = MessageJoiner(100).join(message)
    assert joined == message
    assert type(joined) is type(message)


def test_pieces_of_text_are_joined() -> None:
    joiner = MessageJoiner(100)
    assert joiner.join(TextMessage("a", frame_finished=False, message_finished=False)) is None
    assert joiner.join(TextMessage("é", frame_finished=True, message_finished=False)) is None
    assert joiner.join(TextMessage("", frame_finished=True, message_finished=False)) is None
    joined = joiner.join(TextMessage("😀"))
    assert joined == TextMessage("aé😀")
    assert type(joined) is TextMessage


def test_pieces_of_bytes_are_joined() -> None:
    joiner = MessageJoiner(100)
    assert joiner.join(BytesMessage(b"\xff", message_finished=False)) is None
    assert joiner.join(BytesMessage(b"", message_finished=False)) is None
    joined = joiner.join(BytesMessage(b"\xfe"))
    assert joined == BytesMessage(b"\xff\xfe")
    assert type(joined) is BytesMessage
    assert type(joined.data) is bytes


def test_one_message_follows_another() -> None:
    joiner = MessageJoiner(4)
    messages = []
    for number in range(5):
        messages.append(joiner.join(TextMessage(str(number), message_finished=False)))
        messages.append(joiner.join(TextMessage("!")))
        messages.append(joiner.join(BytesMessage(b"four")))
    assert [message for message in messages if message] == [
        message for number in range(5) for message in (TextMessage(f"{number}!"), BytesMessage(b"four"))
    ]


@pytest.mark.requirement("R6455-10.4-02")
@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ([TextMessage("abcdefgh")], TextMessage("abcdefgh")),
        ([TextMessage("éééé")], TextMessage("éééé")),
        ([BytesMessage(b"abcdefgh")], BytesMessage(b"abcdefgh")),
        ([TextMessage("😀", message_finished=False), TextMessage("😀")], TextMessage("😀😀")),
        ([BytesMessage(b"abcd", message_finished=False), BytesMessage(b"efgh")], BytesMessage(b"abcdefgh")),
    ],
    ids=["text", "two-byte-text", "bytes", "text-pieces", "bytes-pieces"],
)
def test_a_message_of_exactly_the_size_is_joined(
    pieces: list[TextMessage | BytesMessage], whole: TextMessage | BytesMessage
) -> None:
    joiner = MessageJoiner(8)
    assert [joiner.join(piece) for piece in pieces][-1] == whole


@pytest.mark.requirement("R6455-10.4-01", "R6455-10.4-02", "R6455-7.4.1-09")
@pytest.mark.parametrize(
    "pieces",
    [
        [TextMessage("abcdefghi")],
        [TextMessage("ééééé")],
        [BytesMessage(b"abcdefghi")],
        [
            TextMessage("😀", message_finished=False),
            TextMessage("😀", message_finished=False),
            TextMessage("x"),
        ],
        [BytesMessage(b"abcd", message_finished=False), BytesMessage(b"efghi", message_finished=False)],
        [TextMessage("éé", message_finished=False), TextMessage("ééé")],
    ],
    ids=["text", "two-byte-text", "bytes", "text-pieces", "unfinished-bytes", "two-byte-pieces"],
)
def test_a_message_over_the_size_is_refused_with_the_piece_that_shows_it(
    pieces: list[TextMessage | BytesMessage],
) -> None:
    joiner = MessageJoiner(8)
    assert [joiner.join(piece) for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    with pytest.raises(RemoteProtocolError) as caught:
        joiner.join(pieces[-1])
    assert_too_big(caught)


@pytest.mark.parametrize("message", [TextMessage("abcd"), BytesMessage(b"abcd"), Message("abcd")], ids=repr)
def test_each_whole_message_may_have_the_size(message: Message[Any]) -> None:
    """Nothing of the one before counts for the next."""
    joiner = MessageJoiner(4)
    for _ in range(3):
        joined = joiner.join(message)
        assert joined is not None
        assert joined.data == message.data


def test_a_whole_message_is_handed_back_as_the_object_that_it_is() -> None:
    """No copy is made: the base class alone is joined into one of the two kinds."""
    message = TextMessage("abcd")
    assert MessageJoiner(4).join(message) is message
    assert MessageJoiner(4).join(Message("abcd")) == message


def test_a_joiner_of_size_nought_takes_empty_messages_only() -> None:
    joiner = MessageJoiner(0)
    assert joiner.join(TextMessage("")) == TextMessage("")
    with pytest.raises(RemoteProtocolError) as caught:
        joiner.join(BytesMessage(b"x"))
    assert_too_big(caught)


@pytest.mark.parametrize(
    ("max_size", "kind"),
    [(-1, ValueError), (1.5, TypeError), ("1", TypeError), (None, TypeError), (True, TypeError)],
)
def test_a_size_is_a_number_of_bytes(max_size: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"^max_size must be ") as caught:
        MessageJoiner(max_size)
    assert isinstance(caught.value, LocalProtocolError)


def test_a_refused_message_is_dropped_to_its_end() -> None:
    joiner = MessageJoiner(4)
    joiner.join(TextMessage("abc", message_finished=False))
    with pytest.raises(RemoteProtocolError):
        joiner.join(TextMessage("de", message_finished=False))
    for piece in (TextMessage("more than four", message_finished=False), TextMessage("tail")):
        assert joiner.join(piece) is None
    assert joiner.join(TextMessage("next")) == TextMessage("next")


def test_behind_a_message_refused_at_its_end_the_next_one_is_whole() -> None:
    joiner = MessageJoiner(4)
    with pytest.raises(RemoteProtocolError):
        joiner.join(TextMessage("abcde"))
    assert joiner.join(TextMessage("next")) == TextMessage("next")


@pytest.mark.requirement("R6455-10.4-01")
def test_a_joiner_holds_no_more_than_its_size() -> None:
    joiner = MessageJoiner(2**16)
    piece = BytesMessage(b"x" * 2**12, message_finished=False)
    tracemalloc.start()
    try:
        for _ in range(16):
            joiner.join(piece)
        with pytest.raises(RemoteProtocolError):
            joiner.join(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**18


def test_tiny_pieces_cost_no_more_than_their_bytes() -> None:
    pieces = [BytesMessage(bytes([number & 255]), message_finished=False) for number in range(20_000)]
    joiner = MessageJoiner(2**20)
    tracemalloc.start()
    try:
        for piece in pieces:
            joiner.join(piece)
        held, _ = tracemalloc.get_traced_memory()
        joined = joiner.join(BytesMessage(b""))
    finally:
        tracemalloc.stop()
    assert joined == BytesMessage(b"".join(piece.data for piece in pieces))
    assert held < 2 * len(pieces)


@pytest.mark.parametrize("role", ConnectionType, ids=lambda role: role.name.lower())
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_joiner_makes_the_messages_of_a_connection_whole(role: ConnectionType, step: int) -> None:
    client = role is ConnectionType.CLIENT
    data = (
        wire.peer_frame(client, wire.TEXT, "aé".encode(), fin=False)
        + wire.peer_frame(client, wire.PING, b"p")
        + wire.peer_frame(client, wire.CONTINUATION, "€😀".encode())
        + wire.peer_frame(client, wire.BINARY, b"\x00" * 300)
    )
    joiner = MessageJoiner(300)
    events = receive_cut(Connection(role), (data[at : at + step] for at in range(0, len(data), step)))
    joined = [joiner.join(event) for event in events if isinstance(event, (TextMessage, BytesMessage))]
    assert [message for message in joined if message is not None] == [
        TextMessage("aé€😀"),
        BytesMessage(b"\x00" * 300),
    ]
    assert not any(type(message) is Message for message in joined)


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb", "a\nb\r"])
def test_line_ends_are_joined_as_they_came(text: str) -> None:
    joiner = MessageJoiner(10)
    assert [joiner.join(TextMessage(char, message_finished=False)) for char in text] == [None] * len(text)
    assert joiner.join(TextMessage("")) == TextMessage(text)


def test_data_of_any_buffer_is_joined() -> None:
    joiner = MessageJoiner(3)
    for data in (bytearray(b"\xff"), memoryview(b"\xfe")):
        assert joiner.join(BytesMessage(data, message_finished=False)) is None
    assert joiner.join(BytesMessage(b"\xfd")) == BytesMessage(b"\xff\xfe\xfd")
