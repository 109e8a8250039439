"""Frames as the extra cases write and read them (RFC 6455 5.2), lawful or not; no code of the library."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

RSV1: Final = 4
RSV2: Final = 2

MAX_PAYLOAD = 8 * 2**20
"""Bytes in the longest frame that is read: no case asks for a longer answer."""


class FrameError(Exception):
    """The peer sent what is no frame, or one that no case asks for."""


@dataclass(frozen=True)
class Frame:
    """A frame, and how it is written.

    `rsv` holds the three reserved bits, `RSV1` the first. A frame to be sent is masked as its sender has to,
    with a random key or this one; `wrong_mask` does otherwise. `length_bits` (7, 16 or 64) writes the length
    longer than need be, and `declared` writes another length than the payload has.
    """

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    key: bytes | None = None
    wrong_mask: bool = False
    length_bits: int | None = None
    declared: int | None = None

    @property
    def masked(self) -> bool:
        """Whether a frame on the wire is masked."""
        return self.key is not None

    def keyed(self, *, by_client: bool) -> Frame:
        """Give the same frame as the client or the server sends it, with a masking key or without."""
        masked = by_client != self.wrong_mask
        return replace(self, key=(self.key or os.urandom(4)) if masked else None)

    def encode(self) -> bytes:
        """Write it; it has to be `keyed`."""
        length = len(self.payload) if self.declared is None else self.declared
        bits = self.length_bits or minimal_bits(length)
        mask_bit = 0x80 if self.masked else 0
        head = bytes([(0x80 if self.fin else 0) | self.rsv << 4 | self.opcode])
        if bits == 7:
            head += bytes([mask_bit | length])
        elif bits == 16:
            head += bytes([mask_bit | 126]) + length.to_bytes(2, "big")
        else:
            head += bytes([mask_bit | 127]) + length.to_bytes(8, "big")
        if self.key is None:
            return head + self.payload
        return head + self.key + xor(self.payload, self.key)


def minimal_bits(length: int) -> int:
    """Give the shortest of the three ways to write a payload length."""
    if length <= 125:
        return 7
    return 16 if length <= 0xFFFF else 64


def xor(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask (RFC 6455 5.3)."""
    if not any(key):
        return payload
    repeated = key * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[: len(payload)], "big")
    return number.to_bytes(len(payload), "big")


def take_frame(data: bytearray) -> Frame | None:
    """Take a whole frame off the front of `data`; None where it is not yet whole.

    Raises `FrameError` for one that is longer than any case asks for.
    """
    if len(data) < 2:
        return None
    length, start, bits = data[1] & 0x7F, 2, 7
    if length > 125:
        bits = 16 if length == 126 else 64
        start = 2 + bits // 8
        if len(data) < start:
            return None
        length = int.from_bytes(data[2:start], "big")
    if length > MAX_PAYLOAD:
        raise FrameError(f"a frame of {length} bytes came, which no case asks for")
    key_end = start + (4 if data[1] & 0x80 else 0)
    end = key_end + length
    if len(data) < end:
        return None
    key = bytes(data[start:key_end]) or None
    payload = bytes(data[key_end:end])
    frame = Frame(
        opcode=data[0] & 0x0F,
        payload=xor(payload, key) if key else payload,
        fin=bool(data[0] & 0x80),
        rsv=data[0] >> 4 & 7,
        key=key,
        length_bits=bits,
    )
    del data[:end]
    return frame


def text(payload: str, *, fin: bool = True, key: bytes | None = None, wrong_mask: bool = False) -> Frame:
    """Give a text frame."""
    return Frame(TEXT, payload.encode(), fin, key=key, wrong_mask=wrong_mask)


def close(code: int | None, reason: bytes = b"") -> Frame:
    """Give a Close frame."""
    return Frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)
