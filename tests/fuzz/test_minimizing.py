"""Minimising reaches what a hand finds: faults planted in a copy of the library, and inputs that show them.

Each smallest input was worked out by hand from the fault. The tool gets a long input, in which the fault
shows among other frames or lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fuzz.crashes import keep
from fuzz.folders import PACKAGE, Folders
from fuzz.minimizer import Budget, minimize
from fuzz.planted.catalogue import named
from fuzz.planted.fault import plant
from fuzz.smaller import smaller_frames, smaller_head, smaller_messages
from tests.oracle.deflating import Deflater
from tests.oracle.handshake_bytes import request
from tooling import frames as wire
from tooling.frames import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, RSV1, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOISE = (
    wire.frame(BINARY, bytes(range(200)), mask=MASK)
    + wire.frame(TEXT, "grün".encode() * 9, fin=False, mask=MASK)
    + wire.frame(PING, b"ping", mask=MASK)
    + wire.frame(CONTINUATION, b"", fin=False, mask=MASK)
    + wire.frame(CONTINUATION, b"end", mask=MASK)
)
DEFLATED = [deflater.message(b"Hello, Hello" * 2) for deflater in [Deflater()] for _ in range(3)]

CASES = {
    "a control frame of more than 125 bytes": (
        "frames_server",
        bytes([0, 7, 99]) + NOISE + wire.frame(PONG, b"x" * 3000, mask=MASK) + NOISE,
        bytes(3) + b"\x89\xfe" + b"\x00\x7e" + bytes(4) + bytes(126),
    ),
    "the start of a surrogate is not refused": (
        "frames_server",
        bytes(3)
        + NOISE
        + wire.frame(TEXT, b"some text, then \xed\xa0", fin=False, mask=MASK)
        + wire.frame(CONTINUATION, b"\x80 and more", mask=MASK),
        # The two bytes in an unfinished frame; the message ends behind them.
        bytes(3) + b"\x01\x82" + bytes(4) + b"\xed\xa0" + b"\x80\x80" + bytes(4),
    ),
    "a message may have one fragment more": (
        "frames_server",
        bytes([0, 11, 0])
        + NOISE
        + wire.frame(TEXT, b"one", fin=False, mask=MASK)
        + wire.frame(CONTINUATION, b"two", fin=False, mask=MASK)
        + wire.frame(PING, b"ping", mask=MASK)
        + wire.frame(CONTINUATION, b"three", fin=False, mask=MASK)
        + wire.frame(CONTINUATION, b"four", mask=MASK),
        # The limit of two fragments is the fourth; a fourth fragment fails by the first bytes of its header.
        b"\x00\x03\x00" + b"\x01\x80" + bytes(4) + (b"\x00\x80" + bytes(4)) * 2 + b"\x00\x80",
    ),
    "the code 2999 is accepted": (
        "frames_client",
        bytes([0, 0, 5])
        + wire.frame(TEXT, b"Hello" * 30)
        + wire.frame(CLOSE, wire.close_payload(2999, "this code is reserved")),
        bytes(3) + b"\x88\x02\x0b\xb7",
    ),
    "RSV1 on a ping is accepted": (
        "frames_structured",
        bytes([1, 0, 50])
        + wire.frame(TEXT, DEFLATED[0], rsv=RSV1, mask=MASK)
        + wire.frame(PING, b"Hello", rsv=RSV1, mask=MASK),
        b"\x01\x00\x00" + b"\xc8\x80" + bytes(4),
    ),
    "a receiver forgets the context": (
        "inflate",
        bytes([7, 0, 3, 9]) + b"\xff\xff\xff\xff".join(DEFLATED),
        # A message that inflates to a zero byte, and a repetition of what came before.
        b"\x00\x00\x00\x00" + b"\x62\x00\x00" + b"\xff\xff\xff\xff" + b"\x42\x00",
    ),
    "Connection need not name the upgrade": (
        "handshake_server",
        bytes([4, 3, 9])
        + request({b"Connection": [b"keep-alive, close"], b"Sec-WebSocket-Protocol": [b"chat, superchat"]})
        + NOISE,
        bytes(3)
        + b"GET / HTTP/1.1\nHost:\nUpgrade:websocket\nConnection:!\n"
        + b"Sec-WebSocket-Key:AAAAAAAAAAAAAAAAAAAAAA==\nSec-WebSocket-Version:13\n\n",
    ),
}


@pytest.mark.parametrize("fault", CASES)
def test_it_reaches_what_a_hand_finds(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, found, by_hand = CASES[fault]
    monkeypatch.setenv("PYTHONPATH", str(plant(named([fault])[0], tmp_path)))
    folders = Folders(tmp_path)
    (tmp_path / "crashes").mkdir()
    finding = keep(folders, PACKAGE.targets([target])[0], found, "crash", Budget(60))
    (file,) = (file for file in folders.crashes.iterdir() if not file.suffix)
    assert finding.original_size == len(found)
    assert file.read_bytes() == by_hand


def applied(row: Callable[[bytes], Iterator[bytes]], data: bytes) -> bytes:
    """The end of a row in which each input is the first smaller one, as if all failed."""
    return minimize(data, lambda _: True, Budget(20), row)


@pytest.mark.parametrize(
    "smaller", [smaller_frames, smaller_head, lambda data: smaller_messages(data, 4, b"\xff\xff\xff\xff")]
)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1",
        bytes(3),
        b"\0\0\0\x81",
        b"\0\0\0\x81\xfe\1",
        b"\0\0\0\x81\xff" + b"\xff" * 8,
        bytes(3) + NOISE,
    ],
    ids=bytes.hex,
)
def test_any_input_has_smaller_ones_until_nothing_is_left(
    smaller: Callable[[bytes], Iterator[bytes]], data: bytes
) -> None:
    assert applied(smaller, data) == b""


def smaller_than(frames: bytes) -> set[bytes]:
    return {one[3:] for one in smaller_frames(bytes(3) + frames) if one[:3] == bytes(3)}


def test_a_length_shrinks_with_its_payload() -> None:
    found = smaller_than(wire.frame(TEXT, b"x" * 126, mask=MASK))
    assert wire.frame(TEXT, b"x" * 125, mask=MASK) in found
    assert wire.frame(TEXT, b"x" * 63, mask=MASK) in found
    assert wire.frame(TEXT, b"x" * 126, mask=bytes(4)) in found
    assert wire.frame(TEXT, bytes(126), mask=MASK) in found


def test_a_length_stays_in_the_bits_that_it_has_or_takes_fewer() -> None:
    found = smaller_than(wire.frame(TEXT, b"ab", length_form=64))
    for form in (7, 64):
        assert wire.frame(TEXT, b"a", length_form=form) in found


def test_fragments_merge_over_control_frames() -> None:
    one, two = wire.frame(TEXT, b"one", fin=False), wire.frame(CONTINUATION, b"two")
    ping = wire.frame(PING, b"p")
    assert wire.frame(TEXT, b"onetwo") + ping in smaller_than(one + ping + two)


def test_of_a_frame_that_came_in_part_length_and_payload_shrink_together() -> None:
    found = smaller_than(wire.frame(TEXT, b"abc", length=70_000, mask=bytes(4)))
    assert wire.frame(TEXT, b"ab", length=69_999, mask=bytes(4)) in found
    assert wire.frame(TEXT, b"abc", length=4, mask=bytes(4)) in found
    assert wire.frame(TEXT, b"ab", length=70_000, mask=bytes(4)) in found


def test_what_is_deflated_is_sent_plain_and_deflated_shorter() -> None:
    found = smaller_than(wire.frame(TEXT, Deflater().message(b"Hello"), rsv=RSV1))
    assert wire.frame(TEXT, b"Hello") in found
    assert wire.frame(TEXT, Deflater(level=9).message(b"H"), rsv=RSV1) in found


def test_a_line_of_a_head_goes_as_a_whole_and_the_key_becomes_plain() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    found = {one[3:] for one in smaller_head(bytes(3) + head + NOISE)}
    assert head in found
    assert head.replace(b"Host: a\r\n", b"") + NOISE in found
    assert head.replace(b"dGhlIHNhbXBsZSBub25jZQ", b"A" * 22) + NOISE in found
