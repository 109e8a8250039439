"""Events as values in programs: JSON, pickle, copies, `vars`, patterns, and classes of a program's own."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import weakref
import zlib
from dataclasses import FrozenInstanceError, asdict, astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
import orjson
import ormsgpack
import pytest

from tests.oracle import handshake_bytes
from tests.oracle.receiving import receive, receive_cut
from wsproto import Connection, ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CLIENT, SERVER = ConnectionType.CLIENT, ConnectionType.SERVER
KIND = TypeVar("KIND")
HELLO = bytes.fromhex("f248cdc9c90700")  # "Hello" (RFC 7692 7.2.3.1)

Values = list[tuple[type[Event], dict[str, Any]]]


def text(data: str, frame_finished: bool = True, message_finished: bool = True) -> Any:
    return TextMessage, {
        "data": data,
        "frame_finished": frame_finished,
        "message_finished": message_finished,
    }


def binary(data: bytes, frame_finished: bool = True, message_finished: bool = True) -> Any:
    return BytesMessage, {
        "data": data,
        "frame_finished": frame_finished,
        "message_finished": message_finished,
    }


#: What a program makes, by name and by position, with the fields that it must have.
MADE: list[tuple[Event, dict[str, Any]]] = [
    (
        Request("h", "/", ["x"], [(b"a", b"b")], ["chat"]),
        {
            "host": "h",
            "target": "/",
            "extensions": ["x"],
            "extra_headers": [(b"a", b"b")],
            "subprotocols": ["chat"],
        },
    ),
    (
        Request(host="h", target="/"),
        {"host": "h", "target": "/", "extensions": [], "extra_headers": [], "subprotocols": []},
    ),
    (AcceptConnection("chat"), {"subprotocol": "chat", "extensions": [], "extra_headers": []}),
    (RejectConnection(403), {"status_code": 403, "headers": [], "has_body": False}),
    (RejectData(b"no"), {"data": b"no", "body_finished": True}),
    (CloseConnection(1001), {"code": 1001, "reason": None}),
    (CloseConnection(1001, "bye"), {"code": 1001, "reason": "bye"}),
    (CloseConnection(1001, "bye").response(), {"code": 1001, "reason": "bye"}),
    (Message("x", False), {"data": "x", "frame_finished": False, "message_finished": True}),
    (TextMessage("x"), text("x")[1]),
    (BytesMessage(data=b"x", message_finished=False), binary(b"x", True, False)[1]),
    (Ping(), {"payload": b""}),
    (Ping(b"x").response(), {"payload": b"x"}),
    (Pong(b"x"), {"payload": b"x"}),
]


def from_frames(*pieces: bytes, role: ConnectionType = CLIENT, deflate: bool = False) -> list[Event]:
    """Receive frames of an open connection, each piece by itself."""
    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate")
    connection = Connection(role, [extension] if deflate else [])
    return receive_cut(connection, pieces)


def deflated(data: bytes) -> bytes:
    """Compress a message (RFC 7692 7.2.1)."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def one_of(events: Callable[[], list[Event]], number: int) -> Event:
    """Pick one event."""
    return events()[number]


def made() -> list[Event]:
    """Give the events that a program makes."""
    return [event for event, _ in MADE]


def asked() -> list[Event]:
    """Receive a request."""
    data = handshake_bytes.request({b"Sec-WebSocket-Protocol": [b"chat"], b"Origin": [b"o"]})
    return receive(WSConnection(SERVER), data)


def answered(*pieces: bytes) -> list[Event]:
    """Receive an answer to a request that offered a subprotocol."""
    client, _ = handshake_bytes.asking_client(Request("h", "/", subprotocols=["chat"]))
    return receive_cut(client, pieces)


def accepted() -> list[Event]:
    """Receive a 101."""
    client, key = handshake_bytes.asking_client(Request("h", "/", subprotocols=["chat"]))
    return receive(client, handshake_bytes.response(key, {b"Sec-WebSocket-Protocol": [b"chat"]}))


