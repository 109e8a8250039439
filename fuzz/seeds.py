"""The seed corpus of each target: the tests' vectors, Autobahn's cases, and for the properties drawn bytes.

`write` puts them into a folder, each under the hash of its bytes.
"""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Final

from fuzz import handshake_seeds
from fuzz.autobahn import case_frames
from fuzz.frames import (
    CHOICES,
    CLIENT,
    DEFLATE,
    END_OF_FILE,
    INERT,
    LIMITS,
    NO_TAKEOVER,
    ONE_BY_ONE,
    SMALL_WINDOW,
    TOGETHER,
)
from tests.oracle.deflating import HELLO, HELLO_AGAIN, HELLO_FINAL, Deflater
from tests.oracle.inflating import TAIL
from tooling import frames as wire
from wsproto import ConnectionType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fuzz.autobahn import CaseFrame

LONGEST: Final = 4096
"""Bytes in a seed, at most, where the target's `max_len` leaves no room for more."""
_SMALL_PIECES: Final = next(index for index, one in enumerate(LIMITS) if one.max_inflated_size == 1000)
DRAWN: Final = 60
"""Default number of seeds for a target whose properties Hypothesis draws for."""
_SEED: Final = 6455

_CODES: Final = (999, 1000, 1003, 1004, 1005, 1006, 1011, 1014, 1015, 1016, 2999, 3000, 4999, 5000)


def write(target: str, folder: Path) -> int:
    """Write the seeds of `target`, named without `fuzz_`, into `folder`; return their number."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = set(SEEDS[target]())
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    return len(seeds)


# Frames ------------------------------------------------------------------------------------------


@cache
def _cases() -> list[list[CaseFrame]]:
    return list(case_frames().values())


def _case_stream(frames: list[CaseFrame], flags: int, *, client: bool) -> bytes:
    """Write what a case sends as the peer of a client (or of a server), deflated as `flags` say."""
    deflater = Deflater(window_bits=9 if flags & SMALL_WINDOW else 15, takeover=not flags & NO_TAKEOVER)
    stream = b""
    for frame in frames:
        payload, rsv = frame.payload, frame.rsv
        if frame.deflate:
            payload, rsv = deflater.message(payload), rsv if frame.opcode == 0 else wire.RSV1
            payload += b"" if frame.fin else TAIL
        stream += wire.peer_frame(client, frame.opcode, payload, fin=frame.fin, rsv=rsv)
    return stream


def _short_streams(role: ConnectionType) -> list[bytes]:
    """Write frames of every kind, few at a time, some of them compressed."""
    client = role is ConnectionType.CLIENT
    compressed = Deflater().message(b"abcabcabc")

    def peer(
        opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, length: int | None = None
    ) -> bytes:
        return wire.peer_frame(client, opcode, payload, fin=fin, rsv=rsv, length=length)

    return [
        peer(wire.TEXT, "a€😀".encode()),
        peer(wire.BINARY, b"\x00\xff"),
        peer(wire.TEXT, b"\xe2\x82", fin=False) + peer(wire.CONTINUATION, b"\xac"),
        peer(wire.TEXT, b"a", fin=False) + peer(wire.PING, b"p") + peer(wire.CONTINUATION, b"b"),
        peer(wire.PING, b"?") + peer(wire.PONG, b"!"),
        peer(wire.CLOSE, wire.close_payload(1000, "é")),
        peer(wire.CLOSE),
        peer(wire.BINARY, b"x" * 3, length=200),
        peer(wire.BINARY, b"x" * 3, length=70_000),
        peer(wire.TEXT, compressed, rsv=wire.RSV1),
        peer(wire.BINARY, compressed[:4], fin=False, rsv=wire.RSV1) + peer(wire.CONTINUATION, compressed[4:]),
        peer(wire.TEXT, b"\x00", rsv=wire.RSV1) + peer(wire.TEXT, compressed, rsv=wire.RSV1),
    ]


def _vectors(role: ConnectionType) -> Iterator[tuple[bytes, bool]]:
    """Yield the tests' own streams, and whether they are compressed."""
    client = role is ConnectionType.CLIENT

    def peer(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, **how: int) -> bytes:
        return wire.peer_frame(client, opcode, payload, fin=fin, rsv=rsv, **how)  # type: ignore[arg-type]

    for stream in _short_streams(role):
        yield stream, False
        yield stream, True
    for code in _CODES:
        yield peer(wire.CLOSE, wire.close_payload(code, "é")), False
    yield peer(wire.CLOSE, b"\x03") + peer(wire.PING), False
    yield peer(wire.CLOSE, wire.close_payload(1000, b"\xff")), False
    for opcode in range(16):
        yield peer(opcode, b"", fin=opcode > 2) + peer(wire.CONTINUATION), False
    for size in (125, 126, 127, 65_535, 65_536, 1 << 63):
        for form in (16, 64):
            if size < 1 << form:
                yield peer(wire.BINARY, b"x", length=size, length_form=form), False
    yield wire.frame(wire.TEXT, b"Hello", mask=wire.MASK if client else None), False
    yield peer(wire.PING, b"x" * 126), False
    yield peer(wire.BINARY, b"x" * 3000), False
    yield peer(wire.BINARY, b"x" * 3000)[:2900], False
    for text in (b"\xce\xba\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", "€😀".encode(), b"a\xff"):
        yield peer(wire.TEXT, text), False
        yield peer(wire.TEXT, text[:1], fin=False) + peer(wire.CONTINUATION, text[1:]), False
        yield peer(wire.TEXT, Deflater().message(text), rsv=wire.RSV1), True
    hello = peer(wire.TEXT, HELLO, rsv=wire.RSV1)
    yield hello + peer(wire.TEXT, HELLO_AGAIN, rsv=wire.RSV1), True
    yield peer(wire.TEXT, HELLO_FINAL, rsv=wire.RSV1) + hello, True
    yield peer(wire.TEXT, HELLO[:3], fin=False, rsv=wire.RSV1) + peer(wire.CONTINUATION, HELLO[3:]), True
    yield peer(wire.TEXT, b"", rsv=wire.RSV1) + peer(wire.BINARY, b"\x07", rsv=wire.RSV1), True
    yield peer(wire.BINARY, Deflater().message(bytes(100_000)), rsv=wire.RSV1) + hello, True
    yield peer(wire.BINARY, b"\x03\x00" * 1025, rsv=wire.RSV1), True
    yield peer(wire.PING, b"", rsv=wire.RSV1), True
    yield peer(wire.TEXT, HELLO, fin=False, rsv=wire.RSV1) + peer(wire.CONTINUATION, rsv=wire.RSV1), True


