"""The tests' own inflater (RFC 1951): it tells what zlib does not, namely how the data was compressed.

It shares no code with the library and uses no zlib: blocks are read bit by bit, slowly and plainly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: What a sender leaves out at the end of a message (RFC 7692 7.2.1).
TAIL: Final = b"\x00\x00\xff\xff"

STORED: Final = 0
FIXED: Final = 1
DYNAMIC: Final = 2

_LENGTH_BASE = (
    *(3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31),
    *(35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258),
)
_LENGTH_EXTRA = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
_DISTANCE_BASE = (
    *(1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537),
    *(2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577),
)
_DISTANCE_EXTRA = tuple(max(0, code // 2 - 1) for code in range(30))
_CODE_LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)

Huffman = dict[tuple[int, int], int]


class InflateError(ValueError):
    """The data is no DEFLATE data, or refers to bytes before the window's first."""


@dataclass
class Inflated:
    """One message, and how it was compressed."""

    data: bytes
    block_types: list[int] = field(default_factory=list)
    final_blocks: int = 0
    longest_distance: int = 0


@dataclass
class _Bits:
    data: bytes
    position: int = 0

    def take(self, count: int) -> int:
        value = 0
        for index in range(count):
            byte, bit = divmod(self.position, 8)
            if byte >= len(self.data):
                raise InflateError("the data ends inside a block")
            value |= (self.data[byte] >> bit & 1) << index
            self.position += 1
        return value

    def align(self) -> None:
        self.position += -self.position % 8

    @property
    def at_end(self) -> bool:
        return self.position >= 8 * len(self.data)


def _huffman(lengths: list[int]) -> Huffman:
    """Number the codes as RFC 1951 3.2.2 does: by (length, code) -> symbol."""
    table: Huffman = {}
    code = 0
    for length in range(1, 16):
        code <<= 1
        for symbol, its_length in enumerate(lengths):
            if its_length == length:
                table[length, code] = symbol
                code += 1
    return table


def _symbol(bits: _Bits, table: Huffman) -> int:
    code = 0
    for length in range(1, 16):
        code = code << 1 | bits.take(1)
        if (length, code) in table:
            return table[length, code]
    raise InflateError("no symbol has this code")


def _dynamic_tables(bits: _Bits) -> tuple[Huffman, Huffman]:
    literals = bits.take(5) + 257
    distances = bits.take(5) + 1
    lengths_of_lengths = [0] * 19
    for index in range(bits.take(4) + 4):
        lengths_of_lengths[_CODE_LENGTH_ORDER[index]] = bits.take(3)
    table = _huffman(lengths_of_lengths)
    lengths: list[int] = []
    while len(lengths) < literals + distances:
        symbol = _symbol(bits, table)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            lengths += [lengths[-1]] * (bits.take(2) + 3)
        elif symbol == 17:
            lengths += [0] * (bits.take(3) + 3)
        else:
            lengths += [0] * (bits.take(7) + 11)
    return _huffman(lengths[:literals]), _huffman(lengths[literals:])


_FIXED_TABLES = (_huffman([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8), _huffman([5] * 30))


class Inflater:
    """Inflates the messages of one direction; `takeover` keeps the window from one message to the next."""

    def __init__(self, *, takeover: bool = True) -> None:
        self._takeover = takeover
        self._window = bytearray()

    def message(self, payload: bytes) -> Inflated:
        """Inflate the joined payloads of one message (RFC 7692 7.2.2)."""
        if not self._takeover:
            self._window.clear()
        out = self._window
        start = len(out)
        result = Inflated(b"")
        bits = _Bits(payload + TAIL)
        while not bits.at_end:
            final = bits.take(1)
            kind = bits.take(2)
            result.block_types.append(kind)
            if kind == STORED:
                self._stored(bits)
            elif kind in (FIXED, DYNAMIC):
                literals, distances = _FIXED_TABLES if kind == FIXED else _dynamic_tables(bits)
                self._compressed(bits, literals, distances, result)
            else:
                raise InflateError("block type 3 is reserved")
            if final:
                result.final_blocks += 1
                bits.align()
        result.data = bytes(out[start:])
        return result

    def _stored(self, bits: _Bits) -> None:
        bits.align()
        length = bits.take(16)
        if bits.take(16) != length ^ 0xFFFF:
            raise InflateError("the two lengths of a stored block differ")
        self._window += bytes(bits.take(8) for _ in range(length))

    def _compressed(self, bits: _Bits, literals: Huffman, distances: Huffman, result: Inflated) -> None:
        out = self._window
        while (symbol := _symbol(bits, literals)) != 256:
            if symbol < 256:
                out.append(symbol)
                continue
            length = _LENGTH_BASE[symbol - 257] + bits.take(_LENGTH_EXTRA[symbol - 257])
            code = _symbol(bits, distances)
            distance = _DISTANCE_BASE[code] + bits.take(_DISTANCE_EXTRA[code])
            if distance > len(out):
                raise InflateError("a distance reaches before the window")
            result.longest_distance = max(result.longest_distance, distance)
            for _ in range(length):
                out.append(out[-distance])