#: How each class of event is received, on each way through the library, and what it must be.
RECEIVED: dict[str, tuple[Callable[[], list[Event]], Values]] = {
    "short text": (lambda: from_frames(b"\x81\x02hi"), [text("hi")]),
    "short binary": (lambda: from_frames(b"\x82\x02hi"), [binary(b"hi")]),
    "empty text": (lambda: from_frames(b"\x81\x00"), [text("")]),
    "masked text": (lambda: from_frames(b"\x81\x82\x01\x02\x03\x04ik", role=SERVER), [text("hi")]),
    "several in one read": (
        lambda: from_frames(b"\x81\x02hi\x82\x01x\x89\x01p\x8a\x01q"),
        [text("hi"), binary(b"x"), (Ping, {"payload": b"p"}), (Pong, {"payload": b"q"})],
    ),
    "text of 300 bytes": (lambda: from_frames(b"\x81\x7e\x01\x2c" + b"x" * 300), [text("x" * 300)]),
    "binary of 70,000 bytes": (
        lambda: from_frames(b"\x82\x7f" + (70_000).to_bytes(8, "big") + bytes(70_000)),
        [binary(bytes(70_000))],
    ),
    "text in two reads": (lambda: from_frames(b"\x81\x02h", b"i"), [text("h", False, False), text("i")]),
    "text cut in a code point": (
        lambda: from_frames(b"\x81\x03a\xc3", b"\xa4"),
        [text("a", False, False), text("\u00e4")],
    ),
    "binary, byte by byte": (
        lambda: from_frames(b"\x82", b"\x02", b"h", b"i"),
        [binary(b"h", False, False), binary(b"i")],
    ),
    "text in two frames": (
        lambda: from_frames(b"\x01\x01h\x80\x01i"),
        [text("h", True, False), text("i")],
    ),
    "a ping between fragments": (
        lambda: from_frames(b"\x02\x01h\x89\x00\x80\x01i"),
        [binary(b"h", True, False), (Ping, {"payload": b""}), binary(b"i")],
    ),
    "compressed text": (lambda: from_frames(b"\xc1\x07" + HELLO, deflate=True), [text("Hello")]),
    "compressed binary in two frames": (
        lambda: from_frames(b"\x42\x03" + HELLO[:3], b"\x80\x04" + HELLO[3:], deflate=True),
        [binary(b"He", True, False), binary(b"llo")],
    ),
    "compressed text of 66,000 characters": (
        lambda: from_frames(b"\xc1\x51" + deflated(b"x" * 66_000), deflate=True),
        [text("x" * 66_000)],
    ),
    "uncompressed text beside deflate": (lambda: from_frames(b"\x81\x02hi", deflate=True), [text("hi")]),
    "masked ping": (
        lambda: from_frames(b"\x89\x81\x01\x02\x03\x04q", role=SERVER),
        [(Ping, {"payload": b"p"})],
    ),
    "ping in pieces": (lambda: from_frames(b"\x89\x02p", b"q"), [(Ping, {"payload": b"pq"})]),
    "pong in pieces": (lambda: from_frames(b"\x8a", b"\x02pq"), [(Pong, {"payload": b"pq"})]),
    "close": (
        lambda: from_frames(b"\x88\x05\x03\xe8bye"),
        [(CloseConnection, {"code": CloseReason.NORMAL_CLOSURE, "reason": "bye"})],
    ),
    "close of a program's own code": (
        lambda: from_frames(b"\x88\x02\x0f\xa0"),
        [(CloseConnection, {"code": 4000, "reason": ""})],
    ),
    "close without a code": (
        lambda: from_frames(b"\x88", b"\x00"),
        [(CloseConnection, {"code": CloseReason.NO_STATUS_RCVD, "reason": ""})],
    ),
    "request": (
        asked,
        [
            (
                Request,
                {
                    "host": "server.example.com",
                    "target": "/chat",
                    "extensions": [],
                    "extra_headers": [
                        (b"upgrade", b"websocket"),
                        (b"connection", b"Upgrade"),
                        (b"sec-websocket-key", handshake_bytes.KEY),
                        (b"sec-websocket-version", b"13"),
                        (b"origin", b"o"),
                    ],
                    "subprotocols": ["chat"],
                },
            )
        ],
    ),
    "acceptance": (
        accepted,
        [(AcceptConnection, {"subprotocol": "chat", "extensions": [], "extra_headers": []})],
    ),
    "rejection": (
        lambda: answered(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n", b"no"),
        [
            (
                RejectConnection,
                {"status_code": 403, "headers": [(b"content-length", b"2")], "has_body": True},
            ),
            (RejectData, {"data": b"no", "body_finished": False}),
            (RejectData, {"data": b"", "body_finished": True}),
        ],
    ),
}

#: Every event above, made and received, beside the fields that it must have.
EVERY: Mapping[str, tuple[Callable[[], Event], dict[str, Any]]] = {
    f"{type(event).__name__}, made ({number})": (functools.partial(one_of, made, number), values)
    for number, (event, values) in enumerate(MADE)
} | {
    f"{kind.__name__} of {name} ({number})": (functools.partial(one_of, receive, number), values)
    for name, (receive, expected) in RECEIVED.items()
    for number, (kind, values) in enumerate(expected)
}
every_event = pytest.mark.parametrize(("make", "values"), EVERY.values(), ids=EVERY)


def copies_of(event: Any) -> list[Any]:
    """Copy an event in every way there is."""
    pickled = [pickle.dumps(event, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    return [*map(pickle.loads, pickled), copy.copy(event), copy.deepcopy(event)]


def listed(value: Any, data: Callable[[bytes], Any]) -> Any:
    """Give a value as a JSON library gives it back: lists for tuples, and what `data` makes of bytes."""
    if isinstance(value, dict):
        return {key: listed(inner, data) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [listed(inner, data) for inner in value]
    return data(value) if isinstance(value, bytes) else value


def as_latin(value: object) -> str:
    assert isinstance(value, bytes)
    return value.decode("latin-1")


@pytest.mark.parametrize(("receive", "expected"), RECEIVED.values(), ids=RECEIVED)
def test_each_way_of_receiving_gives_whole_events_of_exactly_their_class(
    receive: Callable[[], list[Event]], expected: Values
) -> None:
    assert [(type(event), vars(event)) for event in receive()] == expected


@every_event
def test_orjson_writes_all_fields(make: Callable[[], Event], values: dict[str, Any]) -> None:
    written = orjson.dumps(make(), default=as_latin)
    assert orjson.loads(written) == listed(values, as_latin)
    assert list(orjson.loads(written)) == list(values)  # in order


@every_event
def test_ormsgpack_writes_all_fields(make: Callable[[], Event], values: dict[str, Any]) -> None:
    assert ormsgpack.unpackb(ormsgpack.packb(make())) == listed(values, bytes)


@every_event
def test_msgspec_writes_all_fields(make: Callable[[], Event], values: dict[str, Any]) -> None:
    event = make()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event)) == listed(values, bytes)
    assert msgspec.json.decode(msgspec.json.encode(event)) == msgspec.json.decode(msgspec.json.encode(values))
    assert msgspec.to_builtins(event) == msgspec.to_builtins(values)


@every_event
def test_all_fields_show(make: Callable[[], Event], values: dict[str, Any]) -> None:
    event = make()
    shown = event.__dict__
    assert (shown, list(shown)) == (values, list(values))
    assert vars(event) == values
    assert asdict(event) == values  # type: ignore[call-overload]
    assert astuple(event) == tuple(values.values())  # type: ignore[call-overload]
    assert repr(event) == f"{type(event).__name__}({', '.join(f'{k}={v!r}' for k, v in values.items())})"
    assert [field.name for field in fields(event)] == list(type(event).__match_args__) == list(values)  # type: ignore[arg-type, attr-defined]


@every_event
def test_copies_are_equal_and_of_the_same_class(make: Callable[[], Event], values: dict[str, Any]) -> None:
    event = make()
    copies = [
        *copies_of(event),
        replace(event),  # type: ignore[type-var]
        type(event)(**values),
        type(event)(*values.values()),
    ]
    assert copies == [event] * len(copies)
    assert {type(made) for made in copies} == {type(event)}
    if not any(isinstance(value, list) for value in values.values()):
        assert {hash(made) for made in copies} == {hash(event)}


@every_event
def test_an_event_is_referred_to_weakly_and_cleared(
    make: Callable[[], Event], values: dict[str, Any]
) -> None:
    made = copy.copy(make())
    assert vars(made) == values
    weak = weakref.ref(made)
    assert weak() is made
    del made
    gc.collect()
    assert weak() is None


def test_a_deep_copy_shares_no_list() -> None:
    event = Request("h", "/", extra_headers=[(b"a", b"b")])
    assert copy.copy(event).extra_headers is event.extra_headers
    assert copy.deepcopy(event).extra_headers is not event.extra_headers


@pytest.mark.parametrize("change", [replace, getattr(copy, "replace", replace)])  # new in Python 3.13
def test_a_field_is_replaced(change: Callable[..., Event]) -> None:
    changed = change(TextMessage("x", False), data="y")
    assert (type(changed), changed) == (TextMessage, TextMessage("y", False))


def test_events_match_by_name_and_by_position() -> None:
    def names(event: Event) -> list[object]:
        match event:
            case TextMessage(data, frame, message):
                return ["text", data, frame, message]
            case BytesMessage(data=data, message_finished=False):
                return ["part", data]
            case CloseConnection(code, None):
                return ["close", code]
            case Request(host, target, subprotocols=[first, *_]):
                return ["request", host, target, first]
            case Ping(payload) | Pong(payload):
                return ["ping or pong", payload]
        return ["other"]

    assert names(TextMessage("x", False)) == ["text", "x", False, True]
    assert names(BytesMessage(b"x", True, False)) == ["part", b"x"]
    assert names(BytesMessage(b"x")) == ["other"]
    assert names(CloseConnection(1000)) == ["close", 1000]
    assert names(Request("h", "/", subprotocols=["chat", "b"])) == ["request", "h", "/", "chat"]
    assert names(Pong(b"x")) == ["ping or pong", b"x"]


# Classes of a program's own, as programs write them.


class Stamped(TextMessage):
    """Without slots, with an attribute that is no field."""

    def __init__(self, data: str, stamp: int) -> None:
        super().__init__(data)
        self.stamp = stamp

    @functools.cached_property
    def words(self) -> list[str]:
        return self.data.split()


class StampedPing(Ping):
    """The same of a class that `dataclass(slots=True)` has made."""

    def __init__(self, payload: bytes, stamp: int) -> None:
        super().__init__(payload)
        self.stamp = stamp


class Slotted(BytesMessage):
    """With a slot, one of them private."""

    __slots__ = ("__secret", "stamp")

    def __init__(self, data: bytes, stamp: int) -> None:
        super().__init__(data)
        self.stamp = stamp
        self.__secret = -stamp

    def secret(self) -> int:
        return self.__secret


@dataclass(frozen=True)
class Numbered(TextMessage):
    """With a further field."""

    number: int = 7

    def __init__(self, data: str, number: int = 7) -> None:
        super().__init__(data)
        object.__setattr__(self, "number", number)


@dataclass(frozen=True)
class Rich(CloseConnection):
    """With a further field, and all made by `dataclass`."""

    origin: str = "here"


@dataclass(frozen=True, slots=True)
class RichSlotted(CloseConnection):
    """The same with slots."""

    origin: str = "here"


@dataclass(frozen=True)
class Carrying(Message[KIND], Generic[KIND]):  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeArguments]
    """A generic one: its data may be anything."""

    data: KIND  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]


