"""Two ends of a connection and the bytes between them, each end beside its reference model."""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests import wire
from tests.deflating import TAIL, joined_pair
from tests.state_machines.holding import held
from tests.state_machines.model import STATES, Ending, Model, RefusedError
from tests.wire import WireFrame
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wsproto import WSConnection
    from wsproto.extensions import Extension

#: What a connection may come to hold beyond what is unread: a pool of keys, a header, the text of a failure.
ROOM = 4096

#: What each state says of (Close sent, Close received).
AXES = {state: axes for axes, state in STATES.items()}

#: The bits of a frame's first byte that make it one that nobody has defined (RFC 6455 5.2).
UNDEFINED_BITS = RSV2, RSV3, UNKNOWN_OPCODE = 0x20, 0x10, 0x04

CONTROLS: dict[int, type[Ping | Pong]] = {wire.PING: Ping, wire.PONG: Pong}
MESSAGES: dict[int, type[Event]] = {wire.TEXT: TextMessage, wire.BINARY: BytesMessage}


@dataclass
class Progress:
    """One message after another: what each should be so far, and what was seen of it."""

    kind: int = 0
    meant: bytes = b""
    seen: bytes = b""

    def mean(self, frame: WireFrame) -> None:
        self.kind = frame.opcode or self.kind
        self.meant += frame.payload

    def check(self, *, fin: bool, exactly: bool) -> None:
        """Compare: a frame that is compressed may keep back some of its data until its message ends."""
        assert self.meant.startswith(self.seen)
        assert len(self.meant) == len(self.seen) or not (fin or exactly)
        if fin:
            self.meant = self.seen = b""


class UnderWay(NamedTuple):
    """A frame on its way: where it starts in what is to be delivered, and when the receiver knows it."""

    start: int
    known: int
    frame: WireFrame

    def nearer(self, size: int) -> UnderWay:
        return UnderWay(self.start - size, self.known - size, self.frame)


@dataclass
class Pipe:
    """One direction: the bytes under way, and the frames that they are; each is judged as it goes in."""

    masked: bool
    deflates: bool = False
    takeover: bool = True
    data: bytearray = field(default_factory=bytearray)
    frames: deque[UnderWay] = field(default_factory=deque)
    garbled: int | None = None  # bytes before one that was changed: with it, anything may come
    closed: bool = False  # a Close went in
    inside: bool = False  # a message was begun and not finished
    compressed: bool = False  # that message
    progress: Progress = field(default_factory=Progress)
    inflater: zlib._Decompress | None = None

    def write(self, data: bytes, meant: WireFrame) -> None:
        """Put one frame on its way: one that RFC 6455 5 permits, and that says what is meant."""
        frame = wire.decode_frame(data)
        assert (frame.mask is not None) == self.masked
        assert frame.length_form == wire.minimal_form(len(frame.payload))
        assert (frame.opcode, frame.fin) == (meant.opcode, meant.fin)
        if frame.opcode < wire.CLOSE:
            self._judge_data(frame, meant)
        else:
            assert (frame.rsv, frame.payload) == (0, meant.payload)
            assert len(frame.payload) <= 125
        if frame.opcode == wire.CLOSE:
            assert not self.closed
            assert frame.close_code not in {1005, 1006, 1015}
            assert frame.close_reason.encode() == frame.payload[2:]
            self.closed = True
        if self.garbled is None:
            self.frames.append(UnderWay(len(self.data), len(self.data) + len(data), meant))
        self.data += data

    def _judge_data(self, frame: WireFrame, meant: WireFrame) -> None:
        """Judge a frame of a message (RFC 6455 5.4, 5.5.1; RFC 7692 6.1)."""
        assert not self.closed
        assert (frame.opcode == wire.CONTINUATION) == self.inside
        assert frame.rsv in ({0, wire.RSV1} if self.deflates and not self.inside else {0})
        if not self.inside:
            self.compressed = frame.rsv == wire.RSV1
        self.inside = not frame.fin
        self.progress.mean(meant)
        self.progress.seen += self._inflated(frame) if self.compressed else frame.payload
        self.progress.check(fin=frame.fin, exactly=not self.compressed)

    def _inflated(self, frame: WireFrame) -> bytes:
        if self.inflater is None:
            self.inflater = zlib.decompressobj(-15)
        payload = self.inflater.decompress(frame.payload + (TAIL if frame.fin else b""))
        if frame.fin and not self.takeover:
            self.inflater = None
        return payload

    def read(self, size: int) -> tuple[bytes, list[WireFrame]]:
        """Take the next `size` bytes, and the frames that are known with them."""
        data = bytes(self.data[:size])
        del self.data[:size]
        self.frames = deque(frame.nearer(len(data)) for frame in self.frames)
        known = []
        while self.frames and self.frames[0].known <= 0:
            known.append(self.frames.popleft().frame)
        if self.garbled is not None:
            self.garbled -= len(data)
        return data, known

    def lose(self) -> None:
        """Let what is under way be lost, but for what its receiver has begun to read."""
        self.data.clear()
        self.frames = deque(frame for frame in self.frames if frame.start < 0)

    def spoil(self, choice: int, bit: int) -> None:
        """Set a bit in a frame's first byte, and no peer may send it: RSV2, RSV3, or an unknown opcode.

        Where there are extensions, reserved bits are for them to judge, which see a whole header.
        """
        whole = [number for number, frame in enumerate(self.frames) if frame.start >= 0]
        if whole:
            number = whole[choice % len(whole)]
            start = self.frames[number].start
            self.data[start] |= UNKNOWN_OPCODE if self.deflates else bit
            self.frames[number] = UnderWay(start, start + 1, WireFrame(wire.CONTINUATION, rsv=wire.RSV3))

    def garble(self, choice: int, bit: int) -> None:
        """Change any bit: with this byte, anything may come."""
        if self.data:
            place = choice % len(self.data)
            self.data[place] ^= 1 << bit
            self.garbled = place if self.garbled is None else min(place, self.garbled)
            self.frames = deque(frame for frame in self.frames if frame.known <= place)


