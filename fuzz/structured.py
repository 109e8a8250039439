"""Mutates a stream of frames inside, and keeps its frames well-formed (RFC 6455 5.2, 5.4, 5.5).

The stream stays a row of frames with right headers in a permitted order. A mutation changes their payloads,
the way messages are cut into frames and deflated, and the control frames between.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from fuzz.frames import CHOICES, CLIENT, DEFLATE, LIMITS
from tests.oracle.deflating import Deflater
from tests.oracle.inflating import TAIL
from tooling import frames as wire
from tooling.frames import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, RSV1, TEXT, Frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    Mutate = Callable[[bytes, int], bytes]

SIZES = (0, 1, 2, 3, 4, 5, 64, 124, 125, 126, 127, 128, 255, 1024, 2047, 2048, 2049, 4095, 4096)
LARGE_SIZES = (65_534, 65_535, 65_536, 65_537)
CODES = (1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 1016, 2999, 3000, 4999, 5000, 0)
TEXTS = (
    *("", "a", "é", "€", "\ud7ff", "\ue000", "\uffff", "😀", "\U0010ffff", "héllo wörld €😀" * 9),
    *(
        b"\x80",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xff",
    ),
)


class Mutator:
    """One mutation of one input.

    :param mutate: libFuzzer's own mutation of some bytes, to at most so many.
    """

    def __init__(self, data: bytes, random: Random, mutate: Mutate) -> None:
        self._random = random
        self._mutate = mutate
        self._choices = bytearray(data[:CHOICES].ljust(CHOICES, b"\0"))
        self._frames = wire.leading_frames(data[CHOICES:])

    def mutated(self, max_size: int) -> bytes:
        """Return the new input, of at most `max_size` bytes."""
        kinds = (
            *(self._payload, self._payload, self._text, self._resize, self._fragment, self._join),
            *(self._control, self._close, self._repeat, self._drop, self._swap),
            *(self._kind, self._deflate, self._deflate_all, self._choose),
        )
        for _ in range(self._random.choice((1, 1, 2, 3, 5))):
            self._random.choice(kinds)()
        frames = self._well_formed()
        data = bytes(self._choices) + b"".join(map(written, frames))
        while len(data) > max_size and frames:
            data = data[: len(data) - len(written(frames.pop()))]
        return data[:max_size]

    def _at(self) -> int:
        """Choose a frame; there is one after this."""
        if not self._frames:
            self._frames.append(Frame(self._random.choice((TEXT, BINARY)), b"Hello"))
        return self._random.randrange(len(self._frames))

    def _change(self, index: int, payload: bytes) -> None:
        self._frames[index] = replace(self._frames[index], payload=payload)

    def _payload(self) -> None:
        index = self._at()
        payload = self._frames[index].payload
        self._change(index, self._mutate(payload, len(payload) + 16))

    def _some_text(self) -> bytes:
        text = self._random.choice(TEXTS)
        return text if isinstance(text, bytes) else text.encode()

    def _text(self) -> None:
        index = self._at()
        payload = self._frames[index].payload
        place = self._random.randint(0, len(payload))
        self._change(index, payload[:place] + self._some_text() + payload[place:])

    def _resize(self) -> None:
        index = self._at()
        size = self._random.choice(SIZES if self._random.randrange(16) else LARGE_SIZES)
        unit = self._frames[index].payload or b"\0"
        self._change(index, (unit * (size // len(unit) + 1))[:size])

    def _fragment(self) -> None:
        index = self._at()
        frame = self._frames[index]
        if frame.opcode < CLOSE:
            place = self._random.randint(0, len(frame.payload))
            self._frames[index : index + 1] = [
                replace(frame, payload=frame.payload[:place], fin=False),
                replace(frame, payload=frame.payload[place:], opcode=CONTINUATION),
            ]

    def _join(self) -> None:
        index = self._at()
        one, *others = self._frames[index:]
        if others and one.opcode < CLOSE and not one.fin and others[0].opcode == CONTINUATION:
            both = replace(one, payload=one.payload + others[0].payload, fin=others[0].fin)
            self._frames[index : index + 2] = [both]

    def _control(self) -> None:
        payload = self._random.randbytes(self._random.choice((0, 1, 4, 124, 125)))
        frame = Frame(self._random.choice((PING, PONG)), payload)
        self._frames.insert(self._random.randint(0, len(self._frames)), frame)

    def _close(self) -> None:
        reason = self._some_text()
        payload = wire.close_payload(self._random.choice(CODES), reason)
        self._frames.append(Frame(CLOSE, payload if self._random.randrange(8) else reason[:1]))

    def _repeat(self) -> None:
        index = self._at()
        self._frames[index:index] = self._frames[index : index + self._random.randint(1, 3)]

    def _drop(self) -> None:
        del self._frames[self._at()]

    def _swap(self) -> None:
        one, other = self._at(), self._at()
        self._frames[one], self._frames[other] = self._frames[other], self._frames[one]

    def _kind(self) -> None:
        index = self._at()
        frame = self._frames[index]
        if frame.opcode in (TEXT, BINARY):
            self._frames[index] = replace(frame, opcode=TEXT + BINARY - frame.opcode)

    def _deflate(self) -> None:
        """Deflate a frame's payload as a whole message."""
        index = self._at()
        frame = self._frames[index]
        if frame.opcode in (TEXT, BINARY):
            deflater = Deflater(level=self._random.choice((0, 1, 9)), strategy=self._random.choice((0, 4)))
            payload = deflater.message(frame.payload)
            self._frames[index] = replace(frame, payload=payload, rsv=RSV1)
            self._choices[0] |= DEFLATE

    def _deflate_all(self) -> None:
        """Deflate anew the messages of one frame, each with the window that those before it leave."""
        window = self._random.choice((9, 15))
        deflater, inflater = Deflater(window_bits=window), zlib.decompressobj(-15)
        for index, frame in enumerate(self._frames):
            if frame.opcode in (TEXT, BINARY) and frame.fin:
                plain = frame.payload
                if frame.rsv:
                    try:
                        plain = inflater.decompress(plain + TAIL, 2**16)
                    except zlib.error:
                        return
                self._frames[index] = replace(frame, payload=deflater.message(plain), rsv=RSV1)
        self._choices[0] |= DEFLATE

    def _choose(self) -> None:
        index = self._random.randrange(CHOICES)
        self._choices[index] = self._random.randrange(len(LIMITS) if index == 1 else 256)

    def _well_formed(self) -> list[Frame]:
        """Put opcodes, FIN, reserved bits and masks right; a frame behind a Close stays the last."""
        deflate = self._choices[0] & DEFLATE
        mask = None if self._choices[0] & CLIENT else MASK
        frames: list[Frame] = []
        inside = closed = False
        for frame in self._frames:
            one = replace(frame, mask=frame.mask or mask if mask else None)
            if one.opcode >= CLOSE:
                one = replace(one, fin=True, rsv=0, payload=one.payload[:125])
            elif inside:
                one = replace(one, opcode=CONTINUATION, rsv=0)
                inside = not one.fin
            else:
                one = replace(one, opcode=one.opcode or BINARY, rsv=one.rsv & RSV1 if deflate else 0)
                inside = not one.fin
            frames.append(one)
            if closed:
                break
            closed = one.opcode == CLOSE
        return frames


def written(frame: Frame) -> bytes:
    """Write a frame, its length in the shortest form."""
    return wire.frame(frame.opcode, frame.payload, fin=frame.fin, rsv=frame.rsv, mask=frame.mask)
