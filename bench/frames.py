"""The benchmark's own encoder and decoder of frames (RFC 6455 5.2): nothing that is measured makes the bytes.

The standard library alone, since the workers read it inside each peer's environment.
"""

from __future__ import annotations

from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Message(NamedTuple):
    """A message or a control frame, whole: text as its UTF-8 bytes, a Close as its payload."""

    opcode: int
    payload: bytes


class Frame(NamedTuple):
    """One frame as it stands on the wire, unmasked."""

    fin: bool
    compressed: bool
    opcode: int
    masked: bool
    payload: bytes


def xor(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask, as one XOR of two large numbers."""
    size = len(payload)
    keys = key * (size // 4 + 1)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys[:size], "big")).to_bytes(size, "big")


def encode(
    opcode: int, payload: bytes, key: bytes | None, *, fin: bool = True, compressed: bool = False
) -> bytes:
    """Write one frame, masked where there is a key."""
    size = len(payload)
    first = fin << 7 | compressed << 6 | opcode
    mask_bit = 0 if key is None else 0x80
    if size <= 125:
        head = bytes([first, mask_bit | size])
    elif size <= 0xFFFF:
        head = bytes([first, mask_bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, mask_bit | 127]) + size.to_bytes(8, "big")
    return head + payload if key is None else head + key + xor(payload, key)


def decode(data: bytes) -> list[Frame]:
    """Read `data` as a row of whole frames; anything left over is a `ValueError`."""
    frames = []
    start = 0
    while start < len(data):
        first, second = data[start : start + 2]
        start += 2
        size = second & 0x7F
        if size >= 126:
            width = 2 if size == 126 else 8
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        key = data[start : start + 4] if second & 0x80 else None
        start += 0 if key is None else 4
        payload = data[start : start + size]
        start += size
        if start > len(data):
            raise ValueError(f"the last frame wants {start - len(data)} bytes more")
        payload = payload if key is None else xor(payload, key)
        frames.append(Frame(bool(first & 0x80), bool(first & 0x40), first & 0x0F, key is not None, payload))
    return frames
