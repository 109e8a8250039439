"""Judges what an open connection makes of any bytes; property tests and fuzz targets call it alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from tests.oracle.deflating import CLIENT, SERVER, agreed, inflating_by, joined
from tests.oracle.expected_events import Deflate, Expected, Reader
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection, ConnectionState, Limits, MessageJoiner
from wsproto.deflate import Inflater
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wsproto import ConnectionType

_TYPE_OF_DATA = {TextMessage: str, BytesMessage: bytes}


class Inert(Extension):
    """An extension that changes nothing."""

    name = "x-inert"

    def enabled(self) -> bool:
        """It need not be negotiated."""
        return True


@dataclass(frozen=True)
class Setting:
    """What both ends of a connection know of it."""

    role: ConnectionType
    deflate: Deflate | None = None
    limits: Limits = field(default_factory=Limits)
    inert: bool = False
    """Whether there is an extension that changes nothing, for which every frame takes the general path."""

    @property
    def extended(self) -> bool:
        """Whether there is any extension."""
        return self.inert or self.deflate is not None

    @cached_property
    def _extensions(self) -> list[Extension]:
        if self.deflate is None:
            return [Inert()] if self.inert else []
        peer = "server" if self.role is CLIENT else "client"
        takeover = "" if self.deflate.takeover else f"; {peer}_no_context_takeover"
        element = f"permessage-deflate; {peer}_max_window_bits={self.deflate.window_bits}{takeover}"
        extension = PerMessageDeflate()
        if self.role is CLIENT:
            extension.finalize(element)
        else:
            assert extension.accept(element)
        return [extension]

    def connection(self) -> Connection:
        """Open this end."""
        return Connection(self.role, self._extensions, limits=self.limits)

    def expected(self, stream: bytes) -> Expected:
        """Say what `stream` has to give."""
        reader = Reader(
            stream,
            client=self.role is CLIENT,
            deflate=self.deflate,
            limits=self.limits,
            extended=self.extended,
        )
        return reader.read()


def by_frame(events: Iterable[Event]) -> list[Event]:
    """Join the pieces of each frame."""
    result: list[Event] = []
    for event in events:
        last = result[-1] if result else None
        if isinstance(event, Message) and isinstance(last, Message) and not last.frame_finished:
            rest: Any = event.data  # of the same type
            result[-1] = type(event)(last.data + rest, event.frame_finished, event.message_finished)
        else:
            result.append(event)
    return result


def assert_received_rightly(
    setting: Setting,
    pieces: Sequence[bytes],
    *,
    eof: bool = False,
    one_by_one: bool = False,
    together: bool = False,
) -> list[Event]:
    """Receive `pieces` and compare all that comes with what has to; return it.

    :param eof: whether the transport ends behind them.
    :param one_by_one: whether each event is taken with an iterator of its own, the others given up.
    :param together: whether all pieces are received before any event is taken.
    """
    if setting.deflate is not None and setting.deflate.unit != Inflater.unit:
        with inflating_by(setting.deflate.unit):
            return assert_received_rightly(setting, pieces, eof=eof, one_by_one=one_by_one, together=together)
    connection = setting.connection()
    assert connection.state is ConnectionState.OPEN
    events: list[Event] = []
    read = sum(map(len, pieces)) if together else 0
    for number, piece in enumerate(pieces):
        if connection.state is not ConnectionState.OPEN:  # all the rest is dropped
            connection.receive_data(b"".join(pieces[number:]))
            break
        connection.receive_data(memoryview(piece) if one_by_one else piece)
        if not together:
            events += taken(connection, setting, len(piece), one_by_one=one_by_one)
    events += taken(connection, setting, read, one_by_one=one_by_one)
    due = setting.expected(b"".join(pieces))
    assert_as_read(events, connection, due)
    closed = connection.state is not ConnectionState.OPEN
    if closed:
        connection.receive_data(b"\x00")  # is dropped
    if eof:
        connection.receive_data(None)
        assert list(connection.events()) == ([] if closed else [CloseConnection(1006)])
        assert list(connection.events()) == []
    elif closed:
        assert_can_be_closed(connection, events[-1])
    return events


def taken(connection: Connection, setting: Setting, read: int, *, one_by_one: bool = False) -> list[Event]:
    """Take the events of `read` bytes, and judge each, and the state that it leaves."""
    events: list[Event] = []
    for event in _one_by_one(connection) if one_by_one else connection.events():
        assert connection.state is _state_after(event)
        assert_well_made(event, setting, read)
        events.append(event)
    return events


def _one_by_one(connection: Connection) -> Iterator[Event]:
    while event := next(connection.events(), None):
        yield event


def _state_after(event: Event) -> ConnectionState:
    return ConnectionState.REMOTE_CLOSING if type(event) is CloseConnection else ConnectionState.OPEN


def assert_well_made(event: Event, setting: Setting, read: int) -> None:
    """Judge an event by itself, and beside the `read` bytes that it came of."""
    kind = type(event)
    if isinstance(event, (Ping, Pong)):
        assert type(event.payload) is bytes
        assert len(event.payload) <= 125
    elif isinstance(event, CloseConnection):
        assert isinstance(event.code, int)
        assert type(event.reason) is str
    else:
        assert isinstance(event, (TextMessage, BytesMessage)), kind
        assert type(event.data) is _TYPE_OF_DATA[kind]
        assert event.frame_finished or event.data, "an event that says nothing"
        assert event.frame_finished or not event.message_finished
        most = read if setting.deflate is None else max(read, setting.limits.max_inflated_size)
        size = len(event.data if isinstance(event.data, bytes) else event.data.encode())
        assert size <= most + 3  # of a code point that was begun before


def assert_as_read(events: list[Event], connection: Connection, due: Expected) -> None:
    """Compare what a connection gave with what it had to give."""
    got = by_frame(events)
    error = connection.protocol_error
    if error is None:
        closed = bool(got) and isinstance(got[-1], CloseConnection)
        assert connection.state is (ConnectionState.REMOTE_CLOSING if closed else ConnectionState.OPEN)
        assert not (due.codes and due.certain), (got, due)
        assert got == due.events, (got, due)
        return
    assert isinstance(error, RemoteProtocolError)
    close = got.pop()
    assert error.event_hint == close == CloseConnection(_code_of(close), str(error))
    assert _code_of(close) in due.codes, (close, got, due)
    assert got == due.events, (got, due)


def _code_of(event: Event) -> int:
    assert isinstance(event, CloseConnection)
    return event.code


def assert_can_be_closed(connection: Connection, close: Event) -> None:
    """Answer the peer's Close (RFC 6455 5.5.1): after it nothing may be sent or received."""
    assert isinstance(close, CloseConnection)
    assert not any(connection.can_send(kind) for kind in (TextMessage, Ping, Pong))
    answer = wire.decode_frame(connection.send(close.response()))
    assert (answer.opcode, answer.fin, answer.rsv) == (wire.CLOSE, True, 0)
    assert (answer.mask is None) is not connection.client
    assert answer.close_code == (None if close.code == 1005 else close.code)
    assert connection.state is ConnectionState.CLOSED
    assert list(islice(connection.events(), 1)) == []
    assert not connection.can_send(CloseConnection)


