"""Makes sequences: right ones, right ones with a single violation, and mutated ones; a seed repeats them.

A right sequence is built as a peer would send it, message by message, with control frames between the
fragments. A violation stands at a random place in such a sequence, so that the server meets it in any state.
A mutated sequence has been through the changes that the library's own fuzzing makes (`tooling.mutation`).
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from harness.extra.heads import EXTENSIONS, REQUEST
from harness.fuzzing.model import is_text
from harness.fuzzing.requests import odd_request, offer
from harness.fuzzing.sequence import FORMS, Sent, Sequence
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, close_payload
from tooling.mutation import CODES, LARGE_SIZES, SIZES, TEXTS, FrameMutator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tooling.frames import Frame, LengthForm

MOST_MESSAGES = 5
MOST_FRAGMENTS = 6
MOST_BYTES = 2**17
"""Bytes in the longest frame that goes out."""
BOMB = 3 * 2**19
"""Bytes that a bomb inflates to."""

GOOD_TEXTS = tuple(text for text in TEXTS if isinstance(text, str))
BAD_TEXTS = tuple(text for text in TEXTS if isinstance(text, bytes))
GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)


def mutated(random: Random, data: bytes, most: int) -> bytes:
    """Change some bytes: flip, put in, take out, repeat; at most `most` are left."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        place = random.randint(0, len(changed))
        match random.randrange(5):
            case 0 if place < len(changed):
                changed[place] ^= 1 << random.randrange(8)
            case 1 if place < len(changed):
                changed[place] = random.randrange(256)
            case 2:
                changed[place:place] = random.randbytes(random.choice((1, 2, 4)))
            case 3:
                del changed[place : place + random.choice((1, 2, 8))]
            case _:
                changed[place:place] = changed[place : place + random.choice((1, 4, 16))]
    return bytes(changed[:most])