class Watched(TextMessage):
    """With a `__getattribute__` of its own."""

    def __getattribute__(self, name: str) -> Any:
        return "watched" if name == "data" else super().__getattribute__(name)


class Plain(Event):
    """An event of a program's own, without fields."""


@dataclass
class Open(Event):
    """One that is not frozen."""

    number: int = 1


@dataclass(slots=True)
class OpenSlotted(Event):
    """The same with slots."""

    number: int = 1


@dataclass(frozen=True, slots=True)
class RichStamped(Stamped):
    """With a slot below a class without."""

    origin: str = "here"

    def __init__(self, data: str, stamp: int, origin: str) -> None:
        TextMessage.__init__(self, data)
        object.__setattr__(self, "stamp", stamp)
        object.__setattr__(self, "origin", origin)


MESSAGE = {"frame_finished": True, "message_finished": True}
CLOSE = {"code": 1000, "reason": None, "origin": "there"}

OWN: list[tuple[Event, dict[str, Any]]] = [
    (Stamped("a b", 5), {"data": "a b", **MESSAGE, "stamp": 5}),
    (StampedPing(b"x", 5), {"payload": b"x", "stamp": 5}),
    (Slotted(b"x", 5), {"data": b"x", **MESSAGE}),
    (Numbered("x", 5), {"data": "x", **MESSAGE, "number": 5}),
    (Rich(1000, origin="there"), CLOSE),
    (RichSlotted(1000, None, "there"), CLOSE),
    (Carrying[int](5), {"data": 5, **MESSAGE}),
    (Plain(), {}),
    (Open(5), {"number": 5}),
    (OpenSlotted(5), {"number": 5}),
    (RichStamped("a b", 5, "there"), {"data": "a b", **MESSAGE, "origin": "there", "stamp": 5}),
]
each_own = pytest.mark.parametrize(("event", "values"), OWN, ids=[type(event).__name__ for event, _ in OWN])


