"""The codec of frames that judges the library: its bytes, literally (RFC 6455 5.2, 5.7)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tooling import frames
from tooling.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MASK,
    PING,
    RSV1,
    TEXT,
    Frame,
    IncompleteFrameError,
    LongFrameError,
    close_payload,
    decode_frame,
    decode_frames,
    frame,
    leading_frames,
    peer_frame,
    take_frame,
    whole_frames,
    xor,
)

EXAMPLES = {
    "an unmasked text": (Frame(TEXT, b"Hello"), "810548656c6c6f"),
    "a masked text": (Frame(TEXT, b"Hello", mask=MASK), "818537fa213d7f9f4d5158"),
    "the first fragment": (Frame(TEXT, b"Hel", fin=False), "010348656c"),
    "the last fragment": (Frame(CONTINUATION, b"lo"), "80026c6f"),
    "a ping": (Frame(PING, b"Hello"), "890548656c6c6f"),
    "256 bytes": (Frame(BINARY, bytes(256)), "827e0100" + "00" * 256),
    "65,536 bytes": (Frame(BINARY, bytes(65536)), "827f0000000000010000" + "00" * 65536),
    "a compressed text, RFC 7692 7.2.3.1": (
        Frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=RSV1),
        "c107f248cdc9c90700",
    ),
    "a length written longer than need be": (Frame(TEXT, b"x", length_form=16), "817e000178"),
    "a Close": (Frame(CLOSE, close_payload(1000, "bye")), "880503e8627965"),
}
examples = pytest.mark.parametrize(("one", "written"), EXAMPLES.values(), ids=EXAMPLES)


def test_it_needs_the_standard_library_alone() -> None:
    """So it shares no code with what it judges, and programs use it in the environments of peers."""
    assert frames.__file__ is not None
    tree = ast.parse(Path(frames.__file__).read_bytes())
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names


@examples
def test_a_frame_is_written_as_the_rfc_has_it(one: Frame, written: str) -> None:
    assert one.encode().hex() == written


@examples
def test_a_frame_is_read_as_it_was_written(one: Frame, written: str) -> None:
    assert decode_frame(bytes.fromhex(written)) == one
    data = bytearray(bytes.fromhex(written) + b"more")
    assert take_frame(data, 2**16) == one
    assert data == b"more"


@pytest.mark.parametrize(
    ("length", "form", "head"), [(125, 7, "827d"), (126, 16, "827e007e"), (65535, 16, "827effff")]
)
def test_a_length_takes_the_shortest_form(length: int, form: int, head: str) -> None:
    one = Frame(BINARY, bytes(length))
    assert one.length_form == form
    assert one.encode() == bytes.fromhex(head) + bytes(length)


def test_another_length_than_the_payload_has_can_be_declared() -> None:
    assert frame(BINARY, b"x", length_form=64, length=2**63 + 1).hex() == "827f800000000000000178"
    assert Frame(BINARY, declared=2**40).encode().hex() == "827f0000010000000000"


def test_masking_is_byte_by_byte_with_the_key_over_and_over() -> None:
    for size in range(12):
        payload = bytes(range(200, 200 + size))
        assert xor(payload, MASK) == bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
        assert xor(payload, bytes(4)) == payload


def test_the_peer_of_a_server_masks() -> None:
    assert peer_frame(False, PING).hex() == "898037fa213d"
    assert peer_frame(True, PING).hex() == "8900"


def test_a_close_payload_may_be_empty_and_is_read_back() -> None:
    assert close_payload() == b""
    assert (
        Frame(CLOSE, close_payload(3000, b"\xc3\xa4")).close_reason
        == "\N{LATIN SMALL LETTER A WITH DIAERESIS}"
    )
    assert Frame(CLOSE, close_payload(3000)).close_code == 3000
    assert Frame(CLOSE).close_code is None


def test_a_frame_is_taken_when_it_is_whole() -> None:
    written = frame(TEXT, b"x" * 200, mask=MASK)
    for end in range(len(written)):
        assert take_frame(bytearray(written[:end]), 200) is None
    assert take_frame(bytearray(written), 200) == Frame(TEXT, b"x" * 200, mask=MASK)


def test_a_frame_over_the_limit_is_refused_by_its_header() -> None:
    with pytest.raises(LongFrameError, match=r"a frame of 201 bytes came, at most 200 are taken"):
        take_frame(bytearray(b"\x82\x7e\x00\xc9"), 200)


def test_what_is_left_over_is_an_error_that_says_how_much_is_missing() -> None:
    with pytest.raises(IncompleteFrameError, match="the frame wants 2 bytes more: 8104") as caught:
        decode_frames(bytes.fromhex("8900") + bytes.fromhex("81046162"))
    assert (caught.value.start, caught.value.missing) == (2, 2)
    with pytest.raises(ValueError, match="2 frames where one was expected"):
        decode_frame(bytes.fromhex("89008900"))


def test_an_incomplete_last_frame_can_be_left_out_or_filled_up() -> None:
    data = bytes.fromhex("8900") + bytes.fromhex("81046162")
    assert leading_frames(data) == [Frame(PING)]
    assert whole_frames(data) == [Frame(PING), Frame(TEXT, b"ab\0\0")]
    assert whole_frames(bytes.fromhex("8900827f0000000100000000")) == [Frame(PING)]


def test_a_length_with_the_highest_bit_is_read_as_any_other() -> None:
    """It was an error of another class; found by the fuzz target differential."""
    data = bytes.fromhex("8900827fff00000000000000")
    assert whole_frames(data) == leading_frames(data) == [Frame(PING)]