class Generator:
    """Makes the sequences of a seed: the one of a number is always the same.

    :param limit: bytes in the longest message that the server has to take.
    """

    def __init__(self, seed: int, limit: int) -> None:
        self._seed = seed
        self._limit = limit
        self._random = Random()  # noqa: S311  # numbers that repeat are wanted
        self._pings = 0

    def sequence(self, number: int) -> Sequence:
        """Make the sequence of a number."""
        random = self._random = Random(f"{self._seed}:{number}")  # noqa: S311
        self._pings = 0
        key = base64.b64encode(random.randbytes(16)).decode()
        if not random.randrange(6):
            request, wanted, rule, oddity = odd_request(random)
            frames = self._right(deflates=False)[:6] if wanted != "refuse" else []
            return Sequence(request, wanted, rule, oddity, key, tuple(frames))
        deflates = bool(random.randrange(2))
        request = REQUEST.add(EXTENSIONS, offer(random)) if deflates else REQUEST
        kinds = (self._right, self._right, self._violated, self._violated, self._mutated)
        frames = random.choice(kinds)(deflates=deflates)
        cuts = random.choice((0, 0, 0, 1, random.randrange(2, 200)))
        sent = tuple(self._with_waits(frames))
        # A server may refuse a wrong offer with the request.
        return Sequence(request, "either" if deflates else "accept", key=key, frames=sent, cut=cuts)

    # Right sequences:

    def _right(self, *, deflates: bool) -> list[Sent]:
        """Return messages as a peer sends them, with control frames between, and perhaps a Close."""
        random = self._random
        frames: list[Sent] = []
        for _ in range(random.randint(1, MOST_MESSAGES)):
            frames += self._message(deflates=deflates)
        for _ in range(random.choice((0, 0, 1, 2, 3))):
            frames.insert(random.randint(0, len(frames)), self._control())
        if not random.randrange(3):
            frames.append(self._close())
            if not random.randrange(3):
                frames += self._message(deflates=deflates)
        return frames

    def _message(self, *, deflates: bool) -> list[Sent]:
        random = self._random
        form = random.choice(FORMS[1:]) if deflates and random.randrange(4) else ""
        if form and random.randrange(2):
            form = "takeover"
        opcode = random.choice((TEXT, BINARY))
        payload = self._payload(opcode)
        if form and not random.randrange(60):
            opcode, payload, form = BINARY, bytes(BOMB), "fixed"
        count = random.choice((1, 1, 1, 2, 3, random.randint(1, MOST_FRAGMENTS)))
        places = sorted(
            random.choice((0, len(payload), random.randint(0, len(payload)))) for _ in range(count - 1)
        )
        parts = [payload[a:b] for a, b in zip([0, *places], [*places, len(payload)], strict=True)]
        last = len(parts) - 1
        return [
            self._sent(CONTINUATION if at else opcode, part, fin=at == last, form=form)
            for at, part in enumerate(parts)
        ]

    def _payload(self, opcode: int) -> bytes:
        random = self._random
        if not random.randrange(12):
            size = random.choice(LARGE_SIZES)
        else:
            size = random.choice(SIZES) if random.randrange(3) else random.randrange(300)
        size = min(size, self._limit)
        if opcode == BINARY:
            unit = random.randbytes(random.choice((1, 3, 64, 700)))
            return (unit * (size // len(unit) + 1))[:size]
        text = self._prefixed(random.choice(GOOD_TEXTS)) or "Hello"
        ascii_tail = "abcdefghijklmnopqrstuvwxyz"
        whole = (text * (size // len(text.encode()) + 1)).encode()[: size - size % len(text.encode())]
        return whole + ascii_tail.encode()[: (size - len(whole)) % 26]

    def _prefixed(self, text: str) -> str:
        """Put some ASCII before a text, so that its characters begin at any byte."""
        return "abcd"[: self._random.randrange(5)] + text

    def _sent(self, opcode: int, payload: bytes = b"", **more: object) -> Sent:
        mask = self._random.choice((self._random.randbytes(4), b"\x37\xfa\x21\x3d"))
        return Sent(opcode, payload, mask=mask, **more)  # type: ignore[arg-type]  # fields of a frame

    def _control(self) -> Sent:
        if not self._random.randrange(4):
            return self._sent(PONG, self._random.randbytes(self._random.choice((0, 4, 125))))
        self._pings += 1
        size = self._random.choice((0, 4, 8, 124, 125))
        name = f"{self._pings:04d}".encode()  # to know its pong by
        return self._sent(PING, (name + self._random.randbytes(size))[:size])

    def _close(self) -> Sent:
        random = self._random
        code = random.choice((None, *GOOD_CODES, random.choice(CODES)))
        reason = self._prefixed(random.choice(("", *GOOD_TEXTS))).encode()[:123]
        if code is None:
            reason = b""
        if not random.randrange(6):
            reason = random.choice(BAD_TEXTS) if code is not None else b""
        while not is_text(reason) and random.randrange(10):
            reason = reason[:-1]
        return self._sent(CLOSE, close_payload(code, reason)[: 1 if not random.randrange(12) else 125])

    def _with_waits(self, frames: list[Sent]) -> list[Sent]:
        """Have half of the sequences wait for answers before some frames, or before each."""
        random = self._random
        some = random.choice((0, 0, 2, 1))
        return [replace(_bounded(frame), waits=bool(some) and not random.randrange(some)) for frame in frames]

    # Violations:

    def _violated(self, *, deflates: bool) -> list[Sent]:
        """Return a right sequence with one violation at any place."""
        random = self._random
        frames = self._right(deflates=deflates)
        breaking: tuple[Callable[[Sent], list[Sent]], ...] = (
            self._reserved, self._reserved, self._unknown, self._unmasked, self._long_control,
            self._open_control, self._lone_continuation, self._nested, self._bad_text, self._bad_text,
            self._long_form, self._truncated, self._raw_deflate, self._inside_rsv1, self._bad_close,
        )  # fmt: skip
        at = random.randrange(len(frames))
        frames[at : at + 1] = random.choice(breaking)(frames[at])
        if cut_off := [number for number, frame in enumerate(frames) if frame.declared is not None]:
            del frames[cut_off[0] + 1 :]  # they would be read as the rest of it
        return frames

    def _reserved(self, frame: Sent) -> list[Sent]:
        return [replace(frame, rsv=self._random.randint(1, 7), form="")]

    def _unknown(self, frame: Sent) -> list[Sent]:
        opcode = self._random.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15))
        return [self._sent(opcode, frame.payload[:125]), frame]

    def _unmasked(self, frame: Sent) -> list[Sent]:
        return [replace(frame, wrong_mask=True)]

    def _long_control(self, frame: Sent) -> list[Sent]:
        size = self._random.choice((126, 127, 200, 65_536))
        return [self._sent(self._random.choice((PING, PONG, CLOSE)), b"\x03\xe8" + b"a" * (size - 2)), frame]

    def _open_control(self, frame: Sent) -> list[Sent]:
        return [self._sent(self._random.choice((PING, PONG)), b"open", fin=False), frame]

    def _lone_continuation(self, frame: Sent) -> list[Sent]:
        fin = bool(self._random.randrange(2))
        size = self._random.choice((0, 5))
        return [self._sent(TEXT, b"whole"), self._sent(CONTINUATION, b"a" * size, fin=fin), frame]

    def _nested(self, frame: Sent) -> list[Sent]:
        opcode = self._random.choice((TEXT, BINARY))
        return [self._sent(opcode, b"begun", fin=False), self._sent(opcode, b"other"), frame]

    def _bad_text(self, frame: Sent) -> list[Sent]:
        bad = self._random.choice((*BAD_TEXTS, b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80\xed\xb0\x80"))
        text = (
            self._random.choice((b"", b"good ", "é€😀".encode())) + bad + self._random.choice((b"", b" more"))
        )
        form = self._random.choice(("", frame.form))
        place = self._random.randint(0, len(text))
        if self._random.randrange(2):
            return [self._sent(TEXT, text, form=form)]
        return [
            self._sent(TEXT, text[:place], fin=False, form=form),
            self._sent(CONTINUATION, text[place:], form=form),
        ]

    def _long_form(self, frame: Sent) -> list[Sent]:
        form: LengthForm = 64 if len(frame.payload) > 125 else self._random.choice((16, 64))
        return [replace(frame, length_form=form, form="")]

    def _truncated(self, frame: Sent) -> list[Sent]:
        more = self._random.choice((1, 5, 70_000, 2**31, 2**40, 2**63))
        return [replace(frame, declared=len(frame.payload) + more, length_form=None, form="")]

    def _raw_deflate(self, frame: Sent) -> list[Sent]:
        """Return a message of bytes that were deflated and changed, or of a block that DEFLATE has not."""
        random = self._random
        deflater = zlib.compressobj(9, wbits=-15)
        data = deflater.compress(frame.payload[:300]) + deflater.flush(zlib.Z_SYNC_FLUSH)
        wrong = (
            b"\x06",
            b"\x00\x05\x00\x00\x00hello",
            b"\x4b\x84\xff\xff\x03",
            mutated(random, data[:-4], 1000),
        )
        return [self._sent(random.choice((TEXT, BINARY)), random.choice(wrong), rsv=RSV1)]

    def _inside_rsv1(self, frame: Sent) -> list[Sent]:
        opcode = self._random.choice((CONTINUATION, PING, PONG))
        rest = [] if opcode == CONTINUATION else [self._sent(CONTINUATION, b"end", form=frame.form)]
        first = self._sent(BINARY, b"begun", fin=False, form=frame.form)
        return [first, self._sent(opcode, b"a", rsv=RSV1), *rest]

    def _bad_close(self, frame: Sent) -> list[Sent]:
        code = self._random.choice((0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535))
        bad = close_payload(1000, self._random.choice(BAD_TEXTS))
        payload = self._random.choice((close_payload(code), close_payload(code, "why"), b"\x03", bad))
        return [self._sent(CLOSE, payload), frame]

    # Mutated sequences:

    def _mutated(self, *, deflates: bool) -> list[Sent]:
        """Return a right sequence that has been changed at random, its frames in any order."""
        random = self._random

        def mutate(data: bytes, most: int) -> bytes:
            return mutated(random, data, most)

        mutator = FrameMutator(self._right(deflates=deflates), random, mutate)
        mutator.change(mutator.changes)
        return [self._as_sent(frame) for frame in mutator.frames[:40]]

    def _as_sent(self, frame: Frame) -> Sent:
        sent = frame if isinstance(frame, Sent) else self._sent(frame.opcode, frame.payload, fin=frame.fin)
        return replace(sent, length_form=None)


def _bounded(frame: Sent) -> Sent:
    """Cut the payload of a bomb that has lost its compression."""
    if frame.form or len(frame.payload) <= MOST_BYTES:
        return frame
    return replace(frame, payload=frame.payload[:MOST_BYTES], length_form=None)