@dataclass
class End:
    """A connection and its model: every call goes to both, and whatever they answer is compared."""

    connection: WSConnection
    incoming: Pipe
    outgoing: Pipe
    model: Model = field(default_factory=Model)
    ending: CloseConnection | None = None
    garbled: bool = False  # the connection has received what the model cannot read
    unread: int = 0  # bytes
    progress: Progress = field(default_factory=Progress)
    axes: tuple[bool, bool] = (False, False)
    idle: int = 0  # bytes held by the connection when it was new

    def send(self, event: Event) -> bool:
        """Let the application send `event`; tell whether it was permitted."""
        try:
            meant = self._modelled(event)
        except RefusedError:
            with pytest.raises(LocalProtocolError):
                self.connection.send(event)
            return False
        assert self.connection.can_send(type(event))
        data = self.connection.send(event)
        assert type(data) is bytes
        self.outgoing.write(data, meant)
        return True

    def _modelled(self, event: Event) -> WireFrame:
        if isinstance(event, CloseConnection):
            return self.model.send_close(event.code, event.reason or "")
        if isinstance(event, (Ping, Pong)):
            opcode = wire.PING if isinstance(event, Ping) else wire.PONG
            return self.model.send_control(opcode, event.payload)
        assert isinstance(event, Message)
        return self.model.send_data(event.data, fin=event.message_finished)

    def receive(self, size: int) -> None:
        """Deliver up to `size` bytes of what is under way."""
        reading = self.model.state in ("OPEN", "LOCAL_CLOSING")
        data, frames = self.incoming.read(size)
        try:
            self.model.receive(frames)
        except RefusedError:
            with pytest.raises(LocalProtocolError):
                self.connection.receive_data(data)
            return
        self.connection.receive_data(data)
        if reading:
            self.unread += len(data)
            self.garbled = self.garbled or (self.incoming.garbled or 0) < 0

    def receive_behind_the_end(self, data: bytes) -> None:
        """Deliver what nobody may read any more; in other states, nothing."""
        if self.model.state == "REMOTE_CLOSING":
            self.connection.receive_data(data)
        elif self.model.state == "CLOSED":
            with pytest.raises(LocalProtocolError):
                self.connection.receive_data(data)

    def receive_end_of_file(self) -> None:
        """Let the transport end; what was under way is lost with it."""
        self.incoming.lose()
        self.model.receive_end_of_file()
        self.connection.receive_data(None)

    def events(self, limit: int | None = None) -> list[Event]:
        """Take the events; with a `limit`, drop the iterator after so many."""
        taken = []
        for event in islice(self.connection.events(), limit):
            taken.append(event)
            self._saw(event)
            assert self.connection.state.name == self.model.state
        if limit is None or len(taken) < limit:
            assert self.model.take() is None
            self.unread = 0
        return taken

    def _saw(self, event: Event) -> None:
        """Compare an event with what the model says comes next; behind the last there is none."""
        assert self.ending is None
        if isinstance(event, CloseConnection):
            self.ending = event
            self._saw_ending(event)
        elif self.garbled and not self.model.unread:
            pass
        elif isinstance(event, Message):
            self._saw_piece(event)
        else:
            frame = self.model.take()
            assert isinstance(frame, WireFrame)
            assert event == CONTROLS[frame.opcode](frame.payload)

    def _saw_ending(self, event: CloseConnection) -> None:
        failure = self.connection.protocol_error is not None
        assert event.code in {1002, 1007} or not failure
        own_words = failure or event.code == 1006
        seen = Ending(event.code, None if own_words else event.reason, failure)
        anything = self.garbled and not self.model.unread and event.code != 1006
        expected = self.model.conclude(seen) if anything else self.model.take()
        assert seen == expected
        self.unread = 0

    def _saw_piece(self, event: Message[str] | Message[bytes]) -> None:
        """Compare a piece of a message with its frame, which may still be under way."""
        payload = event.data.encode() if isinstance(event.data, str) else event.data
        self.progress.seen += payload
        if event.frame_finished:
            frame = self.model.take()
            assert isinstance(frame, WireFrame)
            assert frame.fin == event.message_finished
            self.progress.mean(frame)
            assert type(event) is MESSAGES[self.progress.kind]
            self.progress.check(fin=frame.fin, exactly=not self.incoming.deflates)
        else:
            assert not event.message_finished
            if self.incoming.garbled is None:
                begun = self.model.unread or [under_way.frame for under_way in self.incoming.frames]
                assert (self.progress.meant + begun[0].payload).startswith(self.progress.seen)

    def check(self) -> None:
        """Compare the state, which is a function of two axes and goes forward on each."""
        state = self.connection.state.name
        assert state == self.model.state
        axes = AXES[state]
        assert all(now >= before for now, before in zip(axes, self.axes, strict=True))
        self.axes = axes

    def check_memory(self) -> None:
        """Hold what the connection keeps to what it has not read, whatever came before."""
        assert held(self.connection) <= self.idle + 2 * self.unread + ROOM