def assert_can_be_echoed(setting: Setting, events: Iterable[Event]) -> None:
    """Send what was received back, whole, and read it independently and with the library (RFC 6455 5.2)."""
    extensions: list[Extension] = [] if setting.deflate is None else [agreed()]
    sender = Connection(setting.role, extensions)
    receiver = Connection(SERVER if sender.client else CLIENT, extensions)
    joiner = MessageJoiner(2**30)
    messages: list[Event] = []
    for event in events:
        echo: Event | None = event
        if isinstance(event, Message):
            echo = joiner.join(event)
            if echo is not None:
                messages.append(echo)
        if echo is None:
            continue
        if isinstance(echo, CloseConnection) and echo.code == 1006:
            echo = CloseConnection(1000)
        sent = sender.send(echo)
        frame = wire.decode_frame(sent)
        assert (frame.mask is not None) is sender.client
        assert frame.length_form == wire.minimal_form(len(frame.payload))
        if not extensions and isinstance(echo, Message):
            assert frame.payload == (echo.data.encode() if isinstance(echo.data, str) else echo.data)
        got = by_frame(receive(receiver, sent))
        assert got == [echo] or isinstance(echo, CloseConnection), (got, echo)
    whole = [event.data for event in messages if isinstance(event, Message)]
    assert whole == [one for one in joined(events) if isinstance(one, (str, bytes))]
