"""Plays the steps of a case on one connection, whichever transport and role."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.extra.frames import Frame, close
from harness.streams.codes import CODES
from harness.streams.fields import accepting, filled
from harness.streams.played import Played
from harness.streams.steps import (
    Answer,
    Ask,
    Await,
    AwaitBytes,
    Credit,
    Do,
    GoAway,
    Octets,
    Part,
    Pause,
    Raw,
    Reset,
    Send,
    Settings,
    Step,
)
from tooling.frames import BINARY, CLOSE, MASK, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.roles import Role
    from harness.streams.case import Case
    from harness.streams.fields import Fields
    from harness.streams.wire import Stream, Wire

PROMPT = 1.0
"""Seconds that a peer has to end a stream, once both have closed (RFC 6455 7.1.1)."""

GRACE = 8.0
"""Seconds that a peer may leave a stream open whose other side does not end: no RFC names a number."""

STILL = 0.4
"""Seconds in which nothing more may come where the peer has no room."""

BIT, ROOM = 0.05, 16
"""Seconds after which a held stream gets so many bytes of room for its response."""

PIECE = 16384
"""Bytes in the longest DATA frame."""

ENOUGH = 8 * 2**20
"""Bytes that a peer takes whose echo is not read: then its buffers have no bound that matters."""


class Player(Played):
    """The steps of a case, and the streams that they made.

    :param values: the server's own, for the requests; of a client the scheme that fits its URL.
    :param timeout: seconds for each step of the peer.
    :param fields: stand at the end of each request.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # all that a case is played with
        self,
        case: Case,
        wire: Wire,
        role: Role,
        values: dict[str, str],
        timeout: float,
        fields: Fields = (),
    ) -> None:
        self._fields = fields
        super().__init__(wire, case.unmet_over(wire.transport_name), values, closes=case.closes)
        self.case, self.role, self.timeout = case, role, timeout
        self._current: Stream | None = None
        self.sent_at = time.monotonic()

    def take(self, stream: Stream) -> None:
        """Go on with a stream, which a client has opened."""
        self.streams.append(stream)
        self._current = stream

    @property
    def current(self) -> Stream:
        """The stream of the steps."""
        assert self._current is not None, "a case begins with a stream"  # noqa: S101
        return self._current

    async def play(self, steps: tuple[Step, ...]) -> None:
        """Play steps, until the connection is over."""
        for step in steps:
            if self.wire.gone or self.lacking:
                return
            await self._step(step)
            if step is Do.AWAIT_END and not self.current.over:
                break  # what follows takes the stream for over
        self.wire.transmit()
        self.sent_at = time.monotonic()

    async def _step(self, step: Step) -> None:
        wire = self.wire
        match step:
            case Ask():
                self.take(wire.open())
                self.current.request = (*filled(step.fields, **self.values), *self._fields)
                wire.headers(self.current, self.current.request, end=step.end, pieces=step.pieces)
            case Answer():
                self._answer(step)
            case Send():
                await self._send(step)
            case Part():
                frame = replace(step.frame, mask=MASK if self.role == "server" else None)
                if step.stop is None:
                    self._note_sent(frame)
                wire.data(self.current, frame.encode()[step.start : step.stop])
            case Octets():
                wire.data(self.current, step.data, end=step.end)
            case Await() | AwaitBytes() | Pause():
                await self._wait(step)
            case Do():
                await self._do(step)
            case _:
                self._control(step)

    def _answer(self, step: Answer) -> None:
        fields = filled(step.fields, **self.values)
        if self.role == "client":
            self.current.seen.opened = True
            fields = accepting(fields, self.current.request) if step.accept else fields
        self.wire.headers(self.current, fields, end=step.end)

    def _control(self, step: Step) -> None:
        """Send what is no data."""
        wire = self.wire
        of_h2 = wire.transport_name == "h2"
        match step:
            case Raw():
                kind = step.h2 if of_h2 else step.h3
                payload = step.payload if of_h2 or step.h3_payload is None else step.h3_payload
                wire.raw(None if step.of_connection else self.current, kind, payload, step.flags)
            case Reset():
                code = CODES[step.h2 if of_h2 else step.h3]
                (wire.stop if step.stop_only else wire.reset)(self.current, code)
            case Settings() if of_h2:  # HTTP/3 has them once
                wire.set(dict(step.pairs))
            case Credit():
                wire.credit(self.current, step.count)
            case GoAway():
                number = self.current.number
                last = max(number - (2 if of_h2 else 4), 0) if step.below else number + (0 if of_h2 else 4)
                wire.go_away(
                    last if self.role == "client" else 0
                )  # a server opens no streams, and pushes none

    async def _wait(self, step: Await | AwaitBytes | Pause) -> None:
        if isinstance(step, Pause):
            await self.wire.until(lambda: False, step.seconds)
            return
        stream = self.current
        match step:
            case Await():
                await self.wire.until(
                    lambda: len(stream.seen.events) >= step.events or stream.seen.over, self.timeout
                )
            case AwaitBytes():
                # HTTP/3 gives the bytes of whole frames alone: there a wait that is long enough has to do.
                patience = self.timeout if self.wire.transport_name == "h2" else STILL
                await self.wire.until(lambda: stream.data >= step.count or stream.over, patience)
                await self.wire.until(lambda: stream.data > step.count or stream.over, STILL)
                self.counted.append(stream.data)

    async def _do(self, step: Do) -> None:
        wire, stream = self.wire, self.current
        if (awaited := self._awaited(step, stream)) is not None:
            await wire.until(*awaited)
            return
        match step:
            case Do.AWAIT_ANSWER:
                await self._await_answer(stream)
            case Do.END:
                wire.data(stream, b"", end=True)
            case Do.CUT:
                wire.transmit()
                wire.cut()
            case Do.FIRST:
                self._current = self.streams[0]
            case Do.LAST:
                self._current = self.streams[-1]
            case Do.DATAGRAM:
                if not wire.datagram(stream):
                    self.lacking = (
                        "The peer takes no datagrams: it has not said so (RFC 9221 3, RFC 9297 2.1.1)."
                    )

    def _awaited(self, step: Do, stream: Stream) -> tuple[Callable[[], bool], float] | None:
        """Return what a step waits for, and how long."""
        match step:
            case Do.AWAIT_CLOSE:
                return lambda: stream.seen.close is not None or stream.over, self.timeout
            case Do.AWAIT_END:
                return lambda: stream.over, self.timeout
            case Do.AWAIT_LATE_END:
                return lambda: stream.over, GRACE
            case Do.AWAIT_RESET:
                return lambda: stream.reset is not None or stream.stopped is not None, GRACE
        return None

    async def _await_answer(self, stream: Stream) -> None:
        """Wait for the final response, for which a held stream of HTTP/3 gets room bit by bit."""
        until = time.monotonic() + self.timeout
        bit = BIT if self.wire.transport_name == "h3" and self.case.hold else self.timeout
        while not await self.wire.until(lambda: stream.answer is not None or stream.over, bit):
            if self.wire.gone or time.monotonic() > until:
                return
            self.wire.credit(stream, ROOM)

    def _keyed(self, frame: Frame) -> Frame:
        return frame.keyed(by_client=self.role == "server")

    def _note_sent(self, frame: Frame) -> None:
        self.wire.sent_frame(frame)
        if (
            frame.opcode in {TEXT, BINARY}
            and frame.fin
            and frame.masked == (self.role == "server")
            and not frame.rsv
        ):
            self.current.sent.append(("message", frame.payload, frame.opcode == BINARY))
        if frame.opcode == CLOSE:
            self.current.sent_close = self.current.sent_close or time.monotonic()

    async def _send(self, step: Send) -> None:
        """Send frames in DATA frames, as the peer gives room."""
        stream = self.current
        frames = [self._keyed(frame) for frame in step.frames]
        octets = b"".join(frame.encode() for frame in frames)
        for frame in frames:
            self._note_sent(frame)
        if len(octets) <= PIECE and not step.size:
            self.wire.data(stream, octets, end=step.end, pad=step.pad)
            return
        size = step.size or PIECE
        for at in range(0, len(octets), size):
            piece = octets[at : at + size]
            if not await self._has_room(len(piece)):
                return
            self.wire.data(stream, piece, end=step.end and at + size >= len(octets))

    async def _has_room(self, size: int) -> bool:
        stream = self.current
        wait = STILL * 2 if self.case.hold else self.timeout
        return (
            await self.wire.until(lambda: self.wire.room(stream) >= size or stream.over, wait)
            and not stream.over
        )

    async def finish(self) -> None:
        """Close the WebSocket of the current stream, and see the peer end the stream.

        A server ends it first, and a client when it has seen that (RFC 6455 7.1.1).
        """
        stream = self.current
        if self.case.closes and not stream.over and stream.opened and not stream.seen.fault:
            if stream.sent_close is None and stream.sent_end is None:
                await self._send(Send((close(1000),)))
            await self.wire.until(lambda: stream.seen.close is not None or stream.over, self.timeout)
            if self.role == "client" and stream.sent_end is None:
                self.wire.data(stream, b"", end=True)
            both = time.monotonic()
            if not await self.wire.until(lambda: stream.over, self.timeout):
                self.late = (
                    f"it did not end the stream within {self.timeout:g} s after both Closes (RFC 6455 7.1.1)"
                )
            elif (stream.over_at or both) - both > PROMPT:
                self.late = "it ended the stream later than 1 s after both Closes (RFC 6455 7.1.1)"
        for one in self.streams:
            one.given_up = True
            if one.sent_end is None and not self.wire.gone and one.reset is None:
                if one.over and one.seen.opened:
                    self.wire.data(one, b"", end=True)
                else:
                    self.wire.reset(
                        one, CODES["CANCEL" if self.wire.transport_name == "h2" else "H3_REQUEST_CANCELLED"]
                    )
        self.wire.transmit()