@dataclass
class Pair:
    """A client and a server, joined."""

    client: End
    server: End

    @property
    def ends(self) -> tuple[End, End]:
        return self.client, self.server

    def close(self) -> None:
        """Drain both pipes and reply, and let one end begin where none has: that closes both.

        Where bytes were lost or changed, a Close may be lost with them, and end of file has to do it.
        """
        self._converse(lambda end: end.receive(2**20))
        if self.client.model.state == "OPEN":
            self.client.send(CloseConnection(1000))
        self._converse(lambda end: end.receive(2**20))
        if any(end.model.end_of_file or end.incoming.garbled is not None for end in self.ends):
            self._converse(End.receive_end_of_file)
        for end in self.ends:
            end.check()
            assert end.connection.state.name == "CLOSED"
            assert end.ending is not None
            assert end.events() == []

    def _converse(self, deliver: Callable[[End], None]) -> None:
        """Deliver, read and answer, back and forth until there is nothing left to say."""
        for end in self.ends * 3:
            if end.model.state != "CLOSED":
                deliver(end)
            end.events()
            if end.model.state == "REMOTE_CLOSING":
                assert end.ending is not None
                assert end.send(end.ending.response())


def joined(extensions: Sequence[Extension] = (), *, takeover: bool = True) -> Pair:
    """Make a client and a server that have shaken hands, and what is between them."""
    client, server = joined_pair(extensions, extensions)
    deflates = bool(extensions)
    up = Pipe(masked=True, deflates=deflates, takeover=takeover)
    down = Pipe(masked=False, deflates=deflates, takeover=takeover)
    return Pair(
        End(client, down, up, idle=held(client)),
        End(server, up, down, idle=held(server)),
    )
