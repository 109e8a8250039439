"""WebSocket frames (RFC 6455 5.2), written and read without a line of the library.

Tools that judge the library make their bytes here, and read here the bytes that the library sent. Writing
refuses nothing: it also writes frames that no peer may send. Reading takes any whole frame and tells how it
was written.

It needs the standard library alone: programs use it in the environments of peers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

RSV1: Final = 4
RSV2: Final = 2
RSV3: Final = 1

LengthForm = Literal[7, 16, 64]
"""The number of bits in which a payload length is written."""

MASK: Final = b"\x37\xfa\x21\x3d"
"""The key of the masked example in RFC 6455 5.7."""

MAX_LENGTH: Final = 2**64 - 1
"""The most that 64 bits of length can say; half of it is more than a peer may send."""


@dataclass(frozen=True)
class Frame:
    """One frame, on the wire or to be written; `payload` is unmasked.

    `rsv` holds the three reserved bits, `RSV1` the first. `mask` is the four-byte key, None for an unmasked
    frame. `length_form` is the shortest where it is not given. `declared` is written as the length in
    place of the payload's own; a frame that was read has none.
    """

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    mask: bytes | None = None
    length_form: LengthForm | None = None
    declared: int | None = None

    def __post_init__(self) -> None:
        if self.length_form is None:
            length = len(self.payload) if self.declared is None else self.declared
            object.__setattr__(self, "length_form", minimal_form(length))

    @property
    def masked(self) -> bool:
        """Whether it has a masking key."""
        return self.mask is not None

    @property
    def close_code(self) -> int | None:
        """The code of a Close frame's payload, None for an empty one."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None

    @property
    def close_reason(self) -> str:
        """The reason of a Close frame's payload."""
        return self.payload[2:].decode()

    def encode(self) -> bytes:
        """Return its bytes on the wire."""
        return frame(
            self.opcode,
            self.payload,
            fin=self.fin,
            rsv=self.rsv,
            mask=self.mask,
            length_form=self.length_form,
            length=self.declared,
        )


class IncompleteFrameError(ValueError):
    """The frame that begins at the offset `start` ends too early: it wants `missing` bytes more, at least."""

    def __init__(self, data: bytes | bytearray, start: int, missing: int) -> None:
        super().__init__(f"the frame wants {missing} bytes more: {data[start : start + 32].hex()}")
        self.start = start
        self.missing = missing


class LongFrameError(ValueError):
    """A frame says that its payload has `length` bytes, which is over the limit."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"a frame of {length} bytes came, at most {limit} are taken")
        self.length = length


def xor(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask (RFC 6455 5.3), as one XOR of two large numbers."""
    if not any(key):
        return payload
    size = len(payload)
    keys = key * (size // 4 + 1)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys[:size], "big")).to_bytes(size, "big")


def minimal_form(length: int) -> LengthForm:
    """Return the shortest of the three ways to write a payload length."""
    if length <= 125:
        return 7
    return 16 if length <= 0xFFFF else 64


def frame(  # noqa: PLR0913  # a frame has that many parts
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length_form: LengthForm | None = None,
    length: int | None = None,
) -> bytes:
    """Write one frame; the parameters are those of `Frame`, `length` is its `declared`."""
    declared = len(payload) if length is None else length
    form = minimal_form(declared) if length_form is None else length_form
    mask_bit = 0 if mask is None else 0x80
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if form == 7:
        head = bytes([first, mask_bit | declared])
    elif form == 16:
        head = bytes([first, mask_bit | 126]) + declared.to_bytes(2, "big")
    else:
        head = bytes([first, mask_bit | 127]) + declared.to_bytes(8, "big")
    return head + payload if mask is None else head + mask + xor(payload, mask)


def peer_frame(  # noqa: PLR0913  # likewise
    client: bool,  # noqa: FBT001  # whose peer: half of the calls pass a parameter of a test
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    length_form: LengthForm | None = None,
    length: int | None = None,
) -> bytes:
    """Write one frame as the peer of a client (or of a server) writes it: unmasked (or masked)."""
    mask = None if client else MASK
    return frame(opcode, payload, fin=fin, rsv=rsv, mask=mask, length_form=length_form, length=length)


def close_payload(code: int | None = None, reason: str | bytes = b"") -> bytes:
    """Return the payload of a Close frame; a reason may be given as bytes, which need not be UTF-8."""
    reason_bytes = reason.encode() if isinstance(reason, str) else reason
    return (b"" if code is None else code.to_bytes(2, "big")) + reason_bytes


def decode_frames(data: bytes) -> list[Frame]:
    """Read `data` as a row of whole frames; anything left over is an `IncompleteFrameError`."""
    frames = []
    offset = 0
    while offset < len(data):
        one, offset = read_frame(data, offset)
        frames.append(one)
    return frames


def decode_frame(data: bytes) -> Frame:
    """Read `data` as exactly one frame."""
    frames = decode_frames(data)
    if len(frames) != 1:
        raise ValueError(f"{len(frames)} frames where one was expected")
    return frames[0]


def leading_frames(data: bytes) -> list[Frame]:
    """Read the whole frames that `data` begins with, and ignore the bytes after them."""
    try:
        return decode_frames(data)
    except IncompleteFrameError as incomplete:
        return decode_frames(data[: incomplete.start])


def whole_frames(data: bytes) -> list[Frame]:
    """Read any `data`, its last frame filled up with zeros, or left out where it wants more than 64 KiB."""
    while True:
        try:
            return decode_frames(data)
        except IncompleteFrameError as incomplete:
            fits = incomplete.missing <= 0xFFFF
            data = data + bytes(incomplete.missing) if fits else data[: incomplete.start]


def take_frame(data: bytearray, limit: int) -> Frame | None:
    """Take a whole frame off the front of `data`; None where it is not yet whole.

    Raises `LongFrameError` for a payload of more than `limit` bytes, as soon as its header is there.
    """
    try:
        one, end = read_frame(data, 0, limit)
    except IncompleteFrameError:
        return None
    del data[:end]
    return one


def read_frame(data: bytes | bytearray, start: int = 0, limit: int = MAX_LENGTH) -> tuple[Frame, int]:
    """Read the frame at an offset, and return the offset behind it.

    Raises `IncompleteFrameError`, and `LongFrameError` for a payload of more than `limit` bytes.
    """
    offset = start

    def take(count: int) -> bytes:
        nonlocal offset
        offset += count
        if offset > len(data):
            raise IncompleteFrameError(data, start, offset - len(data))
        return bytes(data[offset - count : offset])

    first, second = take(2)
    length = second & 0x7F
    form: LengthForm = 7
    if length > 125:
        form = 16 if length == 126 else 64
        length = int.from_bytes(take(form // 8), "big")
    if length > limit:
        raise LongFrameError(length, limit)
    mask = take(4) if second & 0x80 else None
    payload = take(length)
    return (
        Frame(
            opcode=first & 0x0F,
            payload=payload if mask is None else xor(payload, mask),
            fin=bool(first & 0x80),
            rsv=first >> 4 & 7,
            mask=mask,
            length_form=form,
        ),
        offset,
    )
