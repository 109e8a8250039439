"""`FrameProtocol` used by itself: what was received as frames, and the older ways to send."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

import wsproto.events
import wsproto.frame_protocol
from tooling import frames as wire
from wsproto.extension import Extension
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed
from wsproto.utilities import LocalProtocolError

ends = pytest.mark.parametrize("client", [True, False], ids=["client", "server"])


def received(client: bool, data: bytes) -> list[Frame]:
    protocol = FrameProtocol(client, [])
    protocol.receive_bytes(data)
    return list(protocol.received_frames())


def refused(client: bool, data: bytes) -> ParseFailed:
    with pytest.raises(ParseFailed) as caught:
        received(client, data)
    return caught.value


def test_the_module_offers_the_names_that_downstream_code_imports() -> None:
    for name in ("Opcode", "CloseReason", "RsvBits", "FrameProtocol", "FrameDecoder", "Frame", "ParseFailed"):
        assert hasattr(wsproto.frame_protocol, name), name


@ends
def test_it_knows_its_role(client: bool) -> None:
    assert FrameProtocol(client, []).client is client
    assert FrameProtocol(client=client, extensions=[]).client is client


def test_it_may_be_referred_to_weakly() -> None:
    protocol = FrameProtocol(True, [])
    assert weakref.ref(protocol)() is protocol


@ends
def test_it_knows_its_extensions(client: bool) -> None:
    extensions = (Extension(), Extension())
    for extension in extensions:
        extension.name = "none"
    assert FrameProtocol(client, extensions).extensions == list(extensions)


@ends
def test_a_frame_has_four_fields_in_order(client: bool) -> None:
    (frame,) = received(client, wire.peer_frame(client, wire.TEXT, b"x"))
    assert frame == Frame(Opcode.TEXT, "x", True, True)
    assert frame.opcode is Opcode.TEXT
    assert (frame.payload, frame.frame_finished, frame.message_finished) == ("x", True, True)


@ends
@pytest.mark.parametrize(
    ("opcode", "payload", "expected"),
    [
        (Opcode.TEXT, "é".encode(), "é"),
        (Opcode.BINARY, b"\xff", b"\xff"),
        (Opcode.PING, b"p", b"p"),
        (Opcode.PONG, b"", b""),
        (Opcode.CLOSE, wire.close_payload(1000, "é"), (1000, "é")),
        (Opcode.CLOSE, wire.close_payload(1001), (1001, "")),
        (Opcode.CLOSE, wire.close_payload(4000, "x"), (4000, "x")),
        (Opcode.CLOSE, b"", (1005, "")),
    ],
    ids=[
        "text",
        "binary",
        "ping",
        "pong",
        "close",
        "close-without-reason",
        "close-4000",
        "close-without-code",
    ],
)
def test_payloads_by_opcode(client: bool, opcode: Opcode, payload: bytes, expected: object) -> None:
    (frame,) = received(client, wire.peer_frame(client, opcode, payload))
    assert frame == Frame(opcode, expected, True, True)  # type: ignore[arg-type]
    assert type(frame.payload) is type(expected)
    assert type(frame.opcode) is Opcode


@ends
def test_a_close_code_that_has_a_name_is_the_member(client: bool) -> None:
    (frame,) = received(client, wire.peer_frame(client, wire.CLOSE, wire.close_payload(1011)))
    assert isinstance(frame.payload, tuple)
    assert frame.payload[0] is CloseReason.INTERNAL_ERROR


@ends
def test_a_continuation_has_the_messages_opcode(client: bool) -> None:
    data = (
        wire.peer_frame(client, wire.TEXT, b"a", fin=False)
        + wire.peer_frame(client, wire.PING, b"p")
        + wire.peer_frame(client, wire.CONTINUATION, b"b", fin=False)
        + wire.peer_frame(client, wire.CONTINUATION, b"c")
        + wire.peer_frame(client, wire.BINARY, b"d", fin=False)
        + wire.peer_frame(client, wire.CONTINUATION, b"")
    )
    assert received(client, data) == [
        Frame(Opcode.TEXT, "a", True, False),
        Frame(Opcode.PING, b"p", True, True),
        Frame(Opcode.TEXT, "b", True, False),
        Frame(Opcode.TEXT, "c", True, True),
        Frame(Opcode.BINARY, b"d", True, False),
        Frame(Opcode.BINARY, b"", True, True),
    ]


@ends
def test_a_frame_comes_in_pieces(client: bool) -> None:
    protocol = FrameProtocol(client, [])
    data = wire.peer_frame(client, wire.BINARY, b"abcd")
    frames = []
    for piece in (data[:-3], data[-3:-1], data[-1:]):
        protocol.receive_bytes(piece)
        frames += list(protocol.received_frames())
    assert frames == [
        Frame(Opcode.BINARY, b"a", False, False),
        Frame(Opcode.BINARY, b"bc", False, False),
        Frame(Opcode.BINARY, b"d", True, True),
    ]


@ends
def test_a_close_comes_after_the_frames_before_it(client: bool) -> None:
    data = wire.peer_frame(client, wire.TEXT, b"a") + wire.peer_frame(
        client, wire.CLOSE, wire.close_payload(1000)
    )
    assert received(client, data) == [
        Frame(Opcode.TEXT, "a", True, True),
        Frame(Opcode.CLOSE, (1000, ""), True, True),
    ]


@ends
@pytest.mark.parametrize(
    ("opcode", "payload", "changes", "code"),
    [
        (wire.TEXT, b"", {"rsv": wire.RSV1}, 1002),
        (wire.TEXT, b"\xff", {}, 1007),
        (wire.TEXT, b"\xc3", {}, 1007),
        (wire.CONTINUATION, b"", {}, 1002),
        (wire.PING, b"", {"fin": False}, 1002),
        (wire.PING, b"x" * 126, {}, 1002),
        (wire.CLOSE, b"x", {}, 1002),
        (wire.CLOSE, wire.close_payload(999), {}, 1002),
        (wire.CLOSE, wire.close_payload(1000, b"\xff"), {}, 1007),
        (0xF, b"", {}, 1002),
    ],
)
def test_parse_failed_carries_the_close_code(
    client: bool, opcode: int, payload: bytes, changes: dict[str, Any], code: int
) -> None:
    error = refused(client, wire.peer_frame(client, opcode, payload, **changes))
    assert error.code == code
    assert isinstance(error.code, CloseReason)
    assert str(error)


@ends
def test_frames_before_a_failure_are_yielded(client: bool) -> None:
    protocol = FrameProtocol(client, [])
    protocol.receive_bytes(wire.peer_frame(client, wire.TEXT, b"a") + wire.peer_frame(client, 0x7))
    frames = protocol.received_frames()
    assert next(frames) == Frame(Opcode.TEXT, "a", True, True)
    with pytest.raises(ParseFailed):
        next(frames)


# Sending.


@ends
def test_every_way_to_send(client: bool) -> None:
    protocol = FrameProtocol(client, [])
    calls: list[tuple[bytes, int, bool, bytes]] = [
        (protocol.send_data("a", fin=False), wire.TEXT, False, b"a"),
        (protocol.ping(), wire.PING, True, b""),
        (protocol.send_data("é"), wire.CONTINUATION, True, "é".encode()),
        (protocol.send_data(b"b", False), wire.BINARY, False, b"b"),
        (protocol.pong(b"q"), wire.PONG, True, b"q"),
        (protocol.send_data(b"", True), wire.CONTINUATION, True, b""),
        (protocol.ping(b"p"), wire.PING, True, b"p"),
        (protocol.pong(), wire.PONG, True, b""),
        (protocol.send_data(bytearray(b"c")), wire.BINARY, True, b"c"),
        (protocol.close(1001, "bye"), wire.CLOSE, True, b"\x03\xe9bye"),
    ]
    for data, opcode, fin, payload in calls:
        sent = wire.decode_frame(data)
        assert type(data) is bytes
        assert (sent.opcode, sent.fin, sent.payload) == (opcode, fin, payload)
        assert (sent.mask is not None) is client


@ends
@pytest.mark.parametrize(
    ("arguments", "payload"),
    [
        ((), b""),
        ((None,), b""),
        ((None, None), b""),
        ((1005,), b""),
        ((CloseReason.NO_STATUS_RCVD,), b""),
        ((1000,), b"\x03\xe8"),
        ((CloseReason.GOING_AWAY, "x"), b"\x03\xe9x"),
        ((1006,), b"\x03\xe8"),
        ((CloseReason.TLS_HANDSHAKE_FAILED, "x"), b"\x03\xe8x"),
        ((1000, "a" * 200), b"\x03\xe8" + b"a" * 123),
    ],
    ids=repr,
)
def test_close_codes_and_reasons(client: bool, arguments: tuple[Any, ...], payload: bytes) -> None:
    assert wire.decode_frame(FrameProtocol(client, []).close(*arguments)).payload == payload


@ends
@pytest.mark.parametrize("code", [None, 1005])
def test_a_reason_needs_a_code(client: bool, code: int | None) -> None:
    with pytest.raises(TypeError) as caught:
        FrameProtocol(client, []).close(code, "why")
    assert isinstance(caught.value, LocalProtocolError)


@ends
def test_long_control_payloads_are_value_errors(client: bool) -> None:
    protocol = FrameProtocol(client, [])
    for method in (protocol.ping, protocol.pong):
        with pytest.raises(ValueError, match="125") as caught:
            method(b"x" * 126)
        assert isinstance(caught.value, LocalProtocolError)


@ends
@pytest.mark.parametrize(("first", "other"), [("a", b"b"), (b"a", "b")], ids=["text", "binary"])
def test_a_type_change_inside_a_message_is_a_type_error(client: bool, first: Any, other: Any) -> None:
    protocol = FrameProtocol(client, [])
    protocol.send_data(first, fin=False)
    with pytest.raises(TypeError) as caught:
        protocol.send_data(other)
    assert isinstance(caught.value, LocalProtocolError)
    assert wire.decode_frame(protocol.send_data(first)).opcode == wire.CONTINUATION


@ends
@pytest.mark.parametrize(
    "payload", [None, 1, 1.5, ["x"], object(), "\ud800"], ids=lambda value: ascii(value)[:8]
)
def test_other_payloads_are_local_errors(client: bool, payload: Any) -> None:
    protocol = FrameProtocol(client, [])
    with pytest.raises(LocalProtocolError):
        protocol.send_data(payload, fin=False)
    assert wire.decode_frame(protocol.send_data("ok")).opcode == wire.TEXT


def test_a_client_and_a_server_protocol_understand_each_other() -> None:
    client, server = FrameProtocol(True, []), FrameProtocol(False, [])
    for source, target in ((client, server), (server, client)):
        target.receive_bytes(
            source.send_data("a", fin=False)
            + source.ping(b"p")
            + source.send_data("b")
            + source.close(1000, "x")
        )
        assert list(target.received_frames()) == [
            Frame(Opcode.TEXT, "a", True, False),
            Frame(Opcode.PING, b"p", True, True),
            Frame(Opcode.TEXT, "b", True, True),
            Frame(Opcode.CLOSE, (1000, "x"), True, True),
        ]