@each_own
def test_vars_of_a_subclass_shows_its_fields_and_its_own_attributes(
    event: Event, values: dict[str, Any]
) -> None:
    assert (vars(event), list(vars(event))) == (values, list(values))
    assert event.__dict__ == values


@each_own
def test_a_subclass_is_pickled_and_copied_whole(event: Event, values: dict[str, Any]) -> None:
    for made in copies_of(event):
        assert type(made) is type(event)
        assert vars(made) == values
        assert repr(made) == repr(event) or type(event) is Plain
        assert weakref.ref(made)() is made


@pytest.mark.parametrize(
    ("event", "values"),
    [(event, values) for event, values in OWN if "__dataclass_fields__" in vars(type(event))],
    ids=lambda value: type(value).__name__,
)
def test_json_libraries_write_dataclasses_of_a_programs_own(event: Event, values: dict[str, Any]) -> None:
    values = {field.name: values[field.name] for field in fields(event)}  # type: ignore[arg-type]
    assert orjson.loads(orjson.dumps(event)) == values
    assert ormsgpack.unpackb(ormsgpack.packb(event)) == values
    assert msgspec.json.decode(msgspec.json.encode(event)) == values


def test_slots_of_a_subclass_are_copied() -> None:
    event = Slotted(b"x", 5)
    for made in copies_of(event):
        assert (made, made.stamp, made.secret()) == (event, 5, -5)


