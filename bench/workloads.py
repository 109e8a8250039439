"""The workloads, as a table, and the bytes of each, the same in every run and for every peer.

It needs the standard library alone, since the workers import it inside each peer's environment.
"""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from bench.messages import Message
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Role = Literal["server", "client", "both"]
Action = Literal["receive", "send", "answer_pings", "answer_close", "begin_close", "shake_hands", "accept"]

KIB: Final = 2**10
MIB: Final = 2**20


class Material(NamedTuple):
    """The input of one pass of a workload, and its right output."""

    messages: list[Message]
    reads: Sequence[bytes] = ()
    """The reads of the transport, one call each."""
    ends: Sequence[int] = ()
    """How many messages and control frames are complete with each read."""
    fragment: int | None = None
    """Bytes in a fragment, where messages are sent in some."""


@dataclass(frozen=True)
class Workload:
    """One line of the table, for one role or more."""

    name: str
    action: Action
    messages: Callable[[], list[Message]]
    read: int | None = None
    """Bytes in a read; None where each frame comes in a read of its own."""
    fragment: int | None = None
    """Bytes in a fragment; None where a message is one frame."""
    deflate: bool = False
    """Whether permessage-deflate is negotiated."""
    per: str = "message"
    """The unit that the cost is given for."""
    roles: tuple[Role, ...] = ("server", "client")

    def material(self, role: Role) -> Material:
        """Make the bytes for a library in this role: a server receives masked frames."""
        messages = self.messages()
        if self.action == "send":
            return Material(messages, fragment=self.fragment)
        if self.action in {"shake_hands", "accept"}:
            return Material(messages)
        frames = _frames(messages, masked=role == "server", deflate=self.deflate, fragment=self.fragment)
        if self.read is None:
            reads = [written for written, _ in frames]
            return Material(messages, reads, [int(last) for _, last in frames])
        return Material(messages, *_cut(frames, self.read))


