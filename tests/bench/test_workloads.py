"""The bytes of the workloads, read by the tests' own decoder."""

from __future__ import annotations

import zlib

import pytest

from bench import handshakes
from bench.messages import Message
from bench.rounds import Case
from bench.workloads import BY_NAME, MIB, WORKLOADS, Material
from tooling import frames as wire

RECEIVING = [
    Case(workload, role)
    for workload in WORKLOADS
    for role in workload.roles
    if workload.action not in {"send", "shake_hands", "accept"}
    # The tests' decoder unmasks byte by byte: of the 16 MiB, only the frame that is not masked.
    if role == "client" or not workload.name.endswith("16 MiB")
]


def messages_of(material: Material, masked: bool) -> list[Message]:
    """Join what the decoder reads from the whole stream."""
    messages = []
    inflater = zlib.decompressobj(-15)
    opcode, parts, compressed = 0, b"", False
    for frame in wire.decode_frames(b"".join(material.reads)):
        assert (frame.mask is not None) == masked
        assert frame.length_form == wire.minimal_form(len(frame.payload))
        if frame.opcode != wire.CONTINUATION:
            opcode, compressed = frame.opcode, frame.rsv == wire.RSV1
        parts += frame.payload
        if frame.fin:
            messages.append(
                Message(opcode, inflater.decompress(parts + b"\0\0\xff\xff") if compressed else parts)
            )
            parts = b""
    return messages


@pytest.mark.parametrize("case", RECEIVING, ids=lambda case: case.label)
def test_the_reads_hold_the_messages(case: Case) -> None:
    workload, role = case
    material = workload.material(role)
    assert messages_of(material, masked=role == "server") == material.messages
    assert sum(material.ends) == len(material.messages)
    assert len(material.ends) == len(material.reads)
    if workload.read is not None:
        assert {len(read) for read in material.reads[:-1]} <= {workload.read}


def test_the_same_bytes_come_every_time() -> None:
    workload = BY_NAME["receive deflate 1 KiB"]
    assert workload.material("server") == workload.material("server")


def test_masking_keys_differ_from_frame_to_frame() -> None:
    material = BY_NAME["receive text 32 B, one per call"].material("server")
    keys = {frame.mask for frame in wire.decode_frames(b"".join(material.reads))}
    assert len(keys) == len(material.messages)


def test_non_ascii_text_is_just_that() -> None:
    texts = [
        message.payload.decode() for message in BY_NAME["send non-ASCII text"].material("server").messages
    ]
    assert {len(text) for text in texts} == {32}
    assert not any(text.isascii() for text in texts)
    assert {len(character.encode()) for text in texts for character in text} == {1, 2, 3, 4}


def test_a_thousand_fragments() -> None:
    material = BY_NAME["receive 1000 fragments of 64 B"].material("client")
    found = wire.decode_frames(b"".join(material.reads))
    assert [len(frame.payload) for frame in found] == [64] * 1000
    assert [frame.fin for frame in found] == [False] * 999 + [True]


def test_sizes_are_what_the_names_say() -> None:
    assert [len(message.payload) for message in BY_NAME["send binary 16 MiB"].messages()] == [16 * MIB]
    assert {len(message.payload) for message in BY_NAME["receive deflate 64 KiB"].messages()} == {65536}


def test_the_browsers_request_is_a_good_one() -> None:
    answer = handshakes.response(handshakes.BROWSER_REQUEST, deflate=True)
    assert (
        handshakes.header(answer, b"Sec-WebSocket-Accept") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    )  # RFC 6455 1.3
    assert handshakes.BROWSER_REQUEST.count(b"\r\n") >= 16
    assert handshakes.complaint(handshakes.BROWSER_REQUEST, answer, deflate=True) == ""


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ((b"101", b"200"), "the answer is"),
        ((b"s3pP", b"s3pQ"), "Sec-WebSocket-Accept is"),
        ((b"permessage-deflate", b"x-other"), "Sec-WebSocket-Extensions is"),
        ((b"\r\n\r\n", b"\r\n"), "the answer is"),
    ],
)
def test_a_bad_answer_is_noticed(changed: tuple[bytes, bytes], complaint: str) -> None:
    answer = handshakes.response(handshakes.BROWSER_REQUEST, deflate=True).replace(*changed)
    assert complaint in handshakes.complaint(handshakes.BROWSER_REQUEST, answer, deflate=True)
