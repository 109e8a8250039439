"""Plays a sequence against a server, and keeps what the server did."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from harness.endpoints.reach import connect
from harness.extra.deflating import (
    NAME,
    Agreement,
    NegotiationError,
    agreement,
    parse_extensions,
)
from harness.extra.expectations import PROBE
from harness.extra.frames import close
from harness.extra.heads import EXTENSIONS, KEY, response_fault
from harness.extra.seen import Seen
from harness.extra.wire import CUT_PAUSE
from harness.fuzzing.deflated import Deflater
from harness.fuzzing.model import NORMAL, Expected, expect
from tooling.mutation import cut

if TYPE_CHECKING:
    from harness.extra.deflating import Element
    from harness.extra.heads import Head
    from harness.extra.place import Place
    from harness.extra.wire import Wire
    from harness.fuzzing.sequence import Sent, Sequence

GRACE = 0.2
"""The part of its patience that a server has to fail a connection on which it has answered the ping."""

Missing = Literal["", "response", "messages", "pong", "failure", "close", "end"]


@dataclass
class Played:
    """One play of a sequence, and what the server did in it."""

    sequence: Sequence
    seen: Seen = field(default_factory=lambda: Seen("server"))
    head_fault: str = ""
    """What is wrong with the response."""
    negotiation_fault: str = ""
    """What is wrong with its answer to the offers."""
    frames: list[Sent] = field(default_factory=list)
    """The frames of the sequence as they went out."""
    expected: Expected | None = None
    """What the server had to do, where a WebSocket opened and frames were sent."""
    sent: int = 0
    """How many frames went out before the server closed."""
    missing: Missing = ""
    """What did not come in time."""
    closed_first: bool = False
    """Whether the fuzzer sent a Close of its own, behind all that was due."""

    @property
    def status(self) -> int:
        """The status of the response, 0 for none."""
        return self.seen.head.status if self.seen.head else 0

    @property
    def slow(self) -> bool:
        """Whether more patience could have shown something else."""
        return bool(self.missing)


class Player:
    """Plays sequences against one server.

    :param patience: seconds that the server has for each answer.
    :param limit: bytes in the longest message that it has to take.
    """

    def __init__(self, place: Place, patience: float, limit: int) -> None:
        self.place = place
        self.patience = patience
        self.limit = limit

    async def play(self, sequence: Sequence) -> Played:
        """Play a sequence once; raises `UnreachableError` where no connection is possible."""
        played = Played(sequence)
        wire = await connect(self.place, self.patience)
        try:
            await self._open(wire, played)
            goes_on = played.seen.opened and sequence.wanted != "refuse"
            if goes_on and not played.head_fault and not played.negotiation_fault:
                await self._exchange(wire, played)
        finally:
            wire.abort()
        return played

    async def _open(self, wire: Wire, played: Played) -> None:
        """Send the request, and read the response."""
        seen, sequence = played.seen, played.sequence
        request = self.place.asked(sequence.request)
        await wire.send(request.encode(host=self.place.authority, key=sequence.key))
        head = await wire.read_head(self.patience)
        while head and 100 <= head.status < 200 and head.status != 101:
            head = await wire.read_head(self.patience)
        seen.head = head
        seen.ended = "closed" if wire.ended and head is None else ""
        if head is None:
            played.missing = "" if wire.ended else "response"
        elif head.status == 101:
            seen.opened = True
            keys = [key.replace("{key}", sequence.key) for key in request.values(KEY)] or [""]
            faults = [response_fault(head, key, request) for key in keys]
            played.head_fault = faults[0].text if faults[0] and all(faults) else ""
            self._agree(played, head, request)

    def _agree(self, played: Played, head: Head, request: Head) -> None:
        """Take the server's answer to the offers, if it may give it."""
        offers = parse_extensions(request.values(EXTENSIONS))
        for answer in parse_extensions(head.values(EXTENSIONS)):
            try:
                played.seen.agree(_agreed(offers, answer))
            except NegotiationError as error:
                played.negotiation_fault = played.negotiation_fault or str(error)

    async def _exchange(self, wire: Wire, played: Played) -> None:
        """Send the frames, wait for what is due, and end the connection."""
        seen, agreed = played.seen, played.seen.agreed
        frames = played.sequence.frames
        played.frames = Deflater(agreed).written(frames) if agreed else list(frames)
        expected = played.expected = expect(played.frames, agreed, self.limit)
        await self._send(wire, played, expected)
        if not played.missing and not seen.over:
            await self._finish(wire, played, expected)
        wire.drain(seen)
        if expected.unfinished or played.missing in {"messages", "pong", "failure"} or not seen.over:
            return
        if seen.close and wire.sent_close is None:
            await wire.send_close(close(seen.code))
        if not seen.ended and not await wire.wait_end(self.patience):
            played.missing = "end"
        wire.drain(seen)

    async def _send(self, wire: Wire, played: Played, expected: Expected) -> None:
        """Send the frames, those in one row that do not wait for answers."""
        frames = played.frames
        starts = [0, *(place for place, frame in enumerate(frames) if frame.waits and place), len(frames)]
        for start, end in pairwise(starts):
            if start and expected.stops_at is not None and expected.stops_at < start:
                return  # it waits for the end
            if start and expected.unclear_from is None:
                await self._await(wire, played, expected, start)
            if played.missing or played.seen.over:
                return
            played.sent = end
            data = wire.encode(frames[start:end])
            for piece in cut(data, played.sequence.cut):
                await wire.send(piece, played.seen)
                if played.sequence.cut:
                    await asyncio.sleep(CUT_PAUSE)

    async def _await(self, wire: Wire, played: Played, expected: Expected, place: int) -> None:
        """Wait for the messages, and the pong, that are due before a frame."""
        seen = played.seen
        pings = [payload for at, payload in expected.pings if at < place]

        def unmet() -> Missing:
            if seen.over:
                return ""
            if seen.counts["message"] < expected.due[place]:
                return "messages"
            return "pong" if pings and ("pong", pings[-1]) not in seen.events else ""

        await wire.read_frames(seen, lambda: not unmet(), self.patience)
        played.missing = unmet()

    async def _finish(self, wire: Wire, played: Played, expected: Expected) -> None:
        """Have the server fail the connection, or take part in the closing handshake."""
        seen = played.seen
        if expected.unfinished:
            await wire.read_frames(seen, lambda: seen.over, CUT_PAUSE)
        elif expected.fails_at is not None:
            await self._probe(wire, played)
        else:
            if expected.closes_at is None:
                if expected.unclear_from is None:
                    await self._await(wire, played, expected, len(played.frames))
                if played.missing or seen.over:
                    return
                played.closed_first = True
                await wire.send_close(NORMAL)
            if not await wire.read_frames(seen, lambda: bool(seen.close or seen.ended), self.patience):
                played.missing = "close"

    async def _probe(self, wire: Wire, played: Played) -> None:
        """Ask a server that has to have failed the connection if it is still open."""
        seen = played.seen
        await wire.send(wire.encode([PROBE]))
        pong = ("pong", PROBE.payload)
        await wire.read_frames(seen, lambda: seen.over or pong in seen.events, self.patience)
        if not seen.over:
            await wire.read_frames(seen, lambda: seen.over, GRACE * self.patience)
        if not seen.over:
            played.missing = "failure"


