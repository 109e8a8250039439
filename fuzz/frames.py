"""The input of a frames target: three bytes of choices, then the bytes that the peer writes."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from tests.oracle.expected_events import Deflate
from tests.oracle.judging import Setting, assert_received_rightly
from tooling.mutation import cut
from wsproto import Limits

if TYPE_CHECKING:
    from wsproto import ConnectionType
    from wsproto.events import Event

CHOICES = 3
"""Bytes of choices."""

#: Bits of the first byte.
DEFLATE = 0x01
NO_TAKEOVER = 0x02
SMALL_WINDOW = 0x04
END_OF_FILE = 0x08
ONE_BY_ONE = 0x10
TOGETHER = 0x40
INERT = 0x80  # where nothing is deflated
CLIENT = 0x20  # where a target serves both roles

LIMITS = (
    Limits(),
    Limits(max_frame_size=130),
    Limits(max_message_size=20),
    Limits(max_fragments=2),
    Limits(max_inflated_size=1, max_message_size=40),
    Limits(max_inflated_size=1000),
    Limits(max_frame_size=0, max_fragments=0),
    Limits(max_frame_size=70_000, max_message_size=70_000, max_fragments=5, max_inflated_size=1000),
)
"""The second byte chooses one of them. Where pieces are tiny, messages are small, or a bomb has millions."""


@cache
def _setting(role: ConnectionType, flags: int, limits: int) -> Setting:
    deflate = None
    if flags & DEFLATE:
        deflate = Deflate(9 if flags & SMALL_WINDOW else 15, takeover=not flags & NO_TAKEOVER)
    inert = bool(flags & INERT) and deflate is None
    return Setting(role, deflate, LIMITS[limits], inert)


def stream_of(data: bytes) -> bytes:
    """Return the bytes that the peer writes, to show the frames of an input."""
    return data[CHOICES:]


def choices_of(role: ConnectionType, data: bytes) -> list[str]:
    """Say what the choices of an input mean, a line each."""
    if len(data) < CHOICES:
        return []
    flags, limits, cuts = data[:CHOICES]
    deflate = ""
    if flags & DEFLATE:
        window, takeover = 9 if flags & SMALL_WINDOW else 15, not flags & NO_TAKEOVER
        deflate = f"window of {window} bits, context {'kept' if takeover else 'not kept'} between messages"
    elif flags & INERT:
        deflate = "none, but an extension that changes nothing"
    taken = "by an iterator each" if flags & ONE_BY_ONE else "after each read"
    return [
        f"role: {role.name.lower()}",
        f"permessage-deflate: {deflate or 'none'}",
        f"limits: {limits_shown(LIMITS[limits % len(LIMITS)])}",
        f"reads: {reads_shown(cut(data[CHOICES:], cuts))}",
        f"events taken: {'after all reads' if flags & TOGETHER else taken}",
        f"end of file behind it: {'yes' if flags & END_OF_FILE else 'no'}",
    ]


def limits_shown(limits: Limits) -> str:
    """Name the limits that differ from the defaults."""
    usual = asdict(Limits())
    own = [f"{name}={value}" for name, value in asdict(limits).items() if value != usual[name]]
    return ", ".join(own) or "the defaults"


def reads_shown(pieces: list[bytes]) -> str:
    """Say where a stream is cut; a place that stands twice has an empty read."""
    size = sum(map(len, pieces))
    ends = [str(end) for end in accumulate(len(piece) for piece in pieces) if end < size]
    return f"cut after {', '.join(ends)} of {size} bytes" if ends else "one"


def judge_frames(role: ConnectionType, data: bytes) -> tuple[Setting, list[Event]]:
    """Let one end of a connection receive the bytes behind the choices of `data`, and judge its events."""
    flags, limits, cuts = data[:CHOICES]
    setting = _setting(role, flags & (DEFLATE | NO_TAKEOVER | SMALL_WINDOW | INERT), limits % len(LIMITS))
    events = assert_received_rightly(
        setting,
        cut(data[CHOICES:], cuts),
        eof=bool(flags & END_OF_FILE),
        one_by_one=bool(flags & ONE_BY_ONE),
        together=bool(flags & TOGETHER),
    )
    return setting, events
