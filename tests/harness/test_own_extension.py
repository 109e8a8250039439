"""The cases of x-flipped-bits find out peers that use it wrongly, or not as was agreed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.extra import EXTRA, driver, exchange
from tests.harness import lax_peers
from tests.harness.test_extra_frames import verdict
from tests.harness.test_extra_verdicts import by
from tooling import frames
from tooling.frames import CLOSE, RSV1, RSV2, TEXT

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

FLIPPED_HELLO = bytes.fromhex("b79a939390")
ALONE = "x-flipped-bits"
A_TEXT = "A flipped text"
IN_ORDER = "A text, compressed, then flipped"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "TIMEOUT", 0.5)
    monkeypatch.setattr(exchange, "GRACE", 0.05)


def answering(
    extensions: str, answer: Callable[[frames.Frame, bytes | None], bytes] = lax_peers.echoed
) -> Any:
    """A server that accepts these extensions, whatever is offered."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        plain = lax_peers.accepted(head.replace(b"Sec-WebSocket-Extensions", b"X-Offer"))
        writer.write(plain[:-2] + f"Sec-WebSocket-Extensions: {extensions}\r\n\r\n".encode())
        await lax_peers.take_all(reader, writer, None, answer)

    return serve


def data(payload: bytes, rsv: int) -> Callable[[frames.Frame, bytes | None], bytes]:
    """An answer to each data frame."""

    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        if found.opcode >= CLOSE:
            return lax_peers.echoed(found, mask)
        return frames.frame(TEXT, payload, rsv=rsv, mask=mask)

    return answer


@pytest.mark.parametrize(
    ("answer", "behavior", "said"),
    [
        (data(FLIPPED_HELLO, RSV2), "OK", "as it should"),
        (data(b"Hello", RSV2), "FAILED", "is not UTF-8"),
        (data(FLIPPED_HELLO, 0), "FAILED", "it sent a data frame without RSV2, which x-flipped-bits sets"),
        (data(FLIPPED_HELLO, RSV1 | RSV2), "FAILED", "it sent reserved bits 110"),
    ],
)
def test_what_comes_back_has_to_be_flipped_and_marked(answer: Any, behavior: str, said: str) -> None:
    report = verdict(answering(ALONE, answer), A_TEXT)
    assert report["behavior"] == behavior
    assert said in report["result"]


@pytest.mark.parametrize(
    ("extensions", "behavior", "said"),
    [
        (f"{ALONE}; fast", "FAILED", "x-flipped-bits has no parameters"),
        (f"{ALONE}, {ALONE}", "FAILED", "that were not offered"),
        (f"{ALONE}, x-other", "FAILED", "that were not offered"),
        ("", "UNIMPLEMENTED", "declined the offer"),
    ],
)
def test_the_answer_of_a_server_is_judged(extensions: str, behavior: str, said: str) -> None:
    report = verdict(answering(extensions), A_TEXT)
    assert report["behavior"] == behavior
    assert said in report["result"]


@pytest.mark.parametrize(
    ("order", "behavior"),
    [("permessage-deflate, x-flipped-bits", "OK"), ("x-flipped-bits, permessage-deflate", "FAILED")],
)
def test_messages_come_back_in_the_order_of_the_answer(order: str, behavior: str) -> None:
    """The peer sends what it gets, compressed and then flipped, and says so or the contrary."""
    assert verdict(answering(order), IN_ORDER)["behavior"] == behavior


def test_a_client_that_does_not_offer_it_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRA, "X.17.1", replace(EXTRA["X.17.1"], mode=""))
    report = by(lax_peers.lax_client, ["X.17.1"])["X.17.1"]
    assert report["behavior"] == "UNIMPLEMENTED"
    assert report["result"] == "The client does not offer x-flipped-bits."


def test_a_ping_within_a_message_is_missed() -> None:
    report = verdict(lax_peers.lax_server, "The peer sends a ping within its message in fragments")
    assert report["behavior"] == "FAILED"
    assert "Its pings are [], not 2 with b'?'" in report["result"]


def test_a_pong_that_answers_a_pong_is_named() -> None:
    report = verdict(lax_peers.lax_server, "A pong that nobody asked for")
    assert report["behavior"] == "NON-STRICT"
    assert "answered by a pong" in report["result"]
