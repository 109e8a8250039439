"""The base of all events: a value with slots that shows, copies and pickles as if it had a `__dict__`."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from types import MemberDescriptorType
from typing import Any, TypeVar

from .core import twin

C = TypeVar("C", bound="ControlFields")

_get_attribute, _set_attribute = object.__getattribute__, object.__setattr__


def _fields_of(event: Event) -> dict[str, Any]:
    """Return the fields of an event that are set, by name and in order, in a new dictionary."""
    names: list[str] = [field.name for field in fields(event)] if is_dataclass(event) else []
    return {name: getattr(event, name) for name in names if hasattr(event, name)}


def _get_with_fields(event: Event, name: str) -> Any:
    """Get an attribute of an event of a class without `__slots__`: `__dict__` shows its fields, too.

    The fields are written into the dictionary itself, where `functools.cached_property` can keep values.
    """
    value = _get_attribute(event, name)
    if name == "__dict__":
        shown = _fields_of(event)
        shown = shown | value | shown  # the fields come first, and as they are now
        if list(shown.items()) != list(value.items()):
            value.clear()
            value.update(shown)
    return value


def _restored(kind: type[Event], attributes: dict[str, Any]) -> Event:
    """Make the event that `Event.__reduce__` has described."""
    event = object.__new__(kind)
    for name, value in attributes.items():
        _set_attribute(event, name, value)
    return event


def _freeze(kind: type[Event]) -> None:
    """Give a class that `dataclass(slots=True)` has made again frozen methods that know it.

    Those of `dataclasses` know the class as it was before, and let a subclass set no attribute of its own.
    """
    names = frozenset(kind.__dict__["__dataclass_fields__"])

    def set_attribute(self: Event, name: str, value: object) -> None:
        if type(self) is kind or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(kind, self).__setattr__(name, value)

    def delete_attribute(self: Event, name: str) -> None:
        if type(self) is kind or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(kind, self).__delattr__(name)

    type.__setattr__(kind, "__setattr__", set_attribute)
    type.__setattr__(kind, "__delattr__", delete_attribute)


class Event:
    """Base of all events.

    Slots make an event small, and let a compiled codec fill it. `vars(event)` and weak references work all
    the same, for a class of a user's own as well.
    """

    __slots__ = ("__weakref__",)

    __dict__ = property(_fields_of)  # pyright: ignore[reportAssignmentType]

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Let a class that was made without slots show its fields."""
        super().__init_subclass__(**keywords)
        attributes = vars(cls)
        if "__dict__" in attributes:
            if "__getattribute__" not in attributes:
                type.__setattr__(cls, "__getattribute__", _get_with_fields)
        elif "__dataclass_fields__" in attributes:  # `dataclass(slots=True)` has made the class again
            if attributes.get("__getattribute__") is _get_with_fields:
                type.__delattr__(cls, "__getattribute__")
            for name in [name for name, slot in attributes.items() if isinstance(slot, MemberDescriptorType)]:
                if isinstance(getattr(super(cls, cls), name, None), MemberDescriptorType):
                    type.__delattr__(cls, name)  # Python 3.10 makes the slots of the base a second time
            if attributes["__dataclass_params__"].frozen:
                _freeze(cls)

    def __reduce__(self) -> tuple[Any, ...]:
        """Describe the event for `pickle` and `copy`, past the frozen `__setattr__`."""
        slots = {
            name: getattr(self, name)
            for kind in type(self).__mro__
            for name, member in vars(kind).items()
            if isinstance(member, MemberDescriptorType) and hasattr(self, name)
        }
        return _restored, (type(self), {**slots, **_get_attribute(self, "__dict__")})


@twin
class MessageFields:
    """The fields of a message's events."""

    __slots__ = ("data", "frame_finished", "message_finished")

    data: Any
    frame_finished: Any
    message_finished: Any

    def __init__(self, data: Any, frame_finished: bool = True, message_finished: bool = True) -> None:
        set_data(self, data)
        set_frame_finished(self, frame_finished)
        set_message_finished(self, message_finished)


@twin
class ControlFields:
    """The field of Ping and Pong."""

    __slots__ = ("payload",)

    payload: Any

    def __init__(self, payload: Any = b"") -> None:
        set_payload(self, payload)

    def _as(self, kind: type[C]) -> C:
        """Return an event of `kind` with the same payload, at half the cost of calling the frozen class."""
        event = object.__new__(kind)
        set_payload(event, self.payload)
        return event


# Each sets a field past the frozen `__setattr__`, at half the cost of going by its name.
set_data: Any = vars(MessageFields)["data"].__set__
set_frame_finished: Any = vars(MessageFields)["frame_finished"].__set__
set_message_finished: Any = vars(MessageFields)["message_finished"].__set__
set_payload: Any = vars(ControlFields)["payload"].__set__
