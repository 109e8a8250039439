"""What an echo server has to do, and may do, with the frames of a client (RFC 6455 5 to 8, RFC 7692 6 and 7).

The model reads the frames that go out and keeps the state of a server that reads them: whether a message is
in progress, its text as far as it has come, the inflater. It says what comes back, and from which frame on
the server has to fail the connection, or may. Where the RFCs leave something open, all of it is allowed:

- Text that is not UTF-8 may be refused with the first wrong byte or at the end of the message.
- A length in more bits than it needs may be refused, or taken: the rule is the sender's (RFC 6455 5.2).
- Nobody has to wait for a frame that does not come to its end.
- After DEFLATE data that servers may read differently, any answer is right.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.extra.frames import close
from harness.fuzzing.deflated import Inflated
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, minimal_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.extra.deflating import Agreement
    from harness.extra.seen import Event
    from harness.fuzzing.sequence import Sent

PROTOCOL_ERROR, REFUSED_TYPE, NOT_UTF8, TOO_BIG = 1002, 1003, 1007, 1009

ANY = frozenset({0, *range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""Every code that a Close may have, and 0 for none."""

USUAL = {1000, 1001, 1002, 1003, *range(1007, 1012), *range(3000, 5000)}
"""The codes that a client may send without doubt (RFC 6455 7.4)."""

TEXT_RULE = "text that is not UTF-8"

KNOWN = {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}


@dataclass
class Expected:
    """What a server does with some frames; places are numbers of frames."""

    messages: list[Event] = field(default_factory=list)
    """All that come back, at most, if the server goes on to the end."""
    shapes: list[str] = field(default_factory=list)
    """How the client wrote each of them."""
    due: list[int] = field(default_factory=list)
    """The number of messages that are due before each frame, and behind the last one."""
    pings: list[tuple[int, bytes]] = field(default_factory=list)
    """The place and payload of each ping."""
    fails_at: int | None = None
    """The frame with which the server has to fail the connection."""
    rule: str = ""
    """The name of the rule that says so."""
    failures: dict[int, set[int]] = field(default_factory=dict)
    """The frames with which it may, or has to, and the fitting codes of its Close, 0 for none."""
    binary_from: int | None = None
    """The first frame of a binary message, which a server may refuse."""
    closes_at: int | None = None
    """The client's Close, which it answers."""
    unfit_answers: frozenset[int] = frozenset()
    """The codes that do not fit the answer: they say that the client was wrong, where it was right."""
    unfinished: bool = False
    """Whether the last frame is not whole."""
    unclear_from: int | None = None
    """The number of messages behind which any content is right: servers may read the data differently."""

    def codes(self, sent: int) -> set[int]:
        """Return the fitting codes of a Close after so many frames; none where nothing was wrong."""
        codes = {code for place, fitting in self.failures.items() if place < sent for code in fitting}
        refuses = self.binary_from is not None and self.binary_from < sent
        return codes | ({REFUSED_TYPE} if refuses else set())

    def may_fail(self, sent: int) -> bool:
        """Tell whether a server may have failed the connection after so many frames."""
        return any(place < sent for place in self.failures)

    @property
    def stops_at(self) -> int | None:
        """The frame behind which the server reads nothing more."""
        return self.closes_at if self.fails_at is None else self.fails_at


