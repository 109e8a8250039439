"""Peers that break one rule behind the handshake are found out, and named."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from harness.engines.extra import modes_of
from harness.extra import EXTRA, driver, exchange, wire
from harness.extra.case import Case
from harness.extra.driver import Play
from harness.extra.expectations import Fails
from harness.extra.flood_expectations import MAX_FLOOD, Flooded, Linear
from harness.extra.frames import Frame
from harness.extra.seen import Seen
from harness.testee.modes import OF_SERVER, Mode
from tests.harness import lax_peers
from tests.harness.serving import serving
from tests.harness.test_extra_verdicts import against, by
from tooling import frames
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Callable

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "TIMEOUT", 0.5)
    monkeypatch.setattr(exchange, "GRACE", 0.05)
    monkeypatch.setattr(wire, "PATIENCE", 0.5)


def named(title: str) -> str:
    """The number of the case whose title begins so."""
    (found,) = [name for name, case in EXTRA.items() if case.title.startswith(title)]
    return found


def echoing(answer: Callable[[frames.Frame, bytes | None], bytes], *, stays: float = 0.0) -> Any:
    """A server that answers each frame so, and ends TCP some seconds after a Close."""

    async def serve(reader: Reader, writer: Writer) -> None:
        writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")))
        data = bytearray()
        while piece := await reader.read(2**16):
            data += piece
            while found := frames.take_frame(data, 2**64):
                writer.write(answer(found, None))
                if found.opcode == CLOSE:
                    await asyncio.sleep(stays)
                    return

    return serve


def verdict(peer: Any, title: str) -> dict[str, Any]:
    name = named(title)
    return dict(against(peer, [name])[name])


A_TEXT = "A message of 125 bytes comes back"


def behind_close(extra: bytes) -> Any:
    """An echo that sends something behind its Close."""

    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        return lax_peers.echoed(found, mask) + (extra if found.opcode == CLOSE else b"")

    return echoing(answer)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (frames.frame(TEXT, b"late"), "it sent data after its Close (RFC 6455 5.5.1)"),
        (frames.frame(CLOSE, b"\x03\xe8"), "it sent a second Close"),
        (frames.frame(PONG), "it sent a pong after its Close"),
        (frames.frame(PING), "it sent a ping after its Close"),
    ],
)
def test_nothing_may_come_behind_a_close_in_any_case(extra: bytes, said: str) -> None:
    report = verdict(behind_close(extra), A_TEXT)
    assert report["behavior"] == "FAILED"
    assert said in report["result"]


def test_a_client_that_sends_behind_its_close_is_found_out() -> None:
    async def client(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        data = bytearray()
        while piece := await reader.read(2**16):
            data += piece
            while found := frames.take_frame(data, 2**64):
                writer.write(lax_peers.echoed(found, frames.MASK))
                if found.opcode == CLOSE:
                    writer.write(frames.frame(TEXT, b"late", mask=frames.MASK))

    name = named(A_TEXT)
    report = by(client, [name])[name]
    assert "it sent data after its Close" in report["result"]


def test_a_server_that_began_the_close_may_still_send_pongs() -> None:
    seen = Seen("server", begins_close=True)
    for frame in (Frame(CLOSE, b"\x03\xe8"), Frame(PONG, b"?")):
        seen.take(frame.keyed(by_client=False))
    assert seen.fault == ""
    seen.take(Frame(TEXT).keyed(by_client=False))
    assert "data after its Close" in seen.fault


def saying(first: bytes) -> Any:
    """A server that says this on its own, and ends the connection at the next frame."""

    async def serve(reader: Reader, writer: Writer) -> None:
        writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")) + first)
        await reader.read(1)
        writer.close()

    return serve


REASON = ("x" + "\N{EURO SIGN}" * 41).encode()


@pytest.mark.parametrize(
    ("title", "sent"),
    [
        ("The peer closes with a reason of 124 bytes", frames.frame(CLOSE, b"\x0f\xa0" + REASON)),
        ("The peer is to send a ping of 126 bytes", frames.frame(PING, b"x" * 126)),
    ],
)
def test_who_sends_no_frame_that_is_too_long_breaks_no_must(title: str, sent: bytes) -> None:
    """What an application wrongly asks for may cost it the connection; only on the wire it breaks a rule."""
    report = verdict(saying(sent), title)
    assert report["behavior"] == "FAILED"
    assert "it sent a control frame in fragments or over 125 bytes" in report["result"]
    report = verdict(saying(b""), title)
    assert (report["behavior"], report["behaviorClose"]) == ("NON-STRICT", "NON-STRICT")


@pytest.mark.parametrize(
    "title",
    [
        "The server with client_max_window_bits=9 does not name it",
        "An offer that knows all four parameters",
        "The peer compresses with a window of 8 bits",
        "The peer inflates what was compressed with a window of 9 bits",
        "A reference to the far end of a window of 12 bits",
    ],
)
def test_a_server_may_refuse_a_client_whose_offer_it_does_not_take(title: str) -> None:
    report = verdict(lax_peers.refusing_server, title)
    assert report["behavior"] == "NON-STRICT"
    assert "a server may refuse any request" in report["result"]


def test_nobody_is_waited_for_who_cannot_do_right_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind its pong a peer may fail late; one that has sent the message back has taken it."""
    monkeypatch.setattr(exchange, "GRACE", 30.0)
    monkeypatch.setattr(driver, "TIMEOUT", 30.0)
    report = verdict(echoing(lax_peers.echoed), "A length of 5 in 16 bits")
    assert report["behavior"] == "NON-STRICT"
    assert "a text 'xxxxx' came back" in report["result"]
    assert report["duration"] < 30_000


