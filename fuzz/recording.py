"""Records the calls of the library's public API that a target makes for one input, as Python source.

The methods of the public classes are replaced while the target runs. What one of them calls itself does not
count. `fuzz.as_test` makes a pytest case of the calls.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import wsproto
import wsproto.events
import wsproto.extensions
import wsproto.frame_protocol
import wsproto.utilities

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import FrameType

NAMES: Final = {
    wsproto.WSConnection: "connection",
    wsproto.Connection: "connection",
    wsproto.Connection.__mro__[1]: "connection",  # its front
    wsproto.extensions.PerMessageDeflate: "deflate",
    wsproto.MessageJoiner: "joiner",
    wsproto.frame_protocol.FrameProtocol: "protocol",
    wsproto.extensions.Extension: "extension",
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

EVENTS: Final = ("events", "received_frames")
"""The methods that are generators."""

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
    given: bytes = b""
    """The bytes that it received."""
    caught: str = ""
    """The error of the library that who calls it catches."""
    ends: bool = False
    """Whether that error ends the test."""


@dataclass
class Recorder:
    """The calls so far."""

    calls: list[Call] = field(default_factory=list)
    problem: str = ""
    """Why the calls are no whole story; empty where they are."""
    classes: dict[str, type] = field(default_factory=dict)
    """The tests' own classes of extensions."""
    _names: dict[int, str] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)
    _earlier: list[Call] = field(default_factory=list)
    _depth: int = 0

    def begin(self) -> None:
        """Take what was called so far as the tests' preparations: told where a value of them is used."""
        self._earlier, self.calls, self.problem = self.calls, [], ""

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record in this block."""
        before = [(kind, name, value) for kind in NAMES for name, value in self._recorded(kind)]
        before += [(kind, "__init__", vars(kind)["__init__"])
                   for kind in _subclasses(wsproto.extensions.Extension)
                   if kind not in NAMES and "__init__" in vars(kind)]  # fmt: skip
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
        return self._generator(name, value) if name in EVENTS else self._method(name, value)

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

    def _generator(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def events(own: object) -> Generator[Any, None, None]:
            if self._depth:
                yield from function(own)
                return
            taken: list[object] = []
            call = self._begun(own, name, (), {})
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
            self._check(own, new=method == "__init__" and id(own) not in self._names)
            source = [self.source(one) for one in arguments]
            written = {name: self.source(one) for name, one in named.items()}
            source += [f"{name}={one}" for name, one in written.items() if one != "Limits()"]  # the default
        except NotPublicError as error:
            self.problem = self.problem or str(error)
        call = Call(self._names.get(id(own), "unknown"), own, method, source)
        if arguments and isinstance(arguments[0], (bytes, bytearray, memoryview)):
            call.given = bytes(arguments[0])
        call.caught, call.ends = caught_by(sys._getframe(2))  # noqa: SLF001
        self.calls.append(call)
        return call

    def _check(self, own: object, *, new: bool) -> None:
        """Name a new object, and know an old one."""
        if not new:
            if id(own) not in self._names:
                raise NotPublicError(f"a {type(own).__name__} that the library made itself")
            return
        kind = type(own)
        if kind not in NAMES:
            self._inline(kind)
        name = next(NAMES[one] for one in kind.__mro__ if one in NAMES)
        number = sum(one.rstrip("0123456789") == name for one in self._names.values())
        self._names[id(own)] = f"{name}{number + 1}" if number else name
        self._kept.append(own)  # so that no other object gets its id

    def _inline(self, kind: type) -> None:
        """Take the source of a test's own class into the test."""
        try:
            inspect.getsource(kind)
        except (OSError, TypeError) as error:
            raise NotPublicError(f"a class of the test's own, {kind.__name__}") from error
        if kind.__qualname__ != kind.__name__:
            raise NotPublicError(f"a class inside of a test, {kind.__name__}")
        self.classes[kind.__name__] = kind

    def source(self, value: object) -> str:
        """Return an expression for a value; raises `NotPublicError` where there is none."""
        if id(value) in self._names:
            self._tell_earlier(value)
            return self._names[id(value)]
        if isinstance(value, wsproto.extensions.Extension) and type(value).__init__ is object.__init__:
            self._check(value, new=True)  # nothing was called that could have been recorded
            self.calls.append(Call(self._names[id(value)], value, "__init__", []))
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

    def _tell_earlier(self, value: object) -> None:
        """Bring the calls that made a value of the tests' preparations in."""
        made = [call for call in self._earlier if call.of is value]
        self._earlier = [call for call in self._earlier if call.of is not value]
        self.calls += made

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


def _subclasses(kind: type) -> list[type]:
    found: list[type] = []
    direct: type
    for direct in kind.__subclasses__():
        found += [direct, *_subclasses(direct)]
    return found


def caught_by(frame: FrameType | None) -> tuple[str, bool]:
    """Return the error of the library that a test catches where it makes a call, and whether that ends it."""
    while frame is not None:
        file = frame.f_code.co_filename
        if "/tests/" in file:
            for first, last, names, returns in _handlers(file):
                if first <= frame.f_lineno <= last:
                    return names, returns and frame.f_code.co_name.startswith("test_")
        frame = frame.f_back
    return "", False


@cache
def _handlers(file: str) -> list[tuple[int, int, str, bool]]:
    """List the blocks of a file that catch errors of the library, the innermost first: lines and names."""
    found = []
    for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
        if isinstance(node, ast.Try) and (last := node.body[-1].end_lineno):
            for handler in node.handlers:
                names = ast.unparse(handler.type) if handler.type else ""
                if "ProtocolError" in names:
                    returns = isinstance(handler.body[-1], ast.Return)
                    found.append((node.body[0].lineno, last, names, returns))
    return sorted(found, key=lambda one: one[1] - one[0])


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
