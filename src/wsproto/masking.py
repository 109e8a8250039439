"""Masking (RFC 6455 5.3): XOR with a 4-byte key, which is its own inverse, and the supply of fresh keys."""

from __future__ import annotations

import os
from functools import lru_cache
from io import BytesIO
from struct import iter_unpack
from typing import TYPE_CHECKING, cast

from .core import twin

if TYPE_CHECKING:
    from collections.abc import Iterator

# Up to this size one XOR of two big integers is quickest, above it four strided translations: 256 bytes take
# 1.7 against 2.9 microseconds, 2 KiB 7.4 against 6.0. They meet between 0.8 and 2 KiB, on other processors
# elsewhere.
INTEGER_XOR_MAX = 1024
# The same for one read of many that are of one size, whose keys need not be made again.
PIECE_INTEGER_XOR_MAX = 2048

PIECE = 2**18  # bytes that are translated at a time; a multiple of 4

_from_bytes = int.from_bytes
_ALL_BYTES = _from_bytes(range(256), "big")
_EACH_BYTE = _from_bytes(b"\x01" * 256, "big")


@lru_cache(maxsize=256)
def _turns(count: int) -> int:
    """Return the factor that repeats a 32-bit key `count` times."""
    return _from_bytes(b"\0\0\0\1" * count, "big")


# By the size of a payload: the factor that repeats a masking key over itself and all of the payload. XOR with
# the key and the payload behind it then gives zeros, and the payload behind them.
KEY_REPEATED = tuple(_turns((size + 3) // 4 + 1) for size in range(126))


def random_bytes(size: int) -> bytes:
    """Draw `size` bytes that nobody can predict (RFC 6455 10.3). Tests replace this function."""
    return os.urandom(size)  # R6455-5.3-03, R6455-10.3-01


def key_pool(first: bool) -> bytes:
    """Draw the bytes of the next masking keys of a connection.

    They are drawn in pools, since each draw is a system call (0.6 microseconds for a key alone, 0.05 for one
    from a pool). The first pool is small: most idle connections have sent a frame or none.
    """
    return random_bytes(64 if first else 1024)


class MaskingKeys:
    """The masking keys of one connection, as integers. None of their bytes serves twice."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: Iterator[tuple[int]] | None = None

    def next(self) -> int:
        """Return the next key of the pool, drawing a new pool when it is used up."""
        for (key,) in self._keys or ():  # the quickest way to ask an iterator that may be at its end
            return key
        # R6455-5.3-04
        self._keys = cast("Iterator[tuple[int]]", iter_unpack(">I", key_pool(self._keys is None)))
        return next(self._keys)[0]


@lru_cache(maxsize=256)
def _xor_table(key_byte: int) -> bytes:
    """Build the table with which `bytes.translate` does XOR with `key_byte`."""
    return (_ALL_BYTES ^ _EACH_BYTE * key_byte).to_bytes(256, "big")


def _repeated(key: bytes, size: int) -> int:
    """Return `key` repeated over `size` bytes, as an integer."""
    keys = _from_bytes(key, "big") * _turns((size + 3) >> 2)
    return keys >> (-size & 3) * 8 if size & 3 else keys


# The reads of one frame are often of one size. Repeating the key anew would be a quarter of the work (1.5 of
# 6.1 microseconds for 1460 bytes).
_repeated_again = lru_cache(maxsize=8)(_repeated)


def unmasked_piece(data: bytes, start: int, stop: int, key: bytes) -> bytes:
    """Return `data[start:stop]`, a piece of a frame of which more is to come, XOR the 4-byte `key`."""
    size = stop - start
    if size > PIECE_INTEGER_XOR_MAX:
        return masked(data, start, stop, key)
    return (_from_bytes(data[start:stop], "big") ^ _repeated_again(key, size)).to_bytes(size, "big")


@twin
def masked(data: bytes, start: int, stop: int, key: bytes, header: bytes = b"") -> bytes:
    """Return `header`, then `data[start:stop]` XOR the 4-byte `key`; masking and unmasking are the same."""
    size = stop - start
    if size <= INTEGER_XOR_MAX:
        value = _from_bytes(data[start:stop], "big") ^ _repeated(key, size)  # R6455-5.3-05
        return header + value.to_bytes(size, "big")
    view = memoryview(data)
    if size <= PIECE:
        return header + _translated(view[start:stop], key)
    # Piece by piece, into memory that is allocated at once: 64 MiB take half the time and a quarter of the
    # memory that translating all of it together would take.
    output = BytesIO()
    output.seek(len(header) + size - 1)
    output.write(b"\0")
    output.seek(0)
    output.write(header)
    for offset in range(start, stop, PIECE):
        output.write(_translated(view[offset : min(offset + PIECE, stop)], key))
    return output.getvalue()


def _translated(data: memoryview, key: bytes) -> bytearray:
    """XOR each of the four lanes of `data` with its byte of the key."""
    lanes = bytearray(data)
    # In place, which takes a fifth less than from one buffer to another.
    for lane, key_byte in enumerate(key):
        lanes[lane::4] = lanes[lane::4].translate(_xor_table(key_byte))
    return lanes
