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
from tooling.frames import BINARY, CLOSE, CONTINUATION, MASK, RSV1, TEXT, Frame
from tooling.mutation import FrameMutator

if TYPE_CHECKING:
    from random import Random

    from tooling.mutation import Mutate


class Mutator(FrameMutator):
    """One mutation of one input.

    :param mutate: libFuzzer's own mutation of some bytes, to at most so many.
    """

    def __init__(self, data: bytes, random: Random, mutate: Mutate) -> None:
        super().__init__(wire.leading_frames(data[CHOICES:]), random, mutate)
        self._choices = bytearray(data[:CHOICES].ljust(CHOICES, b"\0"))

    def mutated(self, max_size: int) -> bytes:
        """Return the new input, of at most `max_size` bytes."""
        self.change((*self.changes, self._deflate, self._deflate_all, self._choose))
        frames = self._well_formed()
        data = bytes(self._choices) + b"".join(map(written, frames))
        while len(data) > max_size and frames:
            data = data[: len(data) - len(written(frames.pop()))]
        return data[:max_size]

    def _deflate(self) -> None:
        """Deflate a frame's payload as a whole message."""
        index = self.at()
        frame = self.frames[index]
        if frame.opcode in (TEXT, BINARY):
            deflater = Deflater(level=self.random.choice((0, 1, 9)), strategy=self.random.choice((0, 4)))
            payload = deflater.message(frame.payload)
            self.frames[index] = replace(frame, payload=payload, rsv=RSV1)
            self._choices[0] |= DEFLATE

    def _deflate_all(self) -> None:
        """Deflate anew the messages of one frame, each with the window that those before it leave."""
        window = self.random.choice((9, 15))
        deflater, inflater = Deflater(window_bits=window), zlib.decompressobj(-15)
        for index, frame in enumerate(self.frames):
            if frame.opcode in (TEXT, BINARY) and frame.fin:
                plain = frame.payload
                if frame.rsv:
                    try:
                        plain = inflater.decompress(plain + TAIL, 2**16)
                    except zlib.error:
                        return
                self.frames[index] = replace(frame, payload=deflater.message(plain), rsv=RSV1)
        self._choices[0] |= DEFLATE

    def _choose(self) -> None:
        index = self.random.randrange(CHOICES)
        self._choices[index] = self.random.randrange(len(LIMITS) if index == 1 else 256)

    def _well_formed(self) -> list[Frame]:
        """Put opcodes, FIN, reserved bits and masks right; a frame behind a Close stays the last."""
        deflate = self._choices[0] & DEFLATE
        mask = None if self._choices[0] & CLIENT else MASK
        frames: list[Frame] = []
        inside = closed = False
        for frame in self.frames:
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
