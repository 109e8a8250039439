"""Where other implementations read a stream otherwise than this library, and why this library does not.

Each is one predicate over the frame at which the two part, named after what the peer does. The section of
the RFC that it is about stands in its docstring. `LENIENCIES` has exact bytes for each: a peer that mends its
ways makes `test_differential.py` fail, and its predicate goes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.oracle.inflating import TAIL
from tests.oracle.reading import End, Reading, by_wsproto
from tooling import frames as wire
from wsproto.events import CloseConnection, Ping

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracle.reading import Reader
    from wsproto.events import Event

    Frames = tuple[wire.Frame, ...]
    Predicate = Callable[["Parting"], bool]


@dataclass(frozen=True)
class Parting:
    """The frames that came, up to the first one behind which this library and a peer differ."""

    end: End
    frames: Frames
    ours: Reading
    theirs: Reading
    peer: Reader

    @property
    def last(self) -> wire.Frame:
        """The frame at which they part."""
        return self.frames[-1]

    @property
    def before(self) -> Frames:
        """The frames that both read alike."""
        return self.frames[:-1]

    @property
    def peer_alone_fails(self) -> bool:
        """Whether the peer is the stricter one."""
        return self.theirs.failed and not self.ours.failed

    @property
    def peer_goes_on(self) -> bool:
        """Whether the peer is the more lenient one."""
        return self.ours.failed and not self.theirs.failed


def parting(end: End, stream: bytes, peer: Reader) -> Parting | None:
    """Find where `peer` and this library part over `stream`, if they do.

    A message that is under way at the end of it is ended, and a Close is put behind it.
    """
    frames = tuple(wire.whole_frames(stream))
    frames += closing(end, frames)
    data = b"".join(frame.encode() for frame in frames)
    if by_wsproto(end, data) == peer(end, data):
        return None
    data = b""
    for count, frame in enumerate(frames, start=1):
        data += frame.encode()
        ours, theirs = by_wsproto(end, data), peer(end, data)
        if ours != theirs:
            return Parting(end, frames[:count], ours, theirs, peer)
    raise AssertionError("Two readings of the same bytes differ")  # pragma: no cover


def closing(end: End, frames: Frames) -> Frames:
    """The frames that end a message which `frames` leave under way, and the connection."""
    data = wire.peer_frame(end.client, wire.CONTINUATION) if message_under_way(frames) else b""
    return tuple(wire.decode_frames(data + wire.peer_frame(end.client, wire.CLOSE, wire.close_payload(1000))))


def message_under_way(frames: Frames) -> bool:
    """Whether a message was begun and not ended."""
    data_frames = [frame for frame in frames if frame.opcode <= wire.BINARY]
    return bool(data_frames) and not data_frames[-1].fin


def compressed_payloads(frames: Frames) -> list[bytes]:
    """The payload of each compressed message, its frames joined; the last one may not have ended."""
    payloads: list[bytes] = []
    compressed = False
    for frame in frames:
        if frame.opcode in {wire.TEXT, wire.BINARY}:
            compressed = bool(frame.rsv & wire.RSV1)
            if compressed:
                payloads.append(b"")
        if compressed and frame.opcode <= wire.BINARY:
            payloads[-1] += frame.payload
    return payloads


def in_compressed_message(frames: Frames) -> bool:
    """Whether the last of `frames` belongs to a compressed message."""
    data_frames = [frame for frame in frames if frame.opcode in {wire.TEXT, wire.BINARY}]
    return frames[-1].opcode <= wire.BINARY and bool(data_frames and data_frames[-1].rsv & wire.RSV1)


# The leniencies ----------------------------------------------------------------------------------


def takes_a_length_longer_than_needed(at: Parting) -> bool:
    """RFC 6455 5.2: the minimal number of bytes MUST be used to encode the length."""
    return at.peer_goes_on and at.last.length_form != wire.minimal_form(len(at.last.payload))


def takes_frames_masked_or_not(at: Parting) -> bool:
    """RFC 6455 5.1: a server fails a connection for an unmasked frame, a client for a masked one."""
    return at.peer_goes_on and (at.last.mask is None) != at.end.client


def takes_rsv1_on_a_control_frame(at: Parting) -> bool:
    """RFC 7692 6.1: RSV1 is for the first frame of a message; elsewhere it is an error (6455 5.2)."""
    return at.peer_goes_on and at.end.deflate and at.last.opcode >= wire.CLOSE and at.last.rsv == wire.RSV1


def takes_close_codes_that_may_not_travel(at: Parting) -> bool:
    """RFC 6455 7.4.1 and 7.4.2: 1006 is for no Close frame, and above 4999 there are no codes."""
    code = at.last.close_code or 0
    return at.peer_goes_on and at.last.opcode == wire.CLOSE and (code == 1006 or code >= 5000)


def fails_a_close_inside_a_message(at: Parting) -> bool:
    """RFC 6455 5.4, 5.5.1: control frames may stand between fragments, a Close is no exception."""
    return at.peer_alone_fails and at.last.opcode == wire.CLOSE and message_under_way(at.before)


def begins_a_message_inside_an_empty_one(at: Parting) -> bool:
    """RFC 6455 5.4: fragments of two messages must not be interleaved, whether they have bytes or not."""
    if not (at.peer_goes_on and at.last.opcode in {wire.TEXT, wire.BINARY} and message_under_way(at.before)):
        return False
    begun = max(index for index, frame in enumerate(at.before) if frame.opcode in {wire.TEXT, wire.BINARY})
    return not any(frame.payload for frame in at.before[begun:] if frame.opcode <= wire.BINARY)


def judges_a_message_at_its_end(at: Parting) -> bool:
    """RFC 6455 8.1: bytes that are not UTF-8 fail the connection, but the RFC does not say when."""
    if not (at.peer_goes_on and at.last.opcode <= wire.BINARY and not at.last.fin):
        return False
    ended = b"".join(frame.encode() for frame in (*at.frames, *closing(at.end, at.frames)))
    return at.peer(at.end, ended).failed


def ends_inflating_at_a_final_block(at: Parting) -> bool:
    """RFC 7692 7.2.3.4: a block with BFINAL=1 ends neither the message nor the connection's compression."""
    if not in_compressed_message(at.frames):
        return False
    inflater = zlib.decompressobj(-15)
    try:
        for payload in filter(None, compressed_payloads(at.frames)):
            inflater.decompress(payload + TAIL)
    except zlib.error:
        pass
    return inflater.eof