def test_a_subclass_sets_and_deletes_what_is_no_field() -> None:
    events: list[Any] = [Stamped("x", 1), StampedPing(b"x", 1)]
    for event in events:
        event.stamp = 2
        assert event.stamp == 2
        del event.stamp
        assert not hasattr(event, "stamp")


@pytest.mark.parametrize("name", ["data", "frame_finished", "message_finished"])
def test_a_subclass_is_frozen_where_it_has_fields(name: str) -> None:
    event = Stamped("x", 1)
    with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(event, name, "y")
    with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(event, name)
    assert vars(event) == {"data": "x", **MESSAGE, "stamp": 1}


@pytest.mark.parametrize("event", [Ping(), TextMessage(""), Message(""), RichSlotted(1000)])
def test_an_event_takes_no_further_attribute(event: Event) -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'stamp'"):
        event.stamp = 1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'stamp'"):
        del event.stamp  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_subclass_keeps_what_it_has_cached() -> None:
    event = Stamped("a b", 5)
    assert event.words == ["a", "b"]
    assert event.words is event.words
    event.__dict__["note"] = "kept"
    assert (event.note, event.data) == ("kept", "a b")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_subclass_reads_its_dictionary_before_its_fields_are_set() -> None:
    class Early(TextMessage):
        def __init__(self, data: str) -> None:
            self.__dict__["early"] = True
            super().__init__(data)

    values = {"data": "x", **MESSAGE, "early": True}
    assert list(vars(Early("x")).items()) == list(values.items())


