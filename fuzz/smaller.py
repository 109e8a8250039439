"""Makes inputs smaller by what they mean: frames with their lengths, lines of a head, the first choices.

Where a byte is taken from a payload, the length before it is no longer true, and the input fails in another
way, or not at all. So a frame's payload and its length shrink together, fragments become one frame, and a
deflated payload becomes what it inflates to. Each function yields inputs that may be tried, none of which is
larger than its own; `fuzz.minimizer` keeps those that still fail.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.oracle.deflating import Deflater
from tests.oracle.inflating import TAIL
from tooling import frames as wire
from tooling.frames import CLOSE, CONTINUATION, RSV1, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHOICES: Final = 3
"""Bytes of choices before the frames or the head, as `fuzz.frames` has them."""

MOST_CUTS: Final = 32
MOST_PLACES: Final = 64
"""Choices of cuts, and bytes of a stream, that are tried with one another."""

ZEROS: Final = bytes(4)
"""The plainest masking key: what it masks stays as it is."""

PLAIN_KEY: Final = b"A" * 22
"""The plainest value of Sec-WebSocket-Key, before its `==`."""
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}(?===)")

LONGEST_INFLATED: Final = 2**16
"""Bytes up to which a payload is inflated, to deflate a shorter one."""


def smaller_frames(data: bytes) -> Iterator[bytes]:
    """Yield smaller inputs of a target whose input is choices, then frames."""
    choices, stream = data[:CHOICES], data[CHOICES:]
    for smaller in _smaller_streams(stream):
        yield choices + smaller
    yield from (one + stream for one in _smaller_choices(choices))
    # A cut stays where it was in the stream only if it moves with the bytes before it.
    for cuts in range(min(MOST_CUTS, *choices[2:], len(data))):
        for place in range(min(MOST_PLACES, len(stream))):
            yield choices[:2] + bytes([cuts]) + stream[:place] + stream[place + 1 :]


def smaller_head(data: bytes) -> Iterator[bytes]:
    """Yield smaller inputs of a target whose input is choices, a head of HTTP, then frames."""
    choices, rest = data[:CHOICES], data[CHOICES:]
    head, end, behind = rest.partition(b"\r\n\r\n")
    if behind:
        yield choices + head + end
    yield choices + _KEY.sub(PLAIN_KEY, head) + end + behind
    for separator in (b"\r\n", b",", b";", b" "):
        parts = head.split(separator)
        for left_out in _runs(len(parts)):
            yield choices + separator.join(parts[: left_out.start] + parts[left_out.stop :]) + end + behind
    for smaller in _smaller_streams(behind):
        yield choices + head + end + smaller
    yield from (one + rest for one in _smaller_choices(choices))


def smaller_messages(data: bytes, choices: int, separator: bytes) -> Iterator[bytes]:
    """Yield smaller inputs of a target whose input is choices, then deflated messages."""
    first, messages = data[:choices], data[choices:].split(separator)
    for left_out in _runs(len(messages)):
        yield first + separator.join(messages[: left_out.start] + messages[left_out.stop :])
    for index, message in enumerate(messages):
        for smaller in _deflated_anew(message):
            yield first + separator.join([*messages[:index], smaller, *messages[index + 1 :]])
    yield from (one + data[choices:] for one in _smaller_choices(first))


def _smaller_choices(choices: bytes) -> Iterator[bytes]:
    """Yield each byte's smaller values, the least first."""
    for index, byte in enumerate(choices):
        for value in range(byte):
            yield choices[:index] + bytes([value]) + choices[index + 1 :]


def _runs(count: int) -> Iterator[slice]:
    """Yield what may be left out of so many: halves, then less, down to each one, the last ones first."""
    size = count
    while size:
        for start in range(count - size, -size, -size):
            yield slice(max(0, start), start + size)
        size //= 2


def _smaller_streams(stream: bytes) -> Iterator[bytes]:
    """Yield streams of fewer or smaller frames, and the bytes behind the whole ones."""
    frames = wire.leading_frames(stream)
    if (half := _half_a_frame(stream[sum(len(_written(frame)) for frame in frames) :])) is not None:
        frames.append(half)
    # What cannot be written anew, byte for byte, stays as it is.
    rest = stream[sum(len(_written(frame)) for frame in frames) :]
    for changed in _smaller_rows(frames):
        yield b"".join(map(_written, changed)) + rest


def _half_a_frame(rest: bytes) -> Frame | None:
    """Read a frame whose header came, and less of its payload than the header says."""
    if len(rest) < 2:
        return None
    length, form = rest[1] & 0x7F, 7
    start = 2
    if length > 125:
        form = 16 if length == 126 else 64
        start += form // 8
        length = int.from_bytes(rest[2:start], "big")
    mask = rest[start : start + 4] if rest[1] & 0x80 else None
    start += 4 if mask is not None else 0
    if len(rest) < start:
        return None
    payload = rest[start:] if mask is None else wire.xor(rest[start:], mask)
    return Frame(rest[0] & 0x0F, payload, bool(rest[0] & 0x80), rest[0] >> 4 & 7, mask, form, length)  # type: ignore[arg-type]


