"""Random changes to a row of frames, which the fuzzers of the library and of endpoints share.

A change keeps frames as frames: it is about their payloads, the way messages are cut into frames, and the
control frames between. Whether the row is still one that a peer may send is for the user of this module.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tooling import frames as wire
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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

READS = 6
"""Most reads into which a stream is cut, about; the rest comes in one."""


def cut(stream: bytes, choice: int) -> list[bytes]:
    """Cut `stream` as a byte chooses: not at all (0), by the byte (1), or into reads of several sizes."""
    # Where the choice is small, an empty read is among them.
    sizes = (choice, choice >> 1, choice >> 2) if choice > 1 else (1,) * choice
    pieces: list[bytes] = []
    start = 0
    while sizes and start < len(stream) and len(pieces) < READS:
        for size in sizes:
            pieces.append(stream[start : start + size])
            start += size
    return [*pieces, stream[start:]]


class FrameMutator:
    """Changes `frames`, a list of any kind of `Frame`.

    :param mutate: changes some bytes, to at most so many.
    """

    def __init__(self, frames: Sequence[Frame], random: Random, mutate: Mutate) -> None:
        self.frames = list(frames)
        self.random = random
        self._mutate = mutate

    @property
    def changes(self) -> tuple[Callable[[], None], ...]:
        """All changes, the most useful one twice."""
        return (
            *(self.payload, self.payload, self.text, self.resize, self.fragment, self.join),
            *(self.control, self.close, self.repeat, self.drop, self.swap),
            self.kind,
        )

    def change(self, changes: Sequence[Callable[[], None]]) -> None:
        """Make one to five of these changes."""
        for _ in range(self.random.choice((1, 1, 2, 3, 5))):
            self.random.choice(changes)()

    def at(self) -> int:
        """Choose a frame; there is one after this."""
        if not self.frames:
            self.frames.append(Frame(self.random.choice((TEXT, BINARY)), b"Hello"))
        return self.random.randrange(len(self.frames))

    def _change(self, index: int, payload: bytes) -> None:
        self.frames[index] = replace(self.frames[index], payload=payload)

    def payload(self) -> None:
        """Mutate the bytes of a payload."""
        index = self.at()
        payload = self.frames[index].payload
        self._change(index, self._mutate(payload, len(payload) + 16))

    def _some_text(self) -> bytes:
        text = self.random.choice(TEXTS)
        return text if isinstance(text, bytes) else text.encode()

    def text(self) -> None:
        """Put a text into a payload, or bytes that are none."""
        index = self.at()
        payload = self.frames[index].payload
        place = self.random.randint(0, len(payload))
        self._change(index, payload[:place] + self._some_text() + payload[place:])

    def resize(self) -> None:
        """Give a payload another length, often one at a border of what a header can say."""
        index = self.at()
        size = self.random.choice(SIZES if self.random.randrange(16) else LARGE_SIZES)
        unit = self.frames[index].payload or b"\0"
        self._change(index, (unit * (size // len(unit) + 1))[:size])

    def fragment(self) -> None:
        """Cut a data frame in two."""
        index = self.at()
        frame = self.frames[index]
        if frame.opcode < CLOSE:
            place = self.random.randint(0, len(frame.payload))
            self.frames[index : index + 1] = [
                replace(frame, payload=frame.payload[:place], fin=False),
                replace(frame, payload=frame.payload[place:], opcode=CONTINUATION),
            ]

    def join(self) -> None:
        """Make one frame of two fragments."""
        index = self.at()
        one, *others = self.frames[index:]
        if others and one.opcode < CLOSE and not one.fin and others[0].opcode == CONTINUATION:
            both = replace(one, payload=one.payload + others[0].payload, fin=others[0].fin)
            self.frames[index : index + 2] = [both]

    def control(self) -> None:
        """Put a ping or pong between the frames."""
        payload = self.random.randbytes(self.random.choice((0, 1, 4, 124, 125)))
        frame = Frame(self.random.choice((PING, PONG)), payload)
        self.frames.insert(self.random.randint(0, len(self.frames)), frame)

    def close(self) -> None:
        """Put a Close behind the frames."""
        reason = self._some_text()
        payload = wire.close_payload(self.random.choice(CODES), reason)
        self.frames.append(Frame(CLOSE, payload if self.random.randrange(8) else reason[:1]))

    def repeat(self) -> None:
        """Have some frames come twice."""
        index = self.at()
        self.frames[index:index] = self.frames[index : index + self.random.randint(1, 3)]

    def drop(self) -> None:
        """Leave a frame out."""
        del self.frames[self.at()]

    def swap(self) -> None:
        """Change two frames with each other."""
        one, other = self.at(), self.at()
        self.frames[one], self.frames[other] = self.frames[other], self.frames[one]

    def kind(self) -> None:
        """Turn a text into a binary message, or the other way."""
        index = self.at()
        frame = self.frames[index]
        if frame.opcode in (TEXT, BINARY):
            self.frames[index] = replace(frame, opcode=TEXT + BINARY - frame.opcode)
