"""Plays a case from the opening handshake on: its frames and steps, then the closing handshake."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.extra.deflating import Agreement
from harness.extra.expectations import PROBE
from harness.extra.frames import Frame, close
from harness.extra.steps import Await, Do, Flood, Part, Pause, Rest
from harness.extra.wire import CUT_PAUSE, PAUSES, PIECE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from harness.extra.case import Case
    from harness.extra.expectations import Expectation
    from harness.extra.memory import MemoryWatch
    from harness.extra.seen import Seen
    from harness.extra.steps import Step, Steps
    from harness.extra.wire import Wire
    from harness.results import Timing

GRACE = 0.5
"""Further seconds that a peer has to fail the connection, where it has already answered the ping."""

TIMEOUT = 3.0
"""Seconds that a peer has for each step, by default."""

PROMPT = 2.0
"""Seconds that a peer has to end TCP, once that is its turn; more, in proportion, with a longer timeout."""

LISTEN = 0.002
"""Seconds that the harness, as server, lets pass before it ends the TCP connection."""

STILL = 0.1
"""Seconds without progress after which a peer has ceased to read."""


@dataclass
class Connection:
    """One connection of a case: its bytes, and what the peer did on it."""

    wire: Wire
    seen: Seen
    expect: Expectation
    events: int = 0
    """The messages and pongs that the steps have waited for."""
    gone: bool = False
    """Whether the harness has reset it."""
    cut_at: float | None = None
    """The time at which the harness ended its direction."""


class Exchange:
    """The steps of a case, on one connection or more.

    :param connect: opens another connection; None where the peer is the client.
    """

    def __init__(
        self,
        case: Case,
        first: Connection,
        timeout: float,
        connect: Callable[[], Awaitable[Connection | None]] | None = None,
    ) -> None:
        self.connections = [first]
        self._case = case
        self._at = first
        self._timeout = timeout
        self._prompt = PROMPT * max(timeout / TIMEOUT, 1.0)
        self._connect = connect

    async def run(self, watch: MemoryWatch | None) -> None:
        """Play all steps, wait for what is expected, and end the connections."""
        first = self.connections[0]
        first.seen.begins_close = self._case.begins_close
        if watch:
            watch.start()
        await self._play()
        for connection in self.connections:
            await self._settle(connection, watch if connection is first else None)

    # The steps:

    async def _play(self) -> None:
        steps = () if self._case.at_once else steps_of(self._case, self._at.seen)
        if self._case.every_cut:
            await self._send_with_every_cut([step for step in steps if isinstance(step, Frame)])
            return
        row: list[Frame] = []
        for step in steps:
            if isinstance(step, Frame):
                row.append(step)
                continue
            await self._send(row)
            row = []
            if step is Do.ANOTHER and self._connect is None:
                return
            await self._do(step)
        await self._send(row)

    async def _send(self, frames: list[Frame]) -> None:
        if not frames or self._at.gone:
            return
        chop = self._case.chop
        data = self._at.wire.encode(frames)
        until = None if self._case.begins_close else self._at.seen  # a Close does not end its cases
        await self._at.wire.send(data, until, piece=chop or PIECE, pauses=PAUSES if chop else 0)

    async def _send_with_every_cut(self, frames: list[Frame]) -> None:
        """Send the frames, cut behind the first byte, then again, cut behind the second, and so on."""
        wire, seen = self._at.wire, self._at.seen
        answers = len(self._at.expect.events())
        seen.rounds = cut = 0
        while not seen.over:
            data = wire.encode(frames)
            cut += 1
            if cut >= len(data):
                return
            seen.rounds += 1
            await wire.send(data[:cut], seen)
            await asyncio.sleep(CUT_PAUSE)
            await wire.send(data[cut:], seen)
            await self._await_events(answers)

    async def _do(self, step: Step) -> None:
        at = self._at
        match step:
            case Do():
                await self._do_plain(step)
            case Await(events):
                await self._await_events(events)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Flood():
                await self._flood(step)
            case Part(frame, size):
                await at.wire.send(at.wire.encode([frame])[:size], at.seen)
                at.wire.unfinished = True
            case Rest(frame, size):
                await at.wire.send(at.wire.encode([frame])[size:], at.seen)

    async def _do_plain(self, step: Do) -> None:
        wire, seen = self._at.wire, self._at.seen
        simple = {
            Do.END: wire.close,
            Do.CUT_OFF: wire.cut_off,
            Do.STOP_READING: wire.transport.pause_reading,
            Do.READ_AGAIN: wire.transport.resume_reading,
        }
        if step in simple:
            simple[step]()
            self._at.cut_at = time.monotonic() if step in {Do.END, Do.CUT_OFF} else self._at.cut_at
        elif step is Do.RESET:
            wire.reset()
            self._at.gone = True
        elif step is Do.AWAIT_CLOSE:
            await wire.read_frames(seen, lambda: bool(seen.close), self._timeout)
        elif step is Do.AWAIT_END:
            await wire.wait_end(self._timeout)
            wire.drain(seen)
        elif step in {Do.FIRST, Do.LAST}:
            self._at = self.connections[0 if step is Do.FIRST else -1]
        else:
            await self._open_another()

    async def _await_events(self, events: int) -> None:
        at, seen = self._at, self._at.seen
        at.events += events

        def enough() -> bool:
            over = seen.ended or seen.fault if self._case.begins_close else seen.over
            return bool(over) or seen.counts["message"] + seen.counts["pong"] >= at.events

        await at.wire.read_frames(seen, enough, self._timeout)

    async def _open_another(self) -> None:
        if self._connect and (connection := await self._connect()):
            self.connections.append(connection)
            self._at = connection

    async def _flood(self, flood: Flood) -> None:
        wire, seen = self._at.wire, self._at.seen
        data = wire.encode([flood.frame]) * flood.times
        if not flood.unread:
            await wire.send(data, seen)
            return
        wire.send_unread(data)
        waiting = wire.waiting + 1
        while 0 < wire.waiting < waiting:  # as long as the peer takes more
            waiting = wire.waiting
            await asyncio.sleep(STILL)

    # The end:

    async def _settle(self, connection: Connection, watch: MemoryWatch | None) -> None:
        """Wait for what is expected of a connection, and end it."""
        wire, seen, expect = connection.wire, connection.seen, connection.expect
        if connection.gone:
            seen.ended = ""
        if expect.probes and not seen.over:
            await wire.send(wire.encode([PROBE]))
        if expect.ends_early:
            wire.close()
        if not connection.gone:
            await wire.read_frames(seen, lambda: expect.settled(seen), self._left(connection))
        if expect.probes and not expect.decided(seen):
            await wire.read_frames(seen, lambda: expect.decided(seen), GRACE)
        if watch:
            seen.growth = await watch.stop()
        seen.failed = bool(seen.close or seen.ended)
        if connection.cut_at is not None:
            await wire.wait_end(self._left(connection))
            wire.drain(seen)
            self._judge_end(wire, seen, connection.cut_at)
        elif not seen.ended and not connection.gone:
            await self._close(connection)
        wire.drain(seen)

    def _left(self, connection: Connection) -> float:
        """Return the seconds that a peer still has, where its time began with the harness's end of TCP."""
        if connection.cut_at is None:
            return self._timeout
        return max(connection.cut_at + self._timeout - time.monotonic(), 0.0)

    async def _close(self, connection: Connection) -> None:
        """Take part in the closing handshake, or begin it."""
        wire, seen, expect = connection.wire, connection.seen, connection.expect
        if wire.unfinished:
            wire.close()  # a Close would be taken for more of the payload
        elif wire.sent_close is None and not expect.ends_early and self._case.answers_close:
            await wire.send_close(close(1000 if seen.close is None else seen.code))
        patience = self._timeout if seen.frames else GRACE  # a silent peer will hardly begin now
        await wire.read_frames(seen, lambda: bool(seen.close or seen.ended), patience)
        if seen.close is None and not seen.ended and wire.sent_close is not None:
            seen.late = f"the peer did not answer the Close within {patience:g} s (RFC 6455 5.5.1)"
        if seen.role == "server":
            await self._await_end_of_server(wire, seen)
        else:
            await self._end_before_client(wire, seen)

    async def _await_end_of_server(self, wire: Wire, seen: Seen) -> None:
        """Have the server end the TCP connection, as it has to after both Closes (RFC 6455 7.1.1)."""
        ended = await wire.wait_end(self._timeout)
        seen.reset = wire.ended == "reset"
        turn = max(wire.close_at or 0.0, seen.close_at or 0.0)
        if seen.late:
            return
        if not ended:
            seen.late = (
                f"the server did not end the TCP connection within {self._timeout:g} s (RFC 6455 7.1.1)"
            )
        elif turn and (delay := (wire.ended_at or turn) - turn) > self._prompt:
            seen.late = (
                f"the server ended the TCP connection only {delay:.1f} s after both Closes (RFC 6455 7.1.1)"
            )

    async def _end_before_client(self, wire: Wire, seen: Seen) -> None:
        """End the TCP connection, and have the client follow; the server ends first (RFC 6455 7.1.1)."""
        seen.left_first = await wire.wait_end(self._case.listen or LISTEN)
        wire.close()
        if not await wire.wait_end(min(self._prompt, self._timeout)) and not seen.late:
            seen.late = (
                "the client did not end the TCP connection after the server's end of it (RFC 6455 5.5.1)"
            )

    def _judge_end(self, wire: Wire, seen: Seen, cut_at: float) -> None:
        """Have the peer end the TCP connection soon after the harness did."""
        delay = (wire.ended_at or time.monotonic()) - cut_at
        if not wire.ended:
            seen.late = f"the peer did not end the TCP connection within {delay:.1f} s after the harness did"
        elif delay > self._prompt:
            seen.late = f"the peer ended the TCP connection only {delay:.1f} s after the harness did"


def steps_of(case: Case, seen: Seen) -> Steps:
    """Return the frames and steps of a case, for the windows that were agreed upon."""
    if not callable(case.send):
        return case.send
    mine = "client" if seen.role == "server" else "server"
    return case.send((seen.agreed or Agreement()).bits(mine))


def timing(wire: Wire, seen: Seen) -> Timing:
    """Return the times of a connection, in milliseconds.

    `answer`: from the last byte sent to the last message or pong. `close`: to the peer's Close, from the
    harness's, or where the peer's was first, from the last byte. `end`: from both Closes to the server's end
    of TCP.
    """
    asked = wire.close_at
    if asked is None or (seen.close_at is not None and asked > seen.close_at):
        asked = wire.sent_at
    both = max(wire.close_at, seen.close_at) if wire.close_at and seen.close_at else None
    return {
        "answer": _between(wire.sent_at, seen.answered_at),
        "close": _between(asked, seen.close_at),
        "end": _between(both, wire.ended_at) if seen.role == "server" else None,
    }


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(max(end - start, 0.0) * 1000, 1)