def test_a_server_that_ends_tcp_late_is_named_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PROMPT", 0.1)
    report = verdict(echoing(lax_peers.echoed, stays=0.3), A_TEXT)
    assert (report["behavior"], report["behaviorClose"]) == ("OK", "UNCLEAN")
    assert report["resultClose"].startswith(
        "The server ended the TCP connection only 0.3 s after both Closes"
    )
    assert report["timing"]["end"] >= 250


def test_a_server_has_more_time_to_end_tcp_where_it_has_more_for_each_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine is slow, as a user says who gives more."""
    monkeypatch.setattr(exchange, "PROMPT", 0.1)
    monkeypatch.setattr(exchange, "TIMEOUT", 0.01)
    report = verdict(echoing(lax_peers.echoed, stays=0.3), A_TEXT)
    assert (report["behavior"], report["behaviorClose"]) == ("OK", "OK")


def test_a_server_that_does_not_end_tcp_is_named_as_that() -> None:
    report = verdict(echoing(lax_peers.echoed, stays=2.0), A_TEXT)
    assert report["resultClose"] == (
        "The server did not end the TCP connection within 0.5 s (RFC 6455 7.1.1)."
    )


def test_a_peer_that_answers_no_close_is_named_as_that() -> None:
    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        return b"" if found.opcode == CLOSE else lax_peers.echoed(found, mask)

    report = verdict(echoing(answer, stays=2.0), A_TEXT)
    assert report["behaviorClose"] == "UNCLEAN"
    assert report["resultClose"] == "The peer did not answer the Close within 0.5 s (RFC 6455 5.5.1)."


async def ignoring_end(reader: Reader, writer: Writer) -> None:
    writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")))
    while await reader.read(2**16):
        pass
    await asyncio.sleep(2)


def test_a_server_that_ignores_the_end_of_tcp_is_named_as_that() -> None:
    report = verdict(ignoring_end, "The connection ends within a payload;")
    assert report["behavior"] == "NON-STRICT"
    assert "The peer did not end the TCP connection within" in report["result"]


def test_a_server_that_serves_one_connection_alone_is_found_out() -> None:
    served: list[int] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        served.append(1)
        if len(served) == 1:
            await lax_peers.lax_server(reader, writer)

    report = verdict(serve, "The connection ends between two fragments;")
    assert report["behavior"] == "FAILED"
    assert "another connection was not accepted" in report["result"]


def test_a_client_that_ends_tcp_before_the_server_is_found_out() -> None:
    name = named("The client leaves the end of TCP to the server, also")
    report = by(lax_peers.lax_client, [name])[name]
    assert report["behavior"] == "NON-STRICT"
    assert "The client ended the TCP connection before the server did" in report["result"]


def test_a_pong_that_loses_its_zeros_is_found_out() -> None:
    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        if found.opcode != PING:
            return lax_peers.echoed(found, mask)
        return frames.frame(PONG, found.payload.rstrip(b"\0"))

    for title in ("A ping of five zeros", "A ping that ends in zeros"):
        assert verdict(echoing(answer), title)["behavior"] == "FAILED"


def test_a_length_in_too_many_bits_is_found_out() -> None:
    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        form: Any = 64 if found.opcode == BINARY else None
        return frames.frame(found.opcode, found.payload, length_form=form, mask=mask)

    for length in (125, 126, 65535):
        report = verdict(echoing(answer), f"A message of {length} bytes comes back")
        assert f"it wrote a length of {length} in 64 bits" in report["result"]


def test_a_close_1000_does_not_fail_a_connection_with_a_fitting_code() -> None:
    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        return frames.frame(CLOSE, b"\x03\xe8", mask=mask) if found.opcode == 3 else b""

    report = verdict(echoing(answer), "Opcode 3 between two fragments")
    assert report["behavior"] == "NON-STRICT"
    assert "with the code 1000, as if nothing were wrong" in report["result"]


def test_a_context_that_is_shared_between_connections_is_found_out() -> None:
    deflater = zlib.compressobj(9, wbits=-15)

    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        if found.opcode != TEXT or found.rsv:
            return lax_peers.echoed(found, mask)
        payload = deflater.compress(found.payload) + deflater.flush(zlib.Z_SYNC_FLUSH)
        return frames.frame(TEXT, payload[:-4], rsv=RSV1, mask=mask)

    report = verdict(echoing(answer), "Compressed answers by turns")
    assert report["behavior"] == "FAILED"
    assert report["result"].startswith("On another connection: The peer broke a rule: its compressed message")


def test_frames_come_in_pieces() -> None:
    reads: list[int] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")))
        data = bytearray()
        while piece := await reader.read(2**16):
            reads.append(len(piece))
            data += piece
            while found := frames.take_frame(data, 2**64):
                writer.write(lax_peers.echoed(found, None))
                if found.opcode == CLOSE:
                    return

    report = verdict(serve, "A text, a ping and a binary message, cut in every place")
    assert report["behavior"] == "OK"
    assert {1, 2, 3} <= set(reads), "a frame is cut behind its first bytes"
    assert sum(length < 30 for length in reads) > 25


def test_memory_that_grows_in_a_flood_is_named() -> None:
    seen = Seen("server", opened=True, growth=MAX_FLOOD + 2**20)
    found = Flooded().judge(seen, "FAILED")
    assert found[0] == "NON-STRICT"
    assert "The peer's memory grew by 17 MiB" in found[1]


@pytest.mark.parametrize(
    ("seconds", "verdict"), [((0.1, 1.1), "OK"), ((0.1, 5.0), "NON-STRICT"), ((0.009, 0.5), "OK")]
)
def test_time_that_grows_with_the_square_of_the_fragments_is_named(
    seconds: tuple[float, float], verdict: str
) -> None:
    seen = Seen("server", opened=True)
    at = 7.0
    for text, took in zip(("begin", "short", "long"), (0.0, *seconds), strict=True):
        at += took
        seen.take(Frame(TEXT, text.encode()), at)
    found = Linear("begin", "short", "long").judge(seen, "FAILED")
    assert found[0] == verdict
    assert f"10 times as many fragments took {seconds[1] / seconds[0]:.0f} times as long" in found[1]


def test_memory_that_grows_before_a_bomb_is_refused_is_named() -> None:
    seen = Seen("server", opened=True, growth=16 * 2**20, failed=True, ended="closed")
    found = Fails(1009).judge(seen, "FAILED")
    assert found[0] == "NON-STRICT"
    assert "memory grew by 16 MiB" in found[1]
    assert "RFC 6455 10.4 names no number" in found[1]


# Modes:


def with_modes(begin: bytes, answer: Callable[[frames.Frame, bytes | None], bytes]) -> Any:
    """A server that sends something when it opens."""

    async def serve(reader: Reader, writer: Writer) -> None:
        writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")) + begin)
        await lax_peers.take_all(reader, writer, None, answer)

    return serve


def in_frames(*opcodes: int, rsv: int = 0) -> Callable[[frames.Frame, bytes | None], bytes]:
    """An echo of each byte of a message in a frame of its own, with these opcodes."""

    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        if found.opcode not in {TEXT, BINARY}:
            return lax_peers.echoed(found, mask)
        parts = [found.payload[index : index + 1] for index in range(len(found.payload))]
        kinds = [*opcodes, *[opcodes[-1]] * len(parts)]
        return b"".join(
            frames.frame(kinds[index], part, fin=index == len(parts) - 1, rsv=rsv, mask=mask)
            for index, part in enumerate(parts)
        )

    return answer


FRAGMENTS = "The peer sends a text of 5 bytes in fragments of 1"


@pytest.mark.parametrize(
    ("answer", "behavior", "said"),
    [
        (in_frames(TEXT, CONTINUATION), "OK", ""),
        (in_frames(TEXT), "FAILED", "it sent opcode 1 within a message"),
        (in_frames(CONTINUATION), "FAILED", "it sent opcode 0 without a message"),
        (in_frames(TEXT, CONTINUATION, rsv=RSV1), "FAILED", "it sent reserved bits 100"),
        (lax_peers.echoed, "FAILED", "The message came in 1 frames, not in fragments"),
    ],
)
def test_sent_fragments_are_judged(answer: Any, behavior: str, said: str) -> None:
    report = verdict(with_modes(b"", answer), FRAGMENTS)
    assert report["behavior"] == behavior
    assert said in report["result"]


@pytest.mark.parametrize(
    ("sent", "behavior", "said"),
    [
        (frames.frame(CLOSE, b"\x03\xe9bye"), "OK", "1001 (bye)"),
        (frames.frame(CLOSE, b"\x03\xe9by"), "FAILED", "1001 (by)"),
        (frames.frame(CLOSE, b"\x03\xee"), "FAILED", "it sent a Close with the code 1006"),
        (b"", "FAILED", "sent no Close"),
    ],
)
def test_a_close_that_the_peer_begins_is_judged(sent: bytes, behavior: str, said: str) -> None:
    def answer(found: frames.Frame, mask: bytes | None) -> bytes:  # noqa: ARG001  # it has closed
        return b""

    report = verdict(with_modes(sent, answer), "The peer closes with 1001 and a reason")
    assert report["behavior"] == behavior
    assert said in report["result"]


def test_a_second_close_of_a_peer_that_began_is_found_out() -> None:
    begun = frames.frame(CLOSE, b"\x03\xe9bye")
    report = verdict(with_modes(begun, lax_peers.echoed), "The peer closes with 1001 and a reason")
    assert "it sent a second Close" in report["result"]


def test_a_ping_that_the_peer_begins_is_judged() -> None:
    title = "The peer sends a ping with a payload"
    good = verdict(with_modes(frames.frame(PING, b"still there?"), lax_peers.echoed), title)
    assert good["behavior"] == "OK"
    bad = verdict(with_modes(frames.frame(PING, b"still"), lax_peers.echoed), title)
    assert bad["behavior"] == "FAILED"
    assert "Its pings are [b'still'], not 1 with b'still there?'" in bad["result"]


def test_the_modes_of_this_library_are_asked_for() -> None:
    with serving() as server:
        host, port = server.address
        assert asyncio.run(modes_of(f"ws://{host}:{port}")) == set(OF_SERVER)


@pytest.mark.parametrize("peer", [lax_peers.lax_server, lax_peers.refusing_server, lax_peers.silent_server])
def test_a_server_without_modes_says_so(peer: Any) -> None:
    async def ask() -> set[str]:
        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        try:
            return await modes_of(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", 0.3)
        finally:
            server.close()
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
            await asyncio.sleep(0)

    assert asyncio.run(ask()) == set()


def test_a_case_whose_mode_is_lacking_is_not_played() -> None:
    name = named(FRAGMENTS)
    report: Any = Play(EXTRA[name], "server", "plain").unplayed()
    assert (report["behavior"], report["behaviorClose"]) == ("UNIMPLEMENTED", "OK")
    assert report["result"] == "The server has no mode 'fragments'."
    assert by(lax_peers.lax_client, [name])[name]["result"] == "The client has no mode 'fragments'."


TOO_LATE = [TextMessage("behind the Close"), CloseConnection(1000)]
"""The library is to refuse these."""


@pytest.mark.parametrize(
    ("target", "begins"),
    [
        ("/", []),
        ("/anything?size=3", []),
        ("/close?code=4000&reason=good%20bye", [CloseConnection(4000, "good bye"), *TOO_LATE]),
        ("/close?code=1001", [CloseConnection(1001, None), *TOO_LATE]),
        ("/ping?payload=%3F", [Ping(b"?")]),
        ("/modes", [TextMessage(" ".join(OF_SERVER)), CloseConnection(1000)]),
        ("//[", []),
    ],
)
def test_a_mode_begins_what_its_path_says(target: str, begins: list[Any]) -> None:
    assert list(Mode(target).opening()) == begins


def test_a_mode_sends_fragments_of_its_size() -> None:
    parts = list(Mode("/fragments?size=2").answers(BytesMessage(b"abcde")))
    assert [(part.data, part.message_finished) for part in parts] == [
        (b"ab", False),
        (b"cd", False),
        (b"e", True),
    ]
    assert list(Mode("/fragments?size=2").answers(TextMessage(""))) == [TextMessage("")]


def test_a_mode_has_settings_of_compression_and_a_subprotocol() -> None:
    mode = Mode("/deflate?server_no_context_takeover&client_max_window_bits=10")
    (settings,) = mode.extensions(())
    assert isinstance(settings, PerMessageDeflate)
    assert settings.server_no_context_takeover
    assert settings.client_max_window_bits == 10
    assert Mode("/subprotocol/a%2Fb").subprotocol == "a/b"
    assert Mode("/").subprotocol is None
    assert Mode("/close?timeout=0.5").close_timeout == 0.5


def test_a_case_names_its_mode() -> None:
    expect = EXTRA["X.3.1"].expect
    assert Case("A title", "R6455-5.1-02", expect, mode="/close?code=1").mode_name == "close"
    assert Case("A title", "R6455-5.1-02", expect, mode="/subprotocol/x").mode_name == "subprotocol"
    assert Case("A title", "R6455-5.1-02", expect).mode_name == ""