_WAYS: Final = (
    *((0, 0, 0), (ONE_BY_ONE, 0, 1), (END_OF_FILE, 0, 0), (END_OF_FILE, 0, 3), (0, 0, 5), (TOGETHER, 0, 2)),
    *((INERT, 0, 0), (INERT, 0, 7), (INERT | TOGETHER, 3, 1), (TOGETHER | END_OF_FILE, 0, 1)),
    *((0, limits, 0) for limits in range(1, len(LIMITS))),
    *((ONE_BY_ONE, limits, 9) for limits in range(1, len(LIMITS))),
)
"""Choices for streams: each stream gets one of the tests' choices in turn, and all of them now and then."""


_DEFLATES: Final = (DEFLATE, DEFLATE | NO_TAKEOVER, DEFLATE | SMALL_WINDOW)


def _frames(role: ConnectionType, *, longest: int = LONGEST, flags: int = 0) -> Iterator[bytes]:
    streams = [(stream, DEFLATE if compressed else 0) for stream, compressed in _vectors(role)]
    for number, frames in enumerate(_cases()):
        deflate = _DEFLATES[number % 3] if any(frame.deflate for frame in frames) else 0
        streams.append((_case_stream(frames, deflate, client=role is ConnectionType.CLIENT), deflate))
    for number, (stream, deflate) in enumerate(streams):
        if len(stream) > longest - CHOICES:
            continue
        ways = _WAYS if number % 9 == 0 else (_WAYS[0], _WAYS[number % len(_WAYS)])
        for choice, limits, cuts in ways:
            yield bytes((choice | deflate | flags, limits, cuts)) + stream


def _structured() -> Iterator[bytes]:
    yield from _frames(ConnectionType.SERVER, longest=LONGEST)
    yield from _frames(ConnectionType.CLIENT, longest=LONGEST, flags=CLIENT)
    large = Deflater(level=0).message(bytes(20_000))
    yield bytes((DEFLATE, 0, 0)) + wire.frame(wire.BINARY, large, rsv=wire.RSV1, mask=wire.MASK)
    for size in (65_535, 65_536):
        yield bytes(CHOICES) + wire.frame(wire.BINARY, bytes(size), mask=wire.MASK)
        yield bytes((CLIENT, 0, 0)) + wire.frame(wire.TEXT, b"x" * size)


def _inflate() -> Iterator[bytes]:
    random = Random(_SEED)
    texts = (b"", b"Hello", b"Hello" * 50, "€😀".encode() * 9, random.randbytes(100), bytes(70_000), b"\xff")
    payloads = [Deflater(level=level).message(text) for level in (0, 1, 9) for text in texts]
    payloads += [HELLO, HELLO_FINAL, b"\x00", b"\x07", b"\x03\x00" * 1025, HELLO[:4], HELLO_FINAL + HELLO]
    payloads += [frame.payload for frames in _cases() for frame in frames if frame.deflate and frame.fin]
    for number, payload in enumerate(payloads):
        if len(payload) > LONGEST:
            continue
        for flags in (7, 7 | 8 | 16, 7 | 32 | 64, 1 | 16):
            choices = bytes((flags, number % len(LIMITS), (0, 1, 7, 100)[number % 4], (0, 1, 9)[flags % 3]))
            yield choices + payload
            yield bytes((flags, _SMALL_PIECES, 0, 0)) + payload
            yield choices + payload + b"\xff\xff\xff\xff" + HELLO
    yield bytes((7, 0, 0, 0)) + HELLO + b"\xff\xff\xff\xff" + HELLO_AGAIN


