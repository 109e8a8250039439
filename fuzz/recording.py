"""Records the calls of the library's public API that a target makes for one input, as Python source.

The methods of the public classes are replaced while the target runs. What one of them calls itself does not
count. `fuzz.as_test` makes a pytest case of the calls.
"""

from __future__ import annotations

import dataclasses
import enum
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import wsproto
import wsproto.events
import wsproto.extensions
import wsproto.frame_protocol
import wsproto.utilities

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

NAMES: Final = {
    wsproto.WSConnection: "connection",
    wsproto.Connection: "connection",
    wsproto.extensions.PerMessageDeflate: "deflate",
    wsproto.MessageJoiner: "joiner",
}
"""The classes whose calls are recorded, and what their objects are called."""

MODULES: Final = (
    wsproto,
    wsproto.events,
    wsproto.extensions,
    wsproto.frame_protocol,
    wsproto.utilities,
)
"""The public modules, in which the names of a test are looked up."""

PROPERTIES: Final = ("state", "protocol_error")
NOT_RECORDED: Final = ("_", "frame_", "for_connection", "reset")
"""The beginnings of methods that the library calls; it also looks whether these hooks are its own."""

EVENTS: Final = "events"
"""The method that is a generator."""

BYTES_OF_A_ROW: Final = 16
REPEATED: Final = 64
"""Bytes from which a row of equal ones is written as a product."""


class NotPublicError(Exception):
    """A value has no source that uses the public API alone."""


@dataclass
class Call:
    """One call."""

    name: str
    """The name of the object."""
    of: object
    method: str
    """A method, or `__init__`, or one of `PROPERTIES`."""
    arguments: list[str]
    result: object = None
    """What it returned; of `events` the list of those that were taken."""
    raised: BaseException | None = None
    exhausted: bool = True
    """Whether all events were taken."""


