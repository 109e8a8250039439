"""The tests' own encoder and decoder of WebSocket frames (RFC 6455 5.2).

They share no code with the library.
The encoder refuses nothing: it writes frames that no peer may send. The decoder takes any complete frame and
reports how it was written, so that a test can judge it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wsproto import Connection, WSConnection
    from wsproto.events import Event

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

#: The key of RFC 6455 5.7's masked example.
MASK: Final = b"\x37\xfa\x21\x3d"


@dataclass(frozen=True)
class WireFrame:
    """One frame as it stood on the wire; `payload` is unmasked, `length_form` the bits its length took."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    mask: bytes | None = None
    length_form: LengthForm = 7

    @property
    def close_code(self) -> int | None:
        """The code of a Close frame's payload, None for an empty one."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None

    @property
    def close_reason(self) -> str:
        """The reason of a Close frame's payload."""
        return self.payload[2:].decode()

    def written(self) -> bytes:
        """The bytes that it was read from."""
        return frame(
            self.opcode,
            self.payload,
            fin=self.fin,
            rsv=self.rsv,
            mask=self.mask,
            length_form=self.length_form,
        )


class IncompleteFrameError(ValueError):
    """The last frame ends too early: it begins at the offset `start`, and `missing` bytes more are wanted."""

    def __init__(self, data: bytes, start: int, missing: int) -> None:
        super().__init__(f"the frame wants {missing} bytes more: {data[start : start + 32].hex()}")
        self.start = start
        self.missing = missing


def xor(payload: bytes, key: bytes) -> bytes:
    """`payload[i] XOR key[i mod 4]`, as RFC 6455 5.3 writes it."""
    return bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


def minimal_form(length: int) -> LengthForm:
    """The shortest of the three ways to write a payload length."""
    if length <= 125:
        return 7
    return 16 if length <= 0xFFFF else 64


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length_form: LengthForm | None = None,
    length: int | None = None,
) -> bytes:
    """Write one frame.

    `rsv` holds the three reserved bits (RSV1 is 4). `mask` is the four-byte key, None for an unmasked frame.
    `length_form` forces 7, 16 or 64 bits of length, `length` declares another length than the payload has.
    """
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


def peer_frame(
    client: bool,
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
    """The payload of a Close frame; a reason may be given as bytes that are no UTF-8."""
    reason_bytes = reason.encode() if isinstance(reason, str) else reason
    return (b"" if code is None else code.to_bytes(2, "big")) + reason_bytes


def decode_frames(data: bytes) -> list[WireFrame]:
    """Read `data` as a row of complete frames; anything left over is a ValueError."""
    frames = []
    offset = 0
    while offset < len(data):
        one, offset = _decode_frame(data, offset)
        frames.append(one)
    return frames


def leading_frames(data: bytes) -> list[WireFrame]:
    """Read the complete frames that `data` begins with; what is left over does not count."""
    frames = []
    offset = 0
    while offset < len(data):
        try:
            one, offset = _decode_frame(data, offset)
        except ValueError:
            break
        frames.append(one)
    return frames


def decode_frame(data: bytes) -> WireFrame:
    """Read `data` as exactly one frame."""
    frames = decode_frames(data)
    if len(frames) != 1:
        raise ValueError(f"{len(frames)} frames where one was expected")
    return frames[0]


def whole_frames(data: bytes) -> list[WireFrame]:
    """Read any `data`, its last frame filled up with zeros, or left out where it wants more than 64 KiB."""
    while True:
        try:
            return decode_frames(data)
        except IncompleteFrameError as incomplete:
            data = (
                data[: incomplete.start] if incomplete.missing > 0xFFFF else data + bytes(incomplete.missing)
            )


def _decode_frame(data: bytes, start: int) -> tuple[WireFrame, int]:
    offset = start

    def take(count: int) -> bytes:
        nonlocal offset
        offset += count
        if offset > len(data):
            raise IncompleteFrameError(data, start, offset - len(data))
        return data[offset - count : offset]

    first, second = take(2)
    length = second & 0x7F
    form: LengthForm = 7
    if length == 126:
        form = 16
        length = int.from_bytes(take(2), "big")
    elif length == 127:
        form = 64
        length = int.from_bytes(take(8), "big")
    mask: bytes | None = None
    if second & 0x80:
        mask = take(4)
    payload = take(length)
    if mask is not None:
        payload = xor(payload, mask)
    return (
        WireFrame(
            opcode=first & 0x0F,
            payload=payload,
            fin=bool(first & 0x80),
            rsv=first >> 4 & 7,
            mask=mask,
            length_form=form,
        ),
        offset,
    )


def receive(connection: Connection | WSConnection, data: bytes | None) -> list[Event]:
    """Hand `data` to `connection` and return all events that it gives."""
    connection.receive_data(data)
    return list(connection.events())


def feed(connection: Connection | WSConnection, *pieces: bytes | None, cut: bool = False) -> list[Event]:
    """Hand `pieces` to `connection` one by one, or `cut` into single bytes; return all events."""
    reads = [one for piece in pieces for one in (single_bytes(piece) if cut and piece else [piece])]
    return [event for read in reads for event in receive(connection, read)]


def read_through(connection: Connection | WSConnection, data: bytes, size: int = 2**16) -> None:
    """Hand `data` to `connection` in reads of `size` bytes; drop the events as they come."""
    for start in range(0, len(data), size):
        connection.receive_data(data[start : start + size])
        for _ in connection.events():
            pass


def receive_cut(connection: Connection | WSConnection, pieces: Iterable[bytes]) -> list[Event]:
    """Hand `pieces` to `connection` one by one, taking the events after each.

    The pieces after the one that closed the connection are left out: they would be an error.
    """
    events: list[Event] = []
    for piece in pieces:
        if connection.state.name == "CLOSED":
            break
        events += receive(connection, piece)
    return events


def single_bytes(data: bytes) -> Iterator[bytes]:
    """`data` in reads of one byte."""
    return (data[index : index + 1] for index in range(len(data)))
