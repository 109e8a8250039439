"""Events have slots, and still show, copy and pickle as if each had a `__dict__`."""

from __future__ import annotations

import copy
import pickle
import weakref
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass
from typing import Any

import pytest

from wsproto.events import CloseConnection, Event, Ping, Request, TextMessage

EVENTS = [
    Request("example.com", "/", subprotocols=["chat"]),
    TextMessage("Hello", message_finished=False),
    CloseConnection(1000, "bye"),
    Ping(b"p"),
]
each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)


@each_event
def test_vars_gives_all_fields_in_their_order(event: Event) -> None:
    assert is_dataclass(event)
    assert vars(event) == {field.name: getattr(event, field.name) for field in fields(event)}
    assert list(vars(event)) == [field.name for field in fields(event)]


@each_event
def test_what_is_done_with_vars_does_not_change_the_event(event: Event) -> None:
    before = dict(vars(event))
    vars(event).clear()
    assert vars(event) == before


@each_event
def test_a_copy_equals_the_event(event: Event) -> None:
    pickled = pickle.loads(pickle.dumps(event))  # noqa: S301 - it was made here
    for other in (copy.copy(event), copy.deepcopy(event), pickled):
        assert other == event
        assert type(other) is type(event)
        assert other is not event


@each_event
def test_an_event_can_be_referred_to_weakly(event: Event) -> None:
    assert weakref.ref(event)() is event


@each_event
def test_no_field_can_be_set_or_deleted(event: Event) -> None:
    assert is_dataclass(event)
    for field in fields(event):
        before = getattr(event, field.name)
        with pytest.raises(FrozenInstanceError, match=field.name):
            setattr(event, field.name, before)
        with pytest.raises(FrozenInstanceError, match=field.name):
            delattr(event, field.name)
        assert getattr(event, field.name) is before


class OwnRequest(Request):
    """A class of a user's own with attributes of its own."""


def test_a_class_of_a_users_own_keeps_the_fields_frozen_and_nothing_else() -> None:
    request: Any = OwnRequest("example.com", "/")
    request.seen = 1
    assert request.seen == 1
    del request.seen
    assert not hasattr(request, "seen")
    with pytest.raises(FrozenInstanceError, match="host"):
        request.host = "example.org"
    with pytest.raises(FrozenInstanceError, match="host"):
        del request.host


@each_event
def test_an_event_has_no_room_for_other_attributes(event: Event) -> None:
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(event, "other", 1)


@dataclass(frozen=True)
class Joined(Event):
    """A class of a user's own, without slots."""

    room: str


def test_a_class_of_one_s_own_may_have_other_attributes() -> None:
    event = Joined("lobby")
    object.__setattr__(event, "other", 1)
    assert vars(event) == {"room": "lobby", "other": 1}
    assert vars(copy.copy(event)) == vars(event)
    assert copy.copy(event) == event
