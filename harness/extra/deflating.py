"""permessage-deflate as the extra cases need it (RFC 7692): its parameters, and its data both ways."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "permessage-deflate"
TAIL = b"\x00\x00\xff\xff"
"""The end of each message, which a sender leaves out (RFC 7692 7.2.1)."""

MAX_INFLATED = 2 * 2**20
"""Bytes in the longest message that is inflated: no case asks for a longer answer."""

EXACT = 2**17
"""Bytes of a connection that are inflated one by one, where the peer's window is a small one."""

_ELEMENT = re.compile(r"""(?:[^",]|"(?:[^"\\]|\\.)*")+""")
_PARAMETER = re.compile(r"""(?:[^";]|"(?:[^"\\]|\\.)*")+""")

Element = tuple[str, list[tuple[str, str | None]]]
"""An extension with its parameters; None where a parameter has no value."""


class NegotiationError(Exception):
    """An answer that does not fit the offer."""


def parse_extensions(lines: Sequence[str]) -> list[Element]:
    """Read the values of Sec-WebSocket-Extensions, leniently: others judge them."""
    elements = []
    for written in (element for line in lines for element in _ELEMENT.findall(line)):
        name, *parameters = (part.strip(" \t") for part in _PARAMETER.findall(written))
        pairs = (parameter.partition("=") for parameter in parameters)
        elements.append(
            (name.lower(), [(key, value.strip('"') if sign else None) for key, sign, value in pairs])
        )
    return elements


@dataclass(frozen=True)
class Agreement:
    """The content of an answer to an offer of permessage-deflate."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15

    def bits(self, side: str) -> int:
        """Return the largest window, as a power of two, that the `client` or `server` may deflate with."""
        return self.server_max_window_bits if side == "server" else self.client_max_window_bits

    def takes_over(self, side: str) -> bool:
        """Tell whether a side may refer back to its earlier messages."""
        return not (self.server_no_context_takeover if side == "server" else self.client_no_context_takeover)


def agreement(offer: Element, answer: Element) -> Agreement:
    """Judge an answer by the offer; raises `NegotiationError` where RFC 7692 7.1 does not permit it."""
    name, parameters = answer
    if name != NAME:
        raise NegotiationError(f"the answer is {name!r}, which was not offered")
    agreed: dict[str, bool | int] = {}
    for key, value in parameters:
        if key in agreed:
            raise NegotiationError(f"the answer has {key!r} twice")
        if key in {"server_no_context_takeover", "client_no_context_takeover"} and value is None:
            agreed[key] = True
        elif key in {"server_max_window_bits", "client_max_window_bits"} and _is_window(value):
            agreed[key] = int(value or 0)
        else:
            raise NegotiationError(f"the answer has {key!r} with the value {value!r}")
    offered = dict(offer[1])
    if "server_no_context_takeover" in offered and "server_no_context_takeover" not in agreed:
        raise NegotiationError("the answer leaves out server_no_context_takeover, which was offered")
    most = offered.get("server_max_window_bits")
    if most is not None and agreed.get("server_max_window_bits", 15) > int(most):
        raise NegotiationError(
            f"the answer does not keep to server_max_window_bits={most}, which was offered"
        )
    if "client_max_window_bits" in agreed and "client_max_window_bits" not in offered:
        raise NegotiationError("the answer has client_max_window_bits, which was not offered")
    return Agreement(**agreed)  # type: ignore[arg-type]  # the keys were checked


def _is_window(value: str | None) -> bool:
    return re.fullmatch("[89]|1[0-5]", value or "") is not None


def deflate(*messages: bytes, bits: int = 15) -> list[bytes]:
    """Compress messages, each with those before it in the window, whose size is `2**bits`.

    zlib writes no raw data for 8 bits; what it writes for 9 reaches back 250 bytes at most.
    """
    deflater = zlib.compressobj(9, wbits=-max(bits, 9))
    return [
        (deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
        for message in messages
    ]


def stored(data: bytes) -> bytes:
    """Return a stored block of up to 65535 bytes; the next block begins at a byte (RFC 1951 3.2.4)."""
    size = len(data)
    return b"\0" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + data


@cache
def repeated(byte: bytes, size: int) -> bytes:
    """Return blocks that inflate to a byte so many times, and do without what came before them."""
    deflater = zlib.compressobj(9, wbits=-15)
    return deflater.compress(byte * size) + deflater.flush(zlib.Z_FULL_FLUSH)


def reference(bits: int, *, beyond: bool = False) -> bytes:
    """Return a message of 258 bytes from `2**bits` bytes back, or from one byte `beyond` that.

    It is a block of fixed codes, and the start of the empty block that ends a message. Of the distance codes
    of RFC 1951 3.2.5 the one of an odd number ends at `2**bits`, and the next one begins behind it.
    """
    code, size, extra = (2 * bits, bits - 1, 0) if beyond else (2 * bits - 1, bits - 2, 2 ** (bits - 2) - 1)
    distance = f"{code:05b}{f'{extra:0{size}b}'[::-1]}"
    written = f"0 10 11000101 {distance} 0000000 000".replace(" ", "")  # BFINAL, BTYPE, 258, distance, end
    return int(written[::-1], 2).to_bytes((len(written) + 7) // 8, "little")


class Inflater:
    """Inflates a peer's messages, and refuses references beyond the peer's window.

    zlib notices such a reference only where it gives out a byte at a time: within one call a reference may
    reach all that the call gives out. With 15 bits there is none: DEFLATE itself reaches no further back.
    That takes a second for 4 MiB, so a peer is judged to the byte as far as `EXACT`, then to 256.
    """

    def __init__(self, bits: int, *, takes_over: bool) -> None:
        self._bits = bits
        self._takes_over = takes_over
        self._total = 0
        self._inflater = zlib.decompressobj(wbits=-bits)

    def message(self, payload: bytes) -> bytes:
        """Inflate a whole message; raises `zlib.error`."""
        if not self._takes_over:
            self._inflater = zlib.decompressobj(wbits=-self._bits)
        inflated = bytearray()
        for start in range(0, len(payload), 64):
            self._inflate(payload[start : start + 64], inflated)
        self._inflate(TAIL, inflated)
        return bytes(inflated)

    def _inflate(self, data: bytes, inflated: bytearray) -> None:
        while True:
            step = 2**16 if self._bits == 15 else 1 if self._total < EXACT else 256
            piece = self._inflater.decompress(data, step)
            inflated += piece
            self._total += len(piece)
            data = self._inflater.unconsumed_tail
            if self._inflater.eof:  # a block with BFINAL: after it the stream begins anew
                data = self._inflater.unused_data
                self._inflater = zlib.decompressobj(wbits=-self._bits)
            elif not piece and not data:
                return
            if len(inflated) > MAX_INFLATED:
                raise zlib.error(f"a message of more than {MAX_INFLATED} bytes")
