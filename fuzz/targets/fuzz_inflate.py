#!/usr/bin/env python3
"""Any bytes as compressed messages (RFC 7692 7.2.2), whole and in fragments, in every window, piece by piece.

The first bytes choose window, limits, how much zlib is given at a time, fragments and reads; the rest is one
message, or several that `SEPARATOR` parts.
The result is compared with that of the tests' own reader, and no piece may exceed its limit.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto"):
    from fuzz.frames import LIMITS, limits_shown, reads_shown
    from fuzz.smaller import smaller_messages
    from tests.oracle.expected_events import Deflate
    from tests.oracle.judging import Setting, assert_received_rightly
    from tooling import frames as wire
    from tooling.mutation import cut
    from wsproto import ConnectionType

CHOICES = 4
SEPARATOR = b"\xff\xff\xff\xff"
"""Separates messages; DEFLATE data seldom holds it, since a block of type 3 is an error."""

UNITS = (2**14, 1, 3, 10, 100)
"""Bytes of a frame that zlib gets at a time: the usual number, and so few that a frame has several units."""

# Bits of the first byte, beside the window in the lowest three.
NO_TAKEOVER, TEXT, CLIENT, PINGS = 0x08, 0x10, 0x20, 0x40


def frames_of(message: bytes, flags: int, fragments: int) -> bytes:
    """Write one compressed message, in `fragments` as `fuzz.frames.cut` makes them, perhaps with pings."""
    client = bool(flags & CLIENT)
    pieces = cut(message, fragments)
    stream = b""
    for index, piece in enumerate(pieces):
        opcode = wire.CONTINUATION if index else wire.TEXT if flags & TEXT else wire.BINARY
        last = index == len(pieces) - 1
        stream += wire.peer_frame(client, opcode, piece, fin=last, rsv=0 if index else wire.RSV1)
        if flags & PINGS:
            stream += wire.peer_frame(client, wire.PING, b"p")
    return stream


def stream_of(data: bytes) -> bytes:
    """Return the frames that `data` stands for."""
    if len(data) < CHOICES:
        return b""
    flags, _, fragments, _ = data[:CHOICES]
    return b"".join(frames_of(message, flags, fragments) for message in data[CHOICES:].split(SEPARATOR))


def choices_of(data: bytes) -> list[str]:
    """Say what the choices of an input mean."""
    if len(data) < CHOICES:
        return []
    flags, limits, fragments, cuts = data[:CHOICES]
    unit, limit = divmod(limits, len(LIMITS))
    messages = data[CHOICES:].split(SEPARATOR)
    return [
        f"role: {'client' if flags & CLIENT else 'server'}",
        f"permessage-deflate: window of {8 + (flags & 7)} bits",
        f"context between messages: {'not kept' if flags & NO_TAKEOVER else 'kept'}",
        f"zlib gets at a time: {UNITS[unit % len(UNITS)]} bytes",
        f"limits: {limits_shown(LIMITS[limit])}",
        f"messages: {len(messages)}, {'text' if flags & TEXT else 'binary'}",
        f"fragments: {'; '.join(reads_shown(cut(message, fragments)) for message in messages)}",
        f"a ping behind each fragment: {'yes' if flags & PINGS else 'no'}",
        f"reads: {reads_shown(cut(stream_of(data), cuts))}",
    ]


def smaller(data: bytes) -> Iterator[bytes]:
    """Yield smaller inputs, which `python -m fuzz minimize` tries."""
    return smaller_messages(data, CHOICES, SEPARATOR)


def test_one_input(data: bytes) -> None:
    """Judge how `data` is inflated."""
    if len(data) < CHOICES:
        return
    flags, limits, _, cuts = data[:CHOICES]
    role = ConnectionType.CLIENT if flags & CLIENT else ConnectionType.SERVER
    unit, limit = divmod(limits, len(LIMITS))
    deflate = Deflate(8 + (flags & 7), not flags & NO_TAKEOVER, UNITS[unit % len(UNITS)])
    assert_received_rightly(Setting(role, deflate, LIMITS[limit]), cut(stream_of(data), cuts))


if __name__ == "__main__":
    main(test_one_input)