def _frames(
    messages: Sequence[Message], *, masked: bool, deflate: bool, fragment: int | None
) -> list[tuple[bytes, bool]]:
    """Write the frames of a peer, each with whether its message ends there."""
    keys = random.Random(6455)
    deflater = zlib.compressobj(wbits=-15)
    frames = []
    for opcode, whole in messages:
        payload = whole
        compressed = deflate and opcode in {TEXT, BINARY}
        if compressed:  # RFC 7692 7.2.1, with context takeover
            payload = (deflater.compress(whole) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
        size = fragment or len(payload) or 1
        starts = range(0, len(payload) or 1, size)
        for start in starts:
            last = start == starts[-1]
            written = frame(
                opcode if start == 0 else CONTINUATION,
                payload[start : start + size],
                fin=last,
                rsv=RSV1 if compressed and start == 0 else 0,
                mask=keys.randbytes(4) if masked else None,
            )
            frames.append((written, last))
    return frames


def _cut(frames: Sequence[tuple[bytes, bool]], size: int) -> tuple[list[bytes], list[int]]:
    """Cut a stream of frames into reads of one size, and count the messages that end in each."""
    stream = b"".join(written for written, _ in frames)
    reads = [stream[start : start + size] for start in range(0, len(stream), size)]
    ends = [0] * len(reads)
    for offset, (_, last) in zip(accumulate(len(written) for written, _ in frames), frames, strict=True):
        ends[(offset - 1) // size] += last
    return reads, ends


def _ascii(size: int, count: int) -> list[Message]:
    letters = random.Random(size)
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789 ,.:{}\"'"
    return [Message(TEXT, "".join(letters.choices(alphabet, k=size)).encode()) for _ in range(count)]


def _non_ascii(count: int) -> list[Message]:
    """Make texts of 32 characters, about half of them outside ASCII, in two to four bytes."""
    letters = random.Random(7692)
    alphabet = "abcdefghij klmnopäöüßéñçøåžλπДжשא中文字日本語한글€→😀🚀"
    return [Message(TEXT, "".join(letters.choices(alphabet, k=32)).encode()) for _ in range(count)]


def _binary(size: int, count: int) -> list[Message]:
    content = random.Random(size)
    return [Message(BINARY, content.randbytes(size)) for _ in range(count)]


def _json(size: int, count: int) -> list[Message]:
    """Make texts as an application would send them compressed: rows of JSON, cut to size."""
    values = random.Random(size)
    names = ("alice", "bob", "carol", "dave", "erin", "frank")
    messages = []
    for number in range(count):
        text = ""
        while len(text) < size:
            row = {
                "id": values.randrange(10**6),
                "user": values.choice(names),
                "price": round(values.uniform(1, 1000), 2),
                "active": values.random() < 0.5,
                "tags": values.sample(["news", "sport", "art", "food", "code"], 2),
                "seq": number,
            }
            text += json.dumps(row, separators=(",", ":")) + "\n"
        messages.append(Message(TEXT, text[:size].encode()))
    return messages


def _controls(opcode: int, count: int) -> list[Message]:
    return [Message(opcode, number.to_bytes(8, "big")) for number in range(count)]


def _close() -> list[Message]:
    return [Message(CLOSE, (1000).to_bytes(2, "big") + b"done")]


def _nothing() -> list[Message]:
    return []


def _sizes(action: Action) -> list[Workload]:
    """Make the workloads of binary messages in one call each."""
    rows = (("1 KiB", KIB, 64), ("64 KiB", 64 * KIB, 8), ("1 MiB", MIB, 1), ("16 MiB", 16 * MIB, 1))
    return [Workload(f"{action} binary {name}", action, partial(_binary, size, n)) for name, size, n in rows]


_TEXTS = partial(_ascii, 32, 200)
_DEFLATED = (("1 KiB", partial(_json, KIB, 64)), ("64 KiB", partial(_json, 64 * KIB, 6)))

WORKLOADS: Final[tuple[Workload, ...]] = (
    Workload("receive text 32 B, 64 KiB reads", "receive", partial(_ascii, 32, 3600), read=64 * KIB),
    Workload("receive text 32 B, one per call", "receive", _TEXTS),
    Workload("receive non-ASCII text, 64 KiB reads", "receive", partial(_non_ascii, 2200), read=64 * KIB),
    *_sizes("receive"),
    Workload(
        "receive 1000 fragments of 64 B",
        "receive",
        partial(_binary, 64_000, 1),
        read=64 * KIB,
        fragment=64,
    ),
    *(Workload(f"receive deflate {name}", "receive", make, deflate=True) for name, make in _DEFLATED),
    Workload("receive 1 MiB, 1460 B reads", "receive", partial(_binary, MIB, 1), read=1460),
    Workload("receive text 32 B, byte by byte", "receive", partial(_ascii, 32, 20), read=1),
    Workload("receive binary 8 KiB, byte by byte", "receive", partial(_binary, 8 * KIB, 1), read=1),
    Workload("send text 32 B", "send", _TEXTS),
    Workload("send non-ASCII text", "send", partial(_non_ascii, 200)),
    *_sizes("send"),
    Workload("send 1000 fragments of 64 B", "send", partial(_binary, 64_000, 1), fragment=64),
    *(Workload(f"send deflate {name}", "send", make, deflate=True) for name, make in _DEFLATED),
    Workload("ping answered", "answer_pings", partial(_controls, PING, 200), per="ping"),
    Workload("pong received", "receive", partial(_controls, PONG, 200), per="pong"),
    Workload("close answered", "answer_close", _close, per="connection"),
    Workload("close begun", "begin_close", _close, per="connection"),
    Workload("handshake pair", "shake_hands", _nothing, per="pair", roles=("both",)),
    Workload("handshake pair, deflate", "shake_hands", _nothing, deflate=True, per="pair", roles=("both",)),
    Workload("browser's request", "accept", _nothing, deflate=True, per="handshake", roles=("server",)),
)

#: The three of small frames, whose instructions are counted.
COUNTED: Final = ("receive text 32 B, 64 KiB reads", "receive text 32 B, one per call", "send text 32 B")

#: Received under the eye of tracemalloc.
PEAKS: Final[tuple[Workload, ...]] = (
    Workload("peak, 64 MiB in one call", "receive", partial(_binary, 64 * MIB, 1), per="size"),
    Workload("peak, 64 MiB in 64 KiB reads", "receive", partial(_binary, 64 * MIB, 1), read=64 * KIB),
)
BY_NAME: Final = {workload.name: workload for workload in (*WORKLOADS, *PEAKS)}


def sized(action: Action, size: int, read: int | None = None) -> Workload:
    """Make a workload of one binary message of any size."""
    return Workload(f"{action} {size} bytes", action, partial(_binary, size, 1), read=read)
