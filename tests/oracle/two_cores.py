"""Plays the same calls on the compiled core and on the one in Python, and compares whatever can be seen.

Each core is a copy of the library under a name of its own (`tooling.cores`). What a call gives, or how it
fails, becomes text, since the two copies have classes of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tooling.cores import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PURE: Final = "wsproto_pure"
COMPILED: Final = "wsproto_compiled"

EXTENSIONS: Final = ("none", "deflate", "deflate, anew each time", "deflate, small window", "inert", "sends")


class OwnBytes(bytes):
    """Bytes of a class of the program's own."""


@dataclass(frozen=True)
class Setting:
    """What a connection is made of, in words that hold for each copy."""

    client: bool
    extension: str = "none"
    limits: dict[str, Any] = field(default_factory=dict)
    codec_alone: bool = False
    """Whether to play on a decoder and an encoder, without a connection around them."""
    sends_for_keys: bool = False
    """Whether the connection sends a Ping while it draws masking keys."""


class Player:
    """One end of a connection in one of the copies, and all that was seen of it."""

    def __init__(self, copy: Any, setting: Setting) -> None:
        self.events: Any = copy.events
        self.seen: list[str] = []
        self._setting = setting
        self._drawn = 0
        self._sending = False
        self._kept: list[Iterator[Any]] = []
        self._last: Any = None
        copy.masking.random_bytes = self._keys
        role = copy.ConnectionType.CLIENT if setting.client else copy.ConnectionType.SERVER
        extensions = self._extensions(copy)
        limits = copy.limits.Limits(**setting.limits)
        self.connection: Any = None
        if setting.codec_alone:
            protocol = copy.frame_protocol
            self.decoder = protocol.FrameDecoder(setting.client, extensions, limits=limits)
            self.encoder = protocol.FrameEncoder(setting.client, extensions)
        else:
            self.connection = copy.Connection(role, extensions, limits=limits)

    def _extensions(self, copy: Any) -> list[Any]:
        kind = self._setting.extension
        if kind == "none":
            return []
        if kind in {"inert", "sends"}:
            attributes = {"name": "x-inert", "enabled": lambda _: True}
            if kind == "sends":
                attributes["frame_inbound_header"] = self._hook
            return [type("Inert", (copy.extensions.Extension,), attributes)()]
        peer = "server" if self._setting.client else "client"
        parameters = {
            "deflate": "",
            "deflate, anew each time": f"; {peer}_no_context_takeover",
            "deflate, small window": f"; {peer}_max_window_bits=9",
        }
        extension = copy.extensions.PerMessageDeflate()
        element = f"permessage-deflate{parameters[kind]}"
        if self._setting.client:
            extension.finalize(element)
        else:
            extension.accept(element)
        return [extension]

    def _keys(self, size: int) -> bytes:
        """Draw keys that are the same in both copies, and all different."""
        self._drawn += 1
        if self._setting.sends_for_keys and self.connection is not None and not self._sending:
            self._sending = True
            self.send(self.events.Ping(b"while keys are drawn"))
            self._sending = False
        return b"".join((self._drawn << 16 | place).to_bytes(4, "little") for place in range((size + 3) // 4))

    def _hook(self, *_: object) -> tuple[bool, bool, bool]:
        """Call back into the connection, in the middle of a frame."""
        if self.connection is not None and not self._sending:
            self._sending = True
            self.send(self.events.Pong(b"in a hook"))
            self.receive(b"")
            self._sending = False
        return (False, False, False)

    def see(self, call: Callable[[], object]) -> Any:
        """Note what `call` gives, or how it fails; return what it gave."""
        value = None
        try:
            value = call()
            self.seen.append(f"{type(value).__name__} {value!r}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
            hint = getattr(error, "event_hint", None)
            self.seen.append(f"{type(error).__name__}: {error} ({hint!r})")
        return value

    def stand(self) -> str:
        """What the connection shows of itself, and how many bytes it holds that are not read."""
        decoder = self.decoder if self.connection is None else self.connection._decoder  # noqa: SLF001 - no other way
        buffer, position, pending = decoder._buffer, decoder._position, decoder._pending  # noqa: SLF001
        unread = len(buffer) - position + len(pending or b"")
        held = f"drained {decoder.drained}, {unread} bytes unread"
        if self.connection is None:
            return f"{held}, message begun {self.encoder.message_begun}"
        one = self.connection
        error = one.protocol_error
        return (
            f"{held}, {one.state.name}, {one.ending.name}, {type(error).__name__} {error}, {self._may_send()}"
        )

    def _may_send(self) -> list[bool]:
        kinds = (self.events.TextMessage, self.events.Ping, self.events.CloseConnection, self.events.Request)
        return [self.connection.can_send(kind) for kind in kinds]

    def receive(self, data: Any) -> None:
        if self.connection is not None:
            self.see(lambda: self.connection.receive_data(data))
        elif data is None:
            self.see(self.decoder.receive_eof)
        else:
            self.see(lambda: self.decoder.receive_bytes(data))

    def iterate(self) -> Iterator[Any]:
        return (self.decoder if self.connection is None else self.connection).events()  # type: ignore[no-any-return]

    def take(self, most: int | None, iterator: Iterator[Any] | None = None) -> list[Any]:
        """Take up to `most` events, and note each with the state that it leads to."""
        taken: list[Any] = []

        def all_of_them() -> None:
            for event in islice(self.iterate() if iterator is None else iterator, most):
                taken.append(event)
                self.seen.append(f"{event!r} {list(vars(event))} {self.stand()}")
                assert event == type(event)(**vars(event))

        self.see(all_of_them)
        self._last = taken[-1] if taken else self._last
        return taken

    def keep(self) -> None:
        """Begin to take events, and go on later."""
        self._kept.append(self.iterate())
        self.take(1, self._kept[-1])

    def go_on(self) -> None:
        if self._kept:
            self.take(2, self._kept[0])
            self._kept.reverse()

    def abandon(self) -> None:
        if self._kept:
            iterator: Any = self._kept.pop()
            iterator.close()
            self.take(1, iterator)

    def send(self, event: Any) -> None:
        self.see(lambda: (self.encoder if self.connection is None else self.connection).send(event))

    def send_parts(self, event: Any) -> None:
        """Send in two parts, and note both."""
        self.see(lambda: (self.encoder if self.connection is None else self.connection).send_parts(event))

    def answer(self) -> None:
        if hasattr(self._last, "response"):
            self.send(self._last.response())

    def echo(self) -> None:
        if self._last is not None:
            self.send(self._last)

    def inject(self) -> None:
        if self.connection is not None:
            self.connection.inject(self.events.Ping(b"injected"))


def _sends(name: str, *arguments: Any, **named: Any) -> Callable[[Player], None]:
    return lambda player: player.send(getattr(player.events, name)(*arguments, **named))


CALLS: Final[tuple[tuple[str, Callable[[Player], object]], ...]] = (
    ("take all", lambda player: player.take(None)),
    ("take one", lambda player: player.take(1)),
    ("take two", lambda player: player.take(2)),
    ("keep an iterator", Player.keep),
    ("go on with it", Player.go_on),
    ("close it", Player.abandon),
    ("answer", Player.answer),
    ("echo", Player.echo),
    ("inject", Player.inject),
    ("receive nothing", lambda player: player.receive(b"")),
    ("end of file", lambda player: player.receive(None)),
    ("receive str", lambda player: player.receive("Hello")),
    ("receive a bytearray", lambda player: player.receive(bytearray(b"\x89\x00"))),
    ("receive bytes of its own", lambda player: player.receive(OwnBytes(b"\x8a"))),
    ("receive a view", lambda player: player.receive(memoryview(b"\x82\x7e\x00"))),
    ("text", _sends("TextMessage", "Hello")),
    ("text that is not ASCII", _sends("TextMessage", "h\u00e9llo \u20ac" * 20)),
    ("text that cannot be sent", _sends("TextMessage", "a\ud800")),
    ("begin a text", _sends("TextMessage", "\u00e9", message_finished=False)),
    ("end a text", _sends("TextMessage", "", message_finished=True)),
    ("begin bytes", _sends("BytesMessage", b"\x00" * 130, message_finished=False)),
    ("bytes", _sends("BytesMessage", bytes(range(256)))),
    ("a bytearray", _sends("BytesMessage", bytearray(b"abc"))),
    ("many bytes", _sends("BytesMessage", bytes(range(256)) * 256)),
    ("str as bytes", _sends("BytesMessage", "abc")),
    ("bytes as text", _sends("TextMessage", b"abc")),
    ("finished by a number", _sends("TextMessage", "abc", message_finished=0)),
    ("ping", _sends("Ping", b"p")),
    ("ping of a bytearray", _sends("Ping", bytearray(b"p"))),
    ("ping too long", _sends("Ping", bytes(126))),
    ("pong of 125", _sends("Pong", bytes(125))),
    ("message", _sends("Message", b"abc")),
    ("close", _sends("CloseConnection", 1000, "bye")),
    ("request", _sends("Request", "h", "/")),
    ("bytes in parts", lambda player: player.send_parts(player.events.BytesMessage(bytes(300)))),
    (
        "a text begun in parts",
        lambda player: player.send_parts(player.events.TextMessage("\u00e9", True, False)),
    ),
    ("65535 bytes", _sends("BytesMessage", bytes(65535))),
    ("text of 126", _sends("TextMessage", "x" * 126, True, True)),
    ("event by name", _sends("BytesMessage", message_finished=True, data=b"abc")),
)
"""What may happen between two reads."""


@cache
def copies() -> tuple[Any, Any]:
    """Load both cores; raises `ImportError` where the compiled one was not built."""
    pure, compiled = load(PURE, pure=True), load(COMPILED, pure=False)
    assert not pure.compiled
    assert compiled.compiled
    for name in ("events", "extensions", "frame_protocol", "limits", "masking"):
        for copy in (pure, compiled):
            import_module(f"{copy.__name__}.{name}")
    return pure, compiled


def assert_same(setting: Setting, pieces: Sequence[bytes], calls: Sequence[int]) -> list[str]:
    """Let both cores receive `pieces`, with a call after each, and compare; return what was seen of one.

    :param calls: say in turn which of `CALLS` follows; at the end all events are taken, and none without any.
    """
    pure, compiled = (Player(copy, setting) for copy in copies())
    turns = [*calls[: len(pieces)], *[0] * (len(pieces) - len(calls))]
    for number, turn in enumerate((*turns, *calls[len(pieces) :], 0)):
        name, call = CALLS[turn % len(CALLS)]
        for player in (pure, compiled):
            if number < len(pieces):
                player.receive(pieces[number])
            call(player)
            player.seen.append(player.stand())
        if pure.seen != compiled.seen:
            raise AssertionError(difference(pure.seen, compiled.seen, f"call {number}, {name}"))
    return pure.seen


def difference(pure: Sequence[str], compiled: Sequence[str], where: str) -> str:
    """Say where the cores differ first."""
    at = next(
        (at for at, both in enumerate(zip(pure, compiled, strict=False)) if both[0] != both[1]),
        min(len(pure), len(compiled)),
    )
    rest = ["nothing" if at >= len(seen) else seen[at][:500] for seen in (pure, compiled)]
    return f"{where}: the core in Python gave {rest[0]}, the compiled one {rest[1]}"