@dataclass
class Recorder:
    """The calls so far."""

    calls: list[Call] = field(default_factory=list)
    problem: str = ""
    """Why the calls are no whole story; empty where they are."""
    _names: dict[int, str] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)
    _depth: int = 0

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record in this block."""
        before = [(kind, name, value) for kind in NAMES for name, value in self._recorded(kind)]
        for kind, name, value in before:
            setattr(kind, name, self._wrapped(name, value))
        try:
            yield
        finally:
            for kind, name, value in before:
                setattr(kind, name, value)

    @staticmethod
    def _recorded(kind: type) -> list[tuple[str, Any]]:
        return [
            (name, value)
            for name, value in vars(kind).items()
            if (isinstance(value, FunctionType) and not name.startswith(NOT_RECORDED))
            or name == "__init__"
            or (isinstance(value, property) and name in PROPERTIES)
        ]

    def _wrapped(self, name: str, value: Any) -> Any:
        if isinstance(value, property):
            assert value.fget is not None  # noqa: S101  # a property that is read
            return property(self._method(name, value.fget))
        return self._generator(value) if name == EVENTS else self._method(name, value)

    def _method(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def method(own: object, /, *arguments: Any, **named: Any) -> Any:
            if self._depth:
                return function(own, *arguments, **named)
            call = self._begun(own, name, arguments, named)
            self._depth += 1
            try:
                call.result = function(own, *arguments, **named)
            except BaseException as error:
                call.raised = error
                raise
            finally:
                self._depth -= 1
            return call.result

        return method

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def events(own: object) -> Generator[Any, None, None]:
            if self._depth:
                yield from function(own)
                return
            taken: list[object] = []
            call = self._begun(own, EVENTS, (), {})
            call.result, call.exhausted = taken, False
            inner = function(own)
            while True:
                self._depth += 1
                try:
                    event = next(inner)
                except StopIteration:
                    call.exhausted = True
                    return
                except BaseException as error:
                    call.raised = error
                    raise
                finally:
                    self._depth -= 1
                taken.append(event)
                yield event

        return events

    def _begun(self, own: object, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Call:
        source: list[str] = []
        try:
            self._check(own, new=method == "__init__")
            source = [self.source(one) for one in arguments]
            written = {name: self.source(one) for name, one in named.items()}
            source += [f"{name}={one}" for name, one in written.items() if one != "Limits()"]  # the default
        except NotPublicError as error:
            self.problem = self.problem or str(error)
        call = Call(self._names.get(id(own), "unknown"), own, method, source)
        self.calls.append(call)
        return call

    def _check(self, own: object, *, new: bool) -> None:
        """Name a new object, and know an old one."""
        if not new:
            if id(own) not in self._names:
                raise NotPublicError(f"a {type(own).__name__} that the library made itself")
            return
        name = NAMES.get(type(own))
        if name is None:
            raise NotPublicError(f"a class of the test's own, {type(own).__name__}")
        number = sum(NAMES.get(type(one)) == name for one in self._kept)
        self._names[id(own)] = f"{name}{number + 1}" if number else name
        self._kept.append(own)  # so that no other object gets its id

    def source(self, value: object) -> str:
        """Return an expression for a value; raises `NotPublicError` where there is none."""
        if id(value) in self._names:
            return self._names[id(value)]
        if isinstance(value, type):
            return _public(value)
        if isinstance(value, enum.Enum):
            return f"{_public(type(value))}.{value.name}"
        if isinstance(value, (bytes, bytearray, memoryview)):
            text = _bytes(bytes(value))
            return text if type(value) is bytes else f"{type(value).__name__}({text})"
        if value is None or type(value) in {bool, int, float, str}:
            return repr(value)
        if type(value) in {list, tuple, dict}:
            return self._container(value)
        if dataclasses.is_dataclass(value):
            return self._dataclass(value)
        raise NotPublicError(f"a value of the test's own, {type(value).__name__}")

    def _container(self, value: Any) -> str:
        if isinstance(value, dict):
            items = (f"{self.source(name)}: {self.source(one)}" for name, one in value.items())
            return "{" + ", ".join(items) + "}"
        elements = ", ".join(map(self.source, value))
        if isinstance(value, tuple):
            return f"({elements}{',' * (len(value) == 1)})"
        return f"[{elements}]"

    def _dataclass(self, value: Any) -> str:
        """Name the fields that differ from their defaults."""
        kind = type(value)
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}
        for name in list(fields):
            fewer = {other: one for other, one in fields.items() if other != name}
            try:
                if kind(**fewer) == value:
                    fields = fewer
            except Exception:  # noqa: BLE001, S112 - a field without a default, or one that others need
                continue
        named = ", ".join(f"{name}={self.source(one)}" for name, one in fields.items())
        return f"{_public(kind)}({named})"


def module_of(name: str) -> str:
    """Return the public module that has a class of this name; empty where there is none."""
    found = (module for module in MODULES if isinstance(getattr(module, name, None), type))
    return next((module.__name__ for module in found), "")


def public_error(error: BaseException) -> str:
    """Return the name of the public class of an error, or of Python's own."""
    kinds = (
        kind for kind in type(error).__mro__ if kind.__module__ == "builtins" or module_of(kind.__name__)
    )
    return next(kind.__name__ for kind in kinds)


def _public(kind: type) -> str:
    name = kind.__name__
    if any(getattr(module, name, None) is kind for module in MODULES):
        return name
    raise NotPublicError(f"a class that is not public, {name}")


def _bytes(data: bytes) -> str:
    """Write bytes as a literal, a long one in rows, and a run of equal ones as a product."""
    if len(data) >= REPEATED:
        for start in range(len(data)):
            end = start + len(data[start:]) - len(data[start:].lstrip(data[start : start + 1]))
            if end - start >= REPEATED:
                run = f"{data[start : start + 1]!r} * {end - start}"
                parts = [
                    *([_bytes(data[:start])] * bool(start)),
                    run,
                    *([_bytes(data[end:])] * (end < len(data))),
                ]
                return f"({' + '.join(parts)})"
            if start > len(data) - REPEATED:
                break
    lines = data.splitlines(keepends=True)
    if len(data) <= BYTES_OF_A_ROW or len(lines) > 2:
        rows = lines if len(lines) > 2 else [data]
    else:
        rows = [data[start : start + BYTES_OF_A_ROW] for start in range(0, len(data), BYTES_OF_A_ROW)]
    return f"({' '.join(map(repr, rows))})" if len(rows) > 1 else repr(data)