def _extension_headers() -> Iterator[bytes]:
    for offer in handshake_seeds.OFFERS:
        yield from (bytes((judge,)) + offer for judge in range(3))
    yield from (b"\x03" + drawn for drawn in _drawn())


# Properties --------------------------------------------------------------------------------------


def _drawn(count: int = DRAWN) -> Iterator[bytes]:
    """Make bytes for Hypothesis to draw from: no test has such a vector, so they are seeded random ones."""
    random = Random(_SEED)
    for number in range(count):
        yield bytes((number % 256,)) + random.randbytes(random.choice((64, 256, 1024)))


#: First bytes and lengths of headers, right ones and wrong ones (RFC 6455 5.2).
_FIRST_BYTES: Final = (0x81, 0x82, 0x02, 0x80, 0x89, 0x8A)
_LENGTHS: Final = (
    *(bytes((size,)) for size in (0, 1, 125)),
    *(b"\x7e" + size.to_bytes(2, "big") for size in (0, 125, 126, 132, 65535)),
    *(b"\x7f" + size.to_bytes(8, "big") for size in (65535, 65536, 2**63 - 1, 2**63, 2**64 - 1)),
)


def _with_calls() -> Iterator[bytes]:
    """Put calls in front of the seeds of the frames: none, and some that follow from a seeded number."""
    random = Random(_SEED)
    for client, one, other in product((False, True), range(3), range(3)):
        for fin in (False, True):
            frames = wire.peer_frame(client, one, b"ab", fin=fin) + wire.peer_frame(
                client, other, b"c", fin=fin
            )
            begun = wire.peer_frame(client, wire.TEXT, b"a", fin=False)
            for stream in (frames, begun + frames):
                yield bytes((0, CLIENT * client, 0, 0)) + stream
    for number, size in product(range(len(LIMITS)), (1, 2, 20, 21, 40, 41, 130, 131)):
        yield bytes((0, 0, number, 0)) + wire.frame(wire.BINARY, bytes(size), mask=wire.MASK)
        begun, ended = (
            wire.frame(opcode, bytes(size), fin=fin, mask=wire.MASK)
            for opcode, fin in ((wire.BINARY, False), (wire.CONTINUATION, True))
        )
        yield bytes((0, 0, number, 0)) + wire.frame(wire.BINARY, bytes(size), mask=wire.MASK) * 3
        yield bytes((0, 0, number, 0)) + (begun + ended) * 3
    for client, first, length, cuts in product((False, True), _FIRST_BYTES, _LENGTHS, (1, 3, 6, 9, 13)):
        payload = b"ab\xc3\xa9" * 33
        header = bytes((first, length[0] | (0x80 * (not client)))) + length[1:]
        key = b"" if client else wire.MASK
        yield bytes((0, CLIENT * client, 0, cuts)) + header + key + payload
    # From the second message on the compiled core inflates by itself: one that fills its room, one that ends
    # the stream of zlib, one that is too long to be inflated at once, and wrong at its end.
    noise = Deflater().message(random.randbytes(20_000))[:-1] + b"\x07"
    for client, payloads in product(
        (False, True), ([Deflater().message(bytes(3000))], [HELLO_FINAL, HELLO], [noise])
    ):
        compressed = [wire.peer_frame(client, wire.BINARY, one, rsv=wire.RSV1) for one in (HELLO, *payloads)]
        yield bytes((0, DEFLATE | CLIENT * client, _SMALL_PIECES, 0)) + b"".join(compressed)
    for client in (False, True):  # as many calls as there may be, so that a client draws keys more than once
        yield from (bytes((31, *[call] * 31, CLIENT * client, 0, 0)) for call in range(15, 39))
    for seed in _structured():
        calls = bytes(random.randrange(64) for _ in range(random.choice((0, 0, 3, 12))))
        yield bytes((len(calls),)) + calls + seed


SEEDS: Final[dict[str, Callable[[], Iterable[bytes]]]] = {
    "frames_server": lambda: _frames(ConnectionType.SERVER),
    "frames_client": lambda: _frames(ConnectionType.CLIENT),
    "frames_structured": _structured,
    "inflate": _inflate,
    "handshake_server": handshake_seeds.handshake_server,
    "handshake_client": handshake_seeds.handshake_client,
    "stream_handshake_server": handshake_seeds.stream_handshake_server,
    "stream_handshake_client": handshake_seeds.stream_handshake_client,
    "extension_headers": _extension_headers,
    "cores": _with_calls,
    "round_trip": _drawn,
    "differential": _drawn,
    "application": lambda: _drawn(20 * DRAWN),
}
