"""Two ends of a connection and the bytes between them, each end beside its reference model."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import pytest

from tests.oracle.connection_model import STATES, Ending, Model, RefusedError
from tests.oracle.deflating import joined_pair
from tests.oracle.sent_frames import Progress, SentFrames
from tests.state_machines.holding import held
from tooling import frames as wire
from tooling.frames import Frame
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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


NEVER = sys.maxsize
"""Bytes after which a frame is known whose end is lost."""


class UnderWay(NamedTuple):
    """A frame on its way: where it starts in what is to be delivered, and when the receiver knows it."""

    start: int
    known: int
    frame: Frame

    def nearer(self, size: int) -> UnderWay:
        return UnderWay(self.start - size, self.known - size, self.frame)


@dataclass
class Pipe:
    """One direction: the bytes under way, and the frames that they are."""

    deflates: bool = False
    data: bytearray = field(default_factory=bytearray)
    frames: deque[UnderWay] = field(default_factory=deque)
    garbled: int | None = None  # bytes before one that was changed: with it, anything may come

    def write(self, data: bytes, frames: Iterable[UnderWay]) -> None:
        """Put bytes on their way behind the others; the frames start in `data`."""
        if self.garbled is None:
            self.frames.extend(frame.nearer(-len(self.data)) for frame in frames)
        self.data += data

    def read(self, size: int) -> tuple[bytes, list[Frame]]:
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
        """Let what is under way be lost, but for the frame that its receiver has begun to read."""
        self.data.clear()
        self.frames = deque(frame._replace(known=NEVER) for frame in self.frames if frame.start < 0)

    def spoil(self, choice: int, bit: int) -> None:
        """Set a bit in a frame's first byte, and no peer may send it: RSV2, RSV3, or an unknown opcode.

        Where there are extensions, reserved bits are for them to judge, which see a whole header.
        """
        whole = [number for number, frame in enumerate(self.frames) if frame.start >= 0]
        if whole:
            number = whole[choice % len(whole)]
            start = self.frames[number].start
            self.data[start] |= UNKNOWN_OPCODE if self.deflates else bit
            self.frames[number] = UnderWay(start, start + 1, Frame(wire.CONTINUATION, rsv=wire.RSV3))

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
    sent: SentFrames
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
        self.sent.judge(data, meant)
        self.outgoing.write(data, [UnderWay(0, len(data), meant)])
        return True

    def _modelled(self, event: Event) -> Frame:
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
            with pytest.raises(LocalProtocolError) if data else nullcontext():
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
            assert isinstance(frame, Frame)
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
            assert isinstance(frame, Frame)
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

    # How every run ends: see `Pair.close` --------------------------------------------------------------

    @property
    def lossy(self) -> bool:
        """Whether bytes on their way to this end were lost or changed."""
        return self.model.end_of_file or self.incoming.garbled is not None

    def begin_to_close(self) -> None:
        if self.model.state == "OPEN":
            self.send(CloseConnection(1000))

    def converse(self) -> None:
        """Take in what is under way, read it, and answer a Close."""
        if self.model.state != "CLOSED":
            self.receive(2**20)
        self._read_and_answer()

    def converse_no_more(self) -> None:
        """Take in end of file instead."""
        if self.model.state != "CLOSED":
            self.receive_end_of_file()
        self._read_and_answer()

    def _read_and_answer(self) -> None:
        self.events()
        if self.model.state == "REMOTE_CLOSING":
            assert self.ending is not None
            assert self.send(self.ending.response())

    def check_closed(self) -> None:
        self.check()
        assert self.connection.state.name == "CLOSED"
        assert self.ending is not None
        assert self.events() == []


Action: TypeAlias = "Callable[[End], object]"

#: What closes both ends, by either in turn (0 is the client): draining both pipes and replying, with a Close
#: of the client's where there is none yet.
CLOSING: Final[Sequence[tuple[int, Action]]] = (
    *((side, End.converse) for side in (0, 1) * 3),
    (0, End.begin_to_close),
    *((side, End.converse) for side in (0, 1) * 3),
)
#: What it takes besides where bytes were lost or changed, and a Close perhaps with them.
LOSING: Final[Sequence[tuple[int, Action]]] = tuple((side, End.converse_no_more) for side in (0, 1) * 3)


@dataclass
class Pair:
    """A client and a server, joined."""

    client: End
    server: End

    @property
    def ends(self) -> tuple[End, End]:
        return self.client, self.server

    def close(self) -> None:
        """Close both ends, as is possible wherever a run has led."""
        self._play(CLOSING)
        if any(end.lossy for end in self.ends):
            self._play(LOSING)
        for end in self.ends:
            end.check_closed()

    def _play(self, script: Sequence[tuple[int, Action]]) -> None:
        for side, action in script:
            action(self.ends[side])


def connected_ends(extensions: Sequence[Extension] = (), *, takeover: bool = True) -> Pair:
    """Make a client and a server that have shaken hands, and what is between them."""
    client, server = joined_pair(extensions, extensions)
    deflates = bool(extensions)
    up, down = Pipe(deflates), Pipe(deflates)
    return Pair(
        End(client, down, up, SentFrames(True, deflates, takeover), idle=held(client)),
        End(server, up, down, SentFrames(False, deflates, takeover), idle=held(server)),
    )