def _agreed(offers: list[Element], answer: Element) -> Agreement:
    """Judge an answer by the offer that it fits; raises `NegotiationError` where there is no right one."""
    faults = []
    for offer in offers:
        if offer[0] != answer[0] or answer[0] != NAME:
            continue
        try:
            agreed = agreement(offer, answer)
        except (NegotiationError, ValueError) as error:  # a window in the offer may be no number
            faults.append(str(error))
            continue
        if not (fault := offer_fault(offer)):
            return agreed
        faults.insert(0, f"the server took an offer that has {fault}")
    raise NegotiationError(faults[0] if faults else f"the answer has {answer[0]!r}, which was not offered")


def offer_fault(offer: Element) -> str:
    """Name what has a server decline an offer of permessage-deflate (RFC 7692 7, 7.1)."""
    names = [name for name, _ in offer[1]]
    for name, value in offer[1]:
        if names.count(name) > 1:
            return f"{name!r} twice"
        if name in {"server_no_context_takeover", "client_no_context_takeover"}:
            if value is not None:
                return f"{name!r} with the value {value!r}"
        elif name in {"server_max_window_bits", "client_max_window_bits"}:
            optional = name == "client_max_window_bits" and value is None
            if not optional and value not in {"8", "9", "10", "11", "12", "13", "14", "15"}:
                return f"{name!r} with the value {value!r}"
        else:
            return f"the unknown parameter {name!r}"
    return ""
