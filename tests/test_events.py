"""The event classes: their fields, their values, their answers."""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, fields
from typing import Any

import pytest

from wsproto import events
from wsproto.event_base import ControlFields, MessageFields
from wsproto.events import (
    AcceptConnection,
    BinaryMessage,
    BytesMessage,
    CloseConnection,
    ControlEvent,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason

REQUIRED = "required"
MESSAGE_FIELDS = [("data", REQUIRED), ("frame_finished", True), ("message_finished", True)]

FIELDS: dict[type[Event], list[tuple[str, object]]] = {
    Request: [
        ("host", REQUIRED),
        ("target", REQUIRED),
        ("extensions", []),
        ("extra_headers", []),
        ("subprotocols", []),
    ],
    AcceptConnection: [("subprotocol", None), ("extensions", []), ("extra_headers", [])],
    RejectConnection: [("status_code", 400), ("headers", []), ("has_body", False)],
    RejectData: [("data", REQUIRED), ("body_finished", True)],
    CloseConnection: [("code", REQUIRED), ("reason", None)],
    Message: MESSAGE_FIELDS,
    TextMessage: MESSAGE_FIELDS,
    BytesMessage: MESSAGE_FIELDS,
    Ping: [("payload", b"")],
    Pong: [("payload", b"")],
}

#: Per class, two ways to write one value, and a value that differs.
VALUES: list[tuple[Event, Event, Event]] = [
    (
        Request("h", "/", ["x"], [(b"a", b"b")], ["chat"]),
        Request(host="h", target="/", extensions=["x"], extra_headers=[(b"a", b"b")], subprotocols=["chat"]),
        Request("h", "/"),
    ),
    (
        AcceptConnection("chat", [], [(b"a", b"b")]),
        AcceptConnection(subprotocol="chat", extra_headers=[(b"a", b"b")]),
        AcceptConnection(),
    ),
    (
        RejectConnection(403, [(b"a", b"b")], True),
        RejectConnection(status_code=403, headers=[(b"a", b"b")], has_body=True),
        RejectConnection(),
    ),
    (RejectData(b"x", False), RejectData(data=b"x", body_finished=False), RejectData(b"x")),
    (CloseConnection(1000, "bye"), CloseConnection(code=1000, reason="bye"), CloseConnection(1000)),
    (
        Message("x", False, False),
        Message(data="x", frame_finished=False, message_finished=False),
        Message("x"),
    ),
    (
        TextMessage("x", False, False),
        TextMessage(data="x", frame_finished=False, message_finished=False),
        TextMessage("x"),
    ),
    (
        BytesMessage(b"x", False, False),
        BytesMessage(data=b"x", frame_finished=False, message_finished=False),
        BytesMessage(b"x"),
    ),
    (Ping(b"x"), Ping(payload=b"x"), Ping()),
    (Pong(b"x"), Pong(payload=b"x"), Pong()),
]

each_value = pytest.mark.parametrize(
    ("event", "same", "other"), VALUES, ids=[type(event).__name__ for event, _, _ in VALUES]
)


def default_of(field: Any) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return REQUIRED if field.default is MISSING else field.default


@pytest.mark.parametrize(
    ("event_type", "expected"), FIELDS.items(), ids=[event_type.__name__ for event_type in FIELDS]
)
def test_fields_stand_in_their_documented_order_with_their_defaults(
    event_type: type[Event], expected: list[tuple[str, object]]
) -> None:
    actual = [(field.name, default_of(field)) for field in fields(event_type)]  # type: ignore[arg-type]
    assert actual == expected


@each_value
def test_events_are_equal_by_value(event: Event, same: Event, other: Event) -> None:
    assert event == same
    assert event != other
    assert repr(event) == repr(same)
    assert repr(event).startswith(type(event).__name__ + "(")


@each_value
def test_events_are_frozen(event: Event, same: Event, other: Event) -> None:
    for field in fields(event):  # type: ignore[arg-type]
        with pytest.raises(FrozenInstanceError):
            setattr(event, field.name, getattr(other, field.name))
    assert event == same


@pytest.mark.parametrize(
    ("event", "same"),
    [
        (event, same)
        for event, same, _ in VALUES
        if not isinstance(event, (Request, AcceptConnection, RejectConnection))
    ],
    ids=lambda value: type(value).__name__,
)
def test_events_with_hashable_fields_are_hashable(event: Event, same: Event) -> None:
    assert {event: 1}[same] == 1


def test_events_of_different_classes_differ_even_with_the_same_fields() -> None:
    assert len({Ping(b"x"), Pong(b"x"), BytesMessage(b"x"), Message(b"x")}) == 4
    assert len({Message("x"), TextMessage("x")}) == 2


@pytest.mark.parametrize("make", [lambda: Request("h", "/"), AcceptConnection, RejectConnection])
def test_default_lists_are_not_shared(make: Any) -> None:
    first, second = make(), make()
    lists = [field.name for field in fields(first) if isinstance(getattr(first, field.name), list)]
    assert lists
    assert all(getattr(first, name) is not getattr(second, name) for name in lists)


def test_every_event_is_an_event_and_messages_are_messages() -> None:
    assert all(issubclass(event_type, Event) for event_type in FIELDS)
    assert TextMessage.__mro__[1] is Message
    assert BytesMessage.__mro__[1] is Message
    assert not issubclass(TextMessage, BytesMessage)


def test_the_guide_calls_binary_messages_binary_message() -> None:
    assert BinaryMessage is BytesMessage
    assert events.BinaryMessage is events.BytesMessage


@pytest.mark.requirement("R6455-5.5.3-01")
def test_a_ping_is_answered_with_its_own_payload() -> None:
    response = Ping(b"\x00\xff!").response()
    assert type(response) is Pong
    assert response == Pong(b"\x00\xff!")
    assert Ping().response() == Pong(b"")


@pytest.mark.requirement("R6455-5.5.1-08")
@pytest.mark.parametrize(("code", "reason"), [(1000, "bye"), (1005, ""), (4999, "é"), (1001, None)])
def test_a_close_is_answered_with_its_own_code_and_reason(code: int, reason: str | None) -> None:
    response = CloseConnection(code, reason).response()
    assert type(response) is CloseConnection
    assert response == CloseConnection(code, reason)


def test_close_reasons_equal_their_numbers() -> None:
    assert CloseConnection(CloseReason.GOING_AWAY, "") == CloseConnection(1001, "")
    assert hash(CloseConnection(CloseReason.GOING_AWAY, "")) == hash(CloseConnection(1001, ""))


def test_an_event_has_slots_and_no_dictionary() -> None:
    for kind in FIELDS:
        assert "__slots__" in vars(kind)
        assert kind.__dictoffset__ == 0


def test_the_events_of_a_received_frame_share_the_methods_of_their_base() -> None:
    """`dataclass` would write others for each: `import wsproto` takes longer, and so does making an event."""
    for kind in (Message, TextMessage, BytesMessage):
        assert kind.__init__ is MessageFields.__init__
        assert (kind.__repr__, kind.__eq__) == (Message.__repr__, Message.__eq__)
    for other in (Ping, Pong):
        assert other.__init__ is ControlFields.__init__
        assert (other.__repr__, other.__eq__) == (ControlEvent.__repr__, ControlEvent.__eq__)
        assert ControlEvent.__init__ is ControlFields.__init__


@pytest.mark.parametrize("kind", [Message, TextMessage, BytesMessage])
@pytest.mark.parametrize(
    ("frame_finished", "message_finished"), [(False, False), (False, True), (True, False), (True, True)]
)
def test_both_ends_of_a_message_are_as_they_were_given(
    kind: type[Message[Any]], frame_finished: bool, message_finished: bool
) -> None:
    event = kind("data", frame_finished, message_finished)
    assert (event.frame_finished, event.message_finished) == (frame_finished, message_finished)
    assert kind("data", message_finished=message_finished).message_finished is message_finished


def test_a_subclass_of_a_close_is_answered_by_a_close() -> None:
    class Retry(CloseConnection):
        def __init__(self, seconds: int) -> None:
            super().__init__(1013, f"in {seconds} s")

    assert Retry(5).response() == CloseConnection(1013, "in 5 s")