class Model:
    """Reads frames as a server does.

    :param limit: bytes in the longest message that the server has to take.
    """

    def __init__(self, agreed: Agreement | None, limit: int) -> None:
        self._limit = limit
        self._inflated = Inflated(agreed) if agreed else None
        self._expected = Expected()
        self._place = 0
        self._opcode = 0
        """The opcode of the message in progress, 0 for none."""
        self._compressed = False
        self._data = b""
        self._raw_size = self._parts = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._bad_text = False

    def read(self, frames: Sequence[Sent]) -> Expected:
        """Return what a server does with them."""
        expected = self._expected
        for self._place, frame in enumerate(frames):
            expected.due.append(len(expected.messages))
            if expected.stops_at is None and not expected.unfinished:
                self._take(frame)
        expected.due.append(len(expected.messages))
        if expected.rule == TEXT_RULE:
            self._read_late(frames[(expected.fails_at or 0) + 1 :])
        return expected

    def _read_late(self, rest: Sequence[Sent]) -> None:
        """Let a server that decodes text only for its program find the faults of later frames first."""
        self._place = self._expected.fails_at or 0
        if any(frame.opcode == CLOSE for frame in rest):  # with it the program need not read the text
            self._may_fail(*ANY)
        if rest:
            self._may_fail(PROTOCOL_ERROR)

    def _may_fail(self, *codes: int) -> None:
        self._expected.failures.setdefault(self._place, set()).update(codes)

    def _fail(self, rule: str, *codes: int) -> None:
        self._may_fail(*codes)
        self._expected.fails_at, self._expected.rule = self._place, rule

    def _unclear(self) -> None:
        if self._expected.unclear_from is None:
            self._expected.unclear_from = len(self._expected.messages)
        self._may_fail(*ANY)

    def _take(self, frame: Sent) -> None:
        size = len(frame.payload) if frame.declared is None else frame.declared
        violation = self._violation(frame, size)
        if frame.declared is not None:  # the server may wait for the rest, or look at the header alone
            self._expected.unfinished = True
            if violation or size >= 2**63 or frame.length_form != minimal_form(size):
                self._may_fail(PROTOCOL_ERROR)
            if size > self._limit:
                self._may_fail(TOO_BIG, PROTOCOL_ERROR)
            if frame.opcode < CLOSE and not violation:
                self._may_fail(NOT_UTF8, REFUSED_TYPE, PROTOCOL_ERROR)  # of that part of it which has come
            return
        if violation:
            self._fail(violation, PROTOCOL_ERROR, *self._faults_of_payload(frame, violation))
            return
        if frame.length_form != minimal_form(size):
            self._may_fail(PROTOCOL_ERROR)
        if frame.opcode == PING:
            self._expected.pings.append((self._place, frame.payload))
        elif frame.opcode == CLOSE:
            self._close(frame.payload)
        elif frame.opcode < CLOSE:
            self._part(frame)

    def _faults_of_payload(self, frame: Sent, violation: str) -> set[int] | frozenset[int]:
        """Return the codes for what else is wrong with a frame: which fault comes first is the server's."""
        if violation == "no mask":
            return ANY
        codes = {TOO_BIG} if len(frame.payload) > self._limit else set()
        if frame.opcode in {CONTINUATION, TEXT} and not is_text(frame.payload):
            codes.add(NOT_UTF8)
        if self._inflated and frame.rsv & RSV1:
            codes |= {NOT_UTF8, TOO_BIG}
        return codes

    def _violation(self, frame: Sent, size: int) -> str:
        """Name the rule that the header breaks."""
        allowed = RSV1 if self._inflated and frame.opcode in {TEXT, BINARY} else 0
        if frame.rsv & ~allowed:
            misplaced = self._inflated and frame.rsv == RSV1 and frame.opcode in KNOWN
            return "RSV1 out of place" if misplaced else "a reserved bit"
        if frame.opcode not in KNOWN:
            return "an unknown opcode"
        if frame.wrong_mask:
            return "no mask"
        if frame.opcode >= CLOSE:
            if not frame.fin:
                return "a fragmented control frame"
            return "a long control frame" if size > 125 else ""
        if frame.opcode == CONTINUATION:
            return "" if self._opcode else "a continuation of nothing"
        return "a message inside of another" if self._opcode else ""

    def _close(self, payload: bytes) -> None:
        expected = self._expected
        expected.closes_at = self._place
        code = int.from_bytes(payload[:2], "big")
        right = not payload or (len(payload) > 1 and code in USUAL and is_text(payload[2:]))
        if right and not self._opcode and not expected.failures:
            expected.unfit_answers = frozenset({PROTOCOL_ERROR, NOT_UTF8} - {code})

    def _part(self, frame: Sent) -> None:
        """Take a frame of a message."""
        if frame.opcode:
            self._opcode, self._data, self._raw_size, self._parts = frame.opcode, b"", 0, 0
            self._compressed = bool(frame.rsv & RSV1)
            self._decoder.reset()
            self._bad_text = False
            if self._compressed and self._inflated:
                self._inflated.begin()
        self._raw_size += len(frame.payload)
        self._parts += 1
        data = frame.payload
        if self._compressed and self._inflated:
            data = self._inflated.take(frame.payload, last=frame.fin, ours=bool(frame.form))
        self._data += data
        if self._opcode == BINARY and self._expected.binary_from is None:
            self._expected.binary_from = self._place
        if max(len(self._data), self._raw_size) > self._limit:
            self._may_fail(TOO_BIG)
        self._judge_part(data, last=frame.fin)
        if frame.fin and self._expected.fails_at is None:
            self._finish()

    def _judge_part(self, data: bytes, *, last: bool) -> None:
        inflated = self._inflated if self._compressed else None
        if inflated and inflated.unclear:
            self._unclear()
            return
        if inflated and inflated.large:
            self._unclear()
        if inflated and inflated.fault:
            if last and self._expected.unclear_from is None:  # else the window is unclear, too
                self._fail("data that does not inflate", *ANY)
            else:
                self._may_fail(*ANY)
        if self._opcode == TEXT and not self._bad_text:
            try:
                self._decoder.decode(data, final=last and not (inflated and inflated.fault))
            except UnicodeDecodeError:
                self._bad_text = True
        if self._bad_text:
            if last and self._expected.fails_at is None and self._expected.unclear_from is None:
                self._fail(TEXT_RULE, NOT_UTF8)
            else:
                self._may_fail(NOT_UTF8)

    def _finish(self) -> None:
        """Have a message come back."""
        shape = f"{'fragmented ' * (self._parts > 1)}{'text' if self._opcode == TEXT else 'binary'}"
        if self._compressed and self._inflated:
            shape = f"{'fragmented ' * (self._parts > 1)}compressed message"
            shape = "compressed message behind a final block" if self._inflated.ended_before else shape
        self._expected.shapes.append(shape)
        self._expected.messages.append(("message", self._data, self._opcode == BINARY))
        self._opcode = 0


def expect(frames: Sequence[Sent], agreed: Agreement | None, limit: int) -> Expected:
    """Return what a server does with frames; `limit` is the longest message that it has to take, in bytes."""
    return Model(agreed, limit).read(frames)


def is_text(data: bytes) -> bool:
    """Tell whether it is UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


NORMAL = close(1000)
"""The Close by which the fuzzer ends a connection that is still open."""
