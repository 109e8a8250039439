"""Shows the bytes of an input: as hex, and as frames where a target speaks frames (RFC 6455 5.2)."""

from __future__ import annotations

from typing import Final

OPCODES: Final = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
MAX_PAYLOAD: Final = 32
"""Bytes that are shown of a payload."""
MAX_FRAMES: Final = 100
MAX_HEX: Final = 1024
"""Bytes that are shown as hex."""
WIDTH: Final = 16
"""Bytes in a line of hex."""


def hex_lines(data: bytes) -> str:
    """Return a line for each 16 bytes: offset, hex, ASCII."""
    lines = []
    for offset in range(0, min(len(data), MAX_HEX), WIDTH):
        row = data[offset : offset + WIDTH]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{offset:04x}  {row.hex(' '):<{3 * WIDTH - 1}}  {text}")
    if len(data) > MAX_HEX:
        lines.append(f"... and {len(data) - MAX_HEX} more bytes")
    return "\n".join(lines) or "(empty)"


def frame_lines(stream: bytes) -> list[str]:
    """Return a line for each frame, broken ones too, and one for bytes left at the end."""
    lines: list[str] = []
    offset = 0
    while offset < len(stream) and len(lines) < MAX_FRAMES:
        line, offset = _frame(stream, offset)
        lines.append(line)
    if offset < len(stream):
        lines.append(f"... and {len(stream) - offset} more bytes")
    return lines


def _frame(stream: bytes, start: int) -> tuple[str, int]:
    """Describe the frame at `start`, and tell where the next one begins."""
    rest = stream[start:]
    if len(rest) < 2:
        return f"{start:04x}  half a header: {rest.hex()}", len(stream)
    length, size = rest[1] & 0x7F, 2
    if length > 125:
        size = 4 if length == 126 else 10
        length = int.from_bytes(rest[2:size], "big")
    masked = bool(rest[1] & 0x80)
    key = rest[size : size + 4] if masked else b""
    size += len(key) if masked else 0
    if len(rest) < size or (masked and len(key) < 4):
        return f"{start:04x}  a part of a header: {rest.hex(' ')}", len(stream)
    payload = rest[size : size + length]
    plain = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload)) if masked else payload
    name = OPCODES.get(rest[0] & 0x0F, f"reserved 0x{rest[0] & 0x0F:X}")
    flags = [
        flag for bit, flag in ((0x80, "FIN"), (0x40, "RSV1"), (0x20, "RSV2"), (0x10, "RSV3")) if rest[0] & bit
    ]
    line = f"{start:04x}  {name}{''.join(f' {flag}' for flag in flags)}"
    line += f" mask={key.hex()}" if masked else " unmasked"
    line += f" length={length}"
    if len(payload) < length:
        line += f" ({length - len(payload)} bytes are missing)"
    if plain:
        line += f" {plain[:MAX_PAYLOAD]!r}" + (" ..." if len(plain) > MAX_PAYLOAD else "")
    return line, start + size + len(payload)
