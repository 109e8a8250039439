"""Faults of frames: masking, lengths, opcodes, reserved bits, and the quick ways around them (RFC 6455)."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

FRAMING: Final = (
    Fault(
        "the masking key is turned one byte too far for the next piece of a frame",
        "RFC 6455 5.3",
        "frame_decoder.py",
        "if turn := (stop - start) & 3:",
        "if turn := (stop - start + 1) & 3:",
    ),
    Fault(
        "each masking key serves twice",
        "RFC 6455 5.3, 10.3",
        "masking.py",
        "pool = random_bytes(self.FIRST_POOL_SIZE if self._keys is None else self.POOL_SIZE)",
        "pool = random_bytes((self.FIRST_POOL_SIZE if self._keys is None else self.POOL_SIZE) // 2) * 2",
    ),
    Fault(
        "a payload above 256 KiB is masked in pieces that are no multiple of the key",
        "RFC 6455 5.3",
        "masking.py",
        "PIECE = 2**18\n",
        "PIECE = 2**18 + 1\n",
    ),
    Fault(
        "a length of 125 is written in 16 bits",
        "RFC 6455 5.2",
        "frame_header.py",
        "    if length < LENGTH_16:\n        return (first",
        "    if length < LENGTH_16 - 1:\n        return (first",
    ),
    Fault(
        "a length of 126 is written in 7 bits",
        "RFC 6455 5.2",
        "frame_header.py",
        "    if length < LENGTH_16:\n        return (first",
        "    if length <= LENGTH_16:\n        return (first",
    ),
    Fault(
        "a length of 65535 is written in 64 bits",
        "RFC 6455 5.2",
        "frame_header.py",
        "    if length < 1 << 16:\n        return ((first",
        "    if length < (1 << 16) - 1:\n        return ((first",
    ),
    Fault(
        "a length of 65536 is written in 16 bits, which raises OverflowError",
        "RFC 6455 5.2",
        "frame_header.py",
        "    if length < 1 << 16:\n        return ((first",
        "    if length <= 1 << 16:\n        return ((first",
    ),
    Fault(
        "a length of 125 is accepted in 16 bits",
        "RFC 6455 5.2",
        "frame_header.py",
        "(LENGTH_16 if form == LENGTH_16 else 1 << 16)",
        "(LENGTH_16 - 1 if form == LENGTH_16 else 1 << 16)",
    ),
    Fault(
        "a length of 65535 is accepted in 64 bits",
        "RFC 6455 5.2",
        "frame_header.py",
        "(LENGTH_16 if form == LENGTH_16 else 1 << 16)",
        "(LENGTH_16 if form == LENGTH_16 else (1 << 16) - 1)",
    ),
    Fault(
        "a length of 126 in 16 bits, or of 65536 in 64 bits, is refused",
        "RFC 6455 5.2",
        "frame_header.py",
        "if length < (LENGTH_16",
        "if length <= (LENGTH_16",
    ),
    Fault(
        "a length with its most significant bit set is accepted",
        "RFC 6455 5.2",
        "frame_header.py",
        "if length >> 63:",
        "if length >> 64:",
    ),
    Fault(
        "the fast path takes the length 126 for a payload of 126 bytes",
        "RFC 6455 5.2",
        "quick_frames.py",
        "    _WHOLE,\n    MAX_CONTROL_PAYLOAD,\n)",
        "    _WHOLE,\n    MAX_CONTROL_PAYLOAD + 1,\n)",
    ),
    Fault(
        "the fast path begins a message inside of another one",
        "RFC 6455 5.4",
        "quick_frames.py",
        "{kind: {**_CONTROL, Opcode.CONTINUATION: kind,",
        "{kind: {**_CONTROL, **_BEGUN, Opcode.CONTINUATION: kind,",
    ),
    Fault(
        "an unmasked frame from a client is accepted",
        "RFC 6455 5.1",
        "frame_decoder.py",
        "        size = buffer[position + 1] ^ self._mask\n        start = position + 2\n"
        "        if size > MAX_CONTROL_PAYLOAD:\n            refuse_if",
        "        size = buffer[position + 1] & (0xFF if self.client else 0x7F)\n"
        "        start = position + 2\n"
        "        if size > MAX_CONTROL_PAYLOAD:\n            refuse_if",
    ),
    Fault(
        "a masked frame from the server is accepted",
        "RFC 6455 5.1",
        "frame_decoder.py",
        "        size = buffer[position + 1] ^ self._mask\n        start = position + 2\n"
        "        if size > MAX_CONTROL_PAYLOAD:\n            refuse_if",
        "        size = (buffer[position + 1] ^ self._mask) & (0x7F if self.client else 0xFF)\n"
        "        start = position + 2\n        if size > MAX_CONTROL_PAYLOAD:\n            refuse_if",
    ),
    Fault(
        "a control frame of more than 125 bytes is accepted",
        "RFC 6455 5.5",
        "frame_header.py",
        "if first & 0x08 and second & 0x7F > MAX_CONTROL_PAYLOAD:",
        "if first & 0x08 and second & 0x7F > LENGTH_16:",
    ),
    Fault(
        "a control frame of 126 bytes is written",
        "RFC 6455 5.5",
        "frame_encoder.py",
        "        if len(payload) > MAX_CONTROL_PAYLOAD:\n            raise",
        "        if len(payload) > MAX_CONTROL_PAYLOAD + 1:\n            raise",
    ),
    Fault(
        "a fragmented control frame is accepted",
        "RFC 6455 5.5",
        "frame_header.py",
        'return None if first & FIN else "Fragmented control frame (RFC 6455 5.5)"',
        "return None",
    ),
    Fault(
        "RSV1 is accepted without an extension",
        "RFC 6455 5.2",
        "frame_decoder.py",
        "            if self._extensions is None:  # which may",
        "            if self._extensions is None and first & 0x30:  # which may",
    ),
    Fault(
        "RSV2 and RSV3 are accepted beside permessage-deflate",
        "RFC 6455 5.2",
        "inbound_extensions.py",
        "if first & RSV & ~claimed:",
        "if first & 0x40 & ~claimed:",
    ),
    Fault(
        "the payload of a ping loses its trailing zeros",
        "RFC 6455 5.5.3",
        "events.py",
        '"payload", self.payload)\n        return pong',
        '"payload", self.payload.rstrip(b"\\0"))\n        return pong',
    ),
    Fault(
        "what the application received into is kept, not copied",
        "bytes received are the library's own",
        "utilities.py",
        "    if type(data) is bytes:\n        return data\n",
        "    if type(data) in (bytes, bytearray):\n        return data  # type: ignore[return-value]\n",
    ),
    Fault(
        "the rest of the buffer is copied behind each short frame",
        "work is linear in the bytes received",
        "frame_decoder.py",
        "                    self._position = stop\n                    yield event\n\n",
        "                    self._buffer = self._buffer[stop:]\n                    self._position = 0\n"
        "                    yield event\n\n",
    ),
    Fault(
        "reads that wait for events() are copied with each further one",
        "work is linear in the bytes received",
        "frame_decoder.py",
        "            self._pending += data\n",
        "            self._pending = self._pending + data\n",
    ),
)