def inflates_only_the_tail_of_an_empty_payload(at: Parting) -> bool:
    """RFC 7692 7.2.3.6: an empty message is one byte of payload; the tail alone leaves a block half read."""
    return in_compressed_message(at.frames) and b"" in compressed_payloads(at.frames)


FAILED: Final = Reading(failed=True)


@dataclass(frozen=True)
class Leniency:
    """One predicate, and bytes over which a peer and this library part, and what both make of them."""

    peer: str
    predicate: Predicate
    end: End
    stream: str
    """In hexadecimal digits."""
    theirs: Reading
    ours: Reading = FAILED


_SERVER: Final = End(client=False)
_CLIENT: Final = End(client=True)
_DEFLATING: Final = End(client=True, deflate=True)


def read(*events: str | bytes | Event, close: int | None = None) -> Reading:
    """The reading of a stream that nothing is wrong with."""
    return Reading(events, None if close is None else CloseConnection(close, ""))


LENIENCIES: Final = (
    Leniency("websockets", takes_a_length_longer_than_needed, _CLIENT, "827e0001 78", read(b"x")),
    Leniency("aiohttp", takes_a_length_longer_than_needed, _CLIENT, "827e0001 78", read(b"x")),
    Leniency("aiohttp", takes_frames_masked_or_not, _SERVER, "8201 78", read(b"x")),
    Leniency("aiohttp", takes_frames_masked_or_not, _CLIENT, "828100000000 78", read(b"x")),
    Leniency("aiohttp", takes_rsv1_on_a_control_frame, _DEFLATING, "c901 70", read(Ping(b"p"))),
    Leniency("aiohttp", takes_close_codes_that_may_not_travel, _CLIENT, "8802 03ee", read(close=1006)),
    Leniency("aiohttp", takes_close_codes_that_may_not_travel, _CLIENT, "8802 1388", read(close=5000)),
    Leniency(
        "websockets", fails_a_close_inside_a_message, _CLIENT, "0201 78 8802 03e8", FAILED, read(close=1000)
    ),
    Leniency("aiohttp", begins_a_message_inside_an_empty_one, _CLIENT, "0100 8101 78", read("x")),
    Leniency("aiohttp", judges_a_message_at_its_end, _CLIENT, "0101 ff 8900", read()),
    # RFC 7692 7.2.3.4's "Hello", once more with a block that is not the final one.
    Leniency(
        "websockets",
        ends_inflating_at_a_final_block,
        _DEFLATING,
        "c108 f348cdc9c9070000 c107 f248cdc9c90700",
        read("Hello", ""),
        read("Hello", "Hello"),
    ),
    # The same, without the empty block behind the final one.
    Leniency(
        "aiohttp",
        ends_inflating_at_a_final_block,
        _DEFLATING,
        "c107 f348cdc9c90700 c107 f248cdc9c90700",
        Reading(("Hello",), failed=True),
        read("Hello", "Hello"),
    ),
    *(
        Leniency(
            peer,
            inflates_only_the_tail_of_an_empty_payload,
            _DEFLATING,
            "c100 c107 f248cdc9c90700",
            Reading(("",), failed=True),
            read("", "Hello"),
        )
        for peer in ("websockets", "aiohttp")
    ),
)