def _written(frame: Frame) -> bytes:
    return frame.encode()


def _smaller_rows(frames: list[Frame]) -> Iterator[list[Frame]]:
    for left_out in _runs(len(frames)):
        yield frames[: left_out.start] + frames[left_out.stop :]
    for index in range(len(frames)):
        yield from _merged(frames, index)
    for change in (_plain_key, _plain_bits, _shorter_payload, _declared_less, _inflated):
        for index, frame in enumerate(frames):
            for changed in change(frame):
                yield [*frames[:index], changed, *frames[index + 1 :]]


def _merged(frames: list[Frame], index: int) -> Iterator[list[Frame]]:
    """Make one frame of a fragment and the next of its message, over the control frames between."""
    one = frames[index]
    if one.fin or one.opcode >= CLOSE or one.declared is not None:
        return
    for place in range(index + 1, len(frames)):
        other = frames[place]
        if other.opcode == CONTINUATION and other.declared is None:
            both = replace(one, payload=one.payload + other.payload, fin=other.fin, length_form=None)
            yield [*frames[:index], both, *frames[index + 1 : place], *frames[place + 1 :]]
        if other.opcode < CLOSE:
            return


def _plain_key(frame: Frame) -> Iterator[Frame]:
    if frame.mask is not None:
        yield replace(frame, mask=ZEROS)  # the payload stays
        yield replace(frame, mask=ZEROS, payload=wire.xor(frame.payload, frame.mask))  # the bytes do


def _plain_bits(frame: Frame) -> Iterator[Frame]:
    if frame.rsv:
        yield replace(frame, rsv=0)


def _shorter_payload(frame: Frame) -> Iterator[Frame]:
    """Leave out pieces of a payload, and blank others; its length follows, in the shortest form if it may."""
    payload = frame.payload
    for part in _runs(len(payload)):
        shorter = payload[: part.start] + payload[part.stop :]
        if frame.declared is None:
            yield replace(frame, payload=shorter, length_form=None)
            yield from _same_form(frame, shorter)
        else:
            less = frame.declared - len(payload) + len(shorter)
            yield replace(frame, payload=shorter, declared=less, length_form=None)
            yield replace(frame, payload=shorter)  # as long as before, though less of it came
    for part in _runs(len(payload)):
        blank = payload[: part.start] + bytes(part.stop - part.start) + payload[part.stop :]
        if blank != payload:
            yield replace(frame, payload=blank)
    if frame.declared is None:
        yield replace(frame, length_form=None)


def _same_form(frame: Frame, payload: bytes) -> Iterator[Frame]:
    """Shorten a payload whose length is written in more bits than it needs."""
    if frame.length_form != wire.minimal_form(len(frame.payload)):
        yield replace(frame, payload=payload)


def _declared_less(frame: Frame) -> Iterator[Frame]:
    """Let a frame that has not all come say that it is shorter, down to just more than what came."""
    if frame.declared is not None:
        came = len(frame.payload)
        # The last bytes of each form, halves, and what is just more than came.
        for length in sorted({came, came + 1, 125, 126, 65_535, 65_536, (frame.declared + came) // 2}):
            if came <= length < frame.declared:
                yield replace(frame, declared=length, length_form=None)


def _inflated(frame: Frame) -> Iterator[Frame]:
    """Send a deflated message as it is, and deflate less of it."""
    if frame.rsv & RSV1 and frame.declared is None:
        for payload in _deflated_anew(frame.payload):
            yield replace(frame, payload=payload, length_form=None)
        plain = _plain_of(frame.payload)
        if plain is not None:
            yield replace(frame, payload=plain, rsv=frame.rsv & ~RSV1, length_form=None)


def _plain_of(payload: bytes) -> bytes | None:
    try:
        return zlib.decompressobj(-15).decompress(payload + TAIL, LONGEST_INFLATED)
    except zlib.error:
        return None


def _deflated_anew(payload: bytes) -> Iterator[bytes]:
    """Yield a deflated message of less plain bytes, or of plainer ones."""
    plain = _plain_of(payload)
    if plain is None:
        return
    deflated: Callable[[bytes], bytes] = lambda text: Deflater(level=9).message(text)  # noqa: E731
    yield from (deflated(plain[:size]) for size in (0, 1, 2, 3, 4, len(plain)))
    for part in _runs(len(plain)):
        yield deflated(plain[: part.start] + plain[part.stop :])
    for part in _runs(len(plain)):
        yield deflated(plain[: part.start] + bytes(part.stop - part.start) + plain[part.stop :])