def test_what_a_field_is_set_to_past_the_frozen_class_shows() -> None:
    event = Stamped("x", 5)
    assert vars(event)["data"] == "x"
    object.__setattr__(event, "data", "y")
    assert vars(event)["data"] == "y"


def test_a_subclass_keeps_its_own_getattribute() -> None:
    event = Watched("x")
    assert event.data == "watched"
    assert copy.copy(event).message_finished is True


def test_a_subclass_takes_keywords_that_another_base_wants() -> None:
    class Tagging:
        tag = ""

        def __init_subclass__(cls, tag: str = "") -> None:
            cls.tag = tag

    class Tagged(TextMessage, Tagging, tag="t"):
        pass

    assert (Tagged("x").tag, vars(Tagged("x"))) == ("t", {"data": "x", **MESSAGE})


def test_another_base_takes_part_in_setting_attributes() -> None:
    class Noting:
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, (value, "noted"))

    class Noted(Ping, Noting):
        pass

    event: Any = Noted(b"x")
    event.stamp = 1
    assert (event.stamp, event.payload) == ((1, "noted"), b"x")


def test_a_subclass_differs_from_its_base_and_equals_its_like() -> None:
    assert Stamped("x", 5) != TextMessage("x")
    assert Stamped("x", 5) == Stamped("x", 6)  # the stamp is no field
    assert Numbered("x", 5) != Numbered("x", 6)
    assert hash(Numbered("x", 5)) == hash(Numbered("x", 5))


def test_a_message_of_one_kind_is_made_by_its_annotation() -> None:
    event = Message[str]("x", False)
    assert (type(event), event) == (Message, Message("x", False))


def test_slots_that_are_made_a_second_time_hide_nothing() -> None:
    # As `dataclass(slots=True)` of Python 3.10 makes a class again: with the slots that its base has already.
    names = ("__dataclass_fields__", "__dataclass_params__")
    body = {"__slots__": ("data",), **{name: vars(TextMessage)[name] for name in names}}
    doubled: Any = type("Doubled", (TextMessage,), body)
    assert vars(doubled("x")) == {"data": "x", **MESSAGE}


def test_an_acceptance_with_its_extension_is_written_and_copied() -> None:
    client, key = handshake_bytes.asking_client(Request("h", "/", extensions=[PerMessageDeflate()]))
    answer = handshake_bytes.response(key, {b"Sec-WebSocket-Extensions": [b"permessage-deflate"]})
    (event,) = receive(client, answer + b"\xc1\x07" + HELLO)[:1]
    written = {"subprotocol": None, "extensions": ["permessage-deflate"], "extra_headers": []}
    assert orjson.loads(orjson.dumps(event, default=name_of)) == written
    assert ormsgpack.unpackb(ormsgpack.packb(event, default=name_of)) == written
    assert msgspec.json.decode(msgspec.json.encode(event, enc_hook=name_of)) == written
    for made in copies_of(event):
        assert [extension.enabled() for extension in made.extensions] == [True]


def name_of(extension: PerMessageDeflate) -> str:
    return extension.name


@pytest.mark.parametrize("kind", [Message, TextMessage, BytesMessage, Ping, Pong, CloseConnection, Request])
def test_an_event_s_attributes_are_read_as_any_object_s(kind: type[Event]) -> None:
    """A function in Python would take ten times as long."""
    assert kind.__getattribute__ is object.__getattribute__


def test_the_answer_to_a_ping_has_its_payload() -> None:
    assert Ping(b"x").response() == Pong(b"x")
