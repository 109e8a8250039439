"""The base of all events: a value with slots that shows, copies and pickles as if it had a `__dict__`."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

_get_attribute, _set_attribute = object.__getattribute__, object.__setattr__


def _fields_of(event: Event) -> dict[str, Any]:
    """Return the fields of an event by name, in a new dictionary."""
    return {field.name: getattr(event, field.name) for field in fields(event)} if is_dataclass(event) else {}


def _get_with_fields(event: Event, name: str) -> Any:
    """Get an attribute of an event whose class brings a dictionary: `__dict__` shows its fields, too."""
    value = _get_attribute(event, name)
    return {**_fields_of(event), **value} if name == "__dict__" else value


def _restored(kind: type[Event], attributes: dict[str, Any]) -> Event:
    """Make the event that `Event.__reduce__` has described."""
    event = object.__new__(kind)
    for name, value in attributes.items():
        _set_attribute(event, name, value)
    return event


class Event:
    """Base of all events.

    Slots make an event small, and let a compiled codec fill it. `vars(event)` and weak references work all
    the same, for a class of a user's own as well.
    """

    __slots__ = ("__weakref__",)

    __dict__ = property(_fields_of)

    def __init_subclass__(cls) -> None:
        """Let a class that was made without slots show its fields."""
        super().__init_subclass__()
        if "__dict__" in vars(cls):
            cls.__getattribute__ = _get_with_fields  # type: ignore[method-assign, assignment]
        elif vars(cls).get("__getattribute__") is _get_with_fields:
            del cls.__getattribute__  # `dataclass(slots=True)` has made the class again, with slots

    def __reduce__(self) -> tuple[Any, ...]:
        """Describe the event for `pickle` and `copy`, past the frozen `__setattr__`."""
        return _restored, (type(self), vars(self))
