"""The cases about limits, windows and floods: their bytes, and what peers get that count wrongly."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import zlib
from dataclasses import replace
from typing import Any

import psutil
import pytest

from harness.extra import EXTRA, deflating, driver, exchange, floods, memory
from harness.extra.deflating import TAIL, Inflater, reference, repeated, stored
from harness.extra.frames import Frame
from harness.extra.memory import MemoryWatch
from harness.testee.echo import EchoConnection
from harness.testee.modes import Mode
from harness.testee.variants import CONFIGURATIONS, MAX_FRAGMENTS
from tests.harness import lax_peers
from tests.harness.test_extra_frames import echoing, named, verdict
from tests.harness.test_extra_verdicts import against
from tooling import frames
from tooling.frames import CLOSE, CONTINUATION, TEXT


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "TIMEOUT", 0.5)
    monkeypatch.setattr(exchange, "GRACE", 0.05)


# The bytes:


def test_a_stored_block_holds_what_it_is_given() -> None:
    assert stored(b"Hello") == bytes.fromhex("000500faff48656c6c6f")
    assert stored(b"") == bytes.fromhex("000000ffff")


def test_a_repeated_byte_needs_nothing_before_it() -> None:
    data = repeated(b"x", 1000)
    assert len(data) < 30
    assert zlib.decompressobj(wbits=-9).decompress(data + data) == b"x" * 2000


@pytest.mark.parametrize("bits", range(8, 16))
def test_a_reference_reaches_to_the_end_of_a_window_and_not_further(bits: int) -> None:
    data = bytes(byte % 251 for byte in range(2**bits))
    blocks = b"".join(stored(data[start : start + 2**14]) for start in range(0, len(data), 2**14))
    inflater = zlib.decompressobj(wbits=-bits)
    assert inflater.decompress(blocks) == data
    assert inflater.decompress(reference(bits) + TAIL) == (data * 2)[:258]
    beyond = zlib.decompressobj(wbits=-bits)
    beyond.decompress(blocks)
    with pytest.raises(zlib.error, match="invalid distance"):
        beyond.decompress(reference(bits, beyond=True) + TAIL)


def test_a_reference_one_byte_beyond_a_window_is_in_the_next_larger_one() -> None:
    inflater = zlib.decompressobj(wbits=-10)
    data = bytes(byte % 251 for byte in range(600))
    inflater.decompress(stored(data))
    assert inflater.decompress(reference(9, beyond=True) + TAIL) == data[600 - 513 : 600 - 513 + 258]


def test_a_window_is_judged_behind_long_messages_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deflating, "EXACT", 1000)
    inflater = Inflater(9, takes_over=True)
    data = bytes(byte % 251 for byte in range(2000))
    assert inflater.message(stored(data) + b"\0") == data
    assert inflater.message(reference(9)) == data[2000 - 512 : 2000 - 512 + 258]
    with pytest.raises(zlib.error, match="invalid distance"):
        inflater.message(reference(11))


# The testee:


def test_the_variant_with_limits_does_not_bound_a_second_time() -> None:
    async def limits() -> list[int]:
        connections = [EchoConnection(100, None, CONFIGURATIONS[name]) for name in ("default", "limits")]
        return [vars(connection)["_joiner"].max_size for connection in connections]

    assert asyncio.run(limits()) == [100, sys.maxsize]


def test_the_most_fragments_of_a_case_are_as_many_as_the_variant_takes() -> None:
    assert floods.MANY == MAX_FRAGMENTS


@pytest.mark.parametrize(
    ("target", "limit"), [("/limit?size=100", 100), ("/limit?size=0", 0), ("/", None), ("/ping?size=1", None)]
)
def test_a_mode_has_a_limit(target: str, limit: int | None) -> None:
    assert Mode(target).limit == limit


# Peers that are wrong:


def test_a_peer_that_takes_all_is_over_every_limit() -> None:
    refused = [
        named("A message of a byte more"),
        named("A message of 100 bytes, and one of 101"),
        named("A text of 101 bytes and fewer characters"),
    ]
    reports = against(lax_peers.lax_server, refused)
    assert {report["behavior"] for report in reports.values()} == {"FAILED"}
    assert all("came back" in report["result"] for report in reports.values())


def refusing(code: int, *, echoed: int = 0) -> Any:
    """A server that fails the connection for any message, once it has echoed so many."""
    left = [echoed]

    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        left[0] -= 1
        if left[0] >= 0:
            return lax_peers.echoed(found, mask)
        return frames.frame(CLOSE, frames.close_payload(code), mask=mask) if left[0] == -1 else b""

    return echoing(answer)


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Two messages of 60 % of the limit", "the limit to the endpoint"),
        ("Short messages of up to 100 bytes", "the limit to the endpoint"),
        ("A text in 100001 fragments", "has an endpoint limit what it takes"),
        ("A text of 1025 blocks with BFINAL", "costs a new one"),
    ],
)
def test_a_peer_with_another_limit_breaks_no_rule(title: str, reason: str) -> None:
    report = verdict(refusing(1009), title)
    assert (report["behavior"], report["remoteCloseCode"]) == ("NON-STRICT", 1009)
    assert reason in report["result"]


def test_a_peer_that_gives_back_less_of_a_flood_fails() -> None:
    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        return lax_peers.echoed(found if found.opcode >= CLOSE else frames.Frame(TEXT, b"Hello"), mask)

    report = verdict(echoing(answer), "A text of 1024 blocks with BFINAL")
    assert (report["behavior"], report["behaviorClose"]) == ("FAILED", "OK")
    assert "What came instead: a text 'Hello'" in report["result"]


@pytest.mark.parametrize("code", [1007, 1009])
def test_of_two_faults_either_code_fits(code: int) -> None:
    for title in ("A compressed text over the limit that is", "A compressed text over the limit whose"):
        report = verdict(refusing(code), title)
        assert (report["behavior"], report["behaviorClose"]) == ("OK", "OK")
        assert report["remoteCloseCode"] == code


def test_a_peer_whose_window_is_larger_breaks_no_rule() -> None:
    title = "A reference to one byte beyond a window of 9 bits"
    lax = verdict(lax_peers.lax_server, title)
    assert lax["behavior"] == "NON-STRICT"
    assert "the rule is the sender's" in lax["result"]
    assert verdict(refusing(1007, echoed=1), title)["behavior"] == "OK"
    nowhere = "A reference with a distance of more than 32768 bytes"
    assert verdict(lax_peers.lax_server, nowhere)["behavior"] == "FAILED"


def test_a_peer_without_such_a_window_gets_the_far_end_as_it_is() -> None:
    case = EXTRA[named("A reference to the far end of a window of 12 bits")]
    assert callable(case.send)
    near, far = case.send(9), case.send(15)
    assert near[0] == far[0]
    assert [frame.payload for frame in (near[1], far[1]) if isinstance(frame, Frame)] == [
        stored(zlib.decompressobj(wbits=-15).decompress(far[0].payload)[:258]) + b"\0",  # type: ignore[union-attr]
        reference(12),
    ]


def test_a_peer_that_waits_for_the_end_of_a_text_breaks_no_rule() -> None:
    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        return b"" if found.opcode in {TEXT, CONTINUATION} else lax_peers.echoed(found, mask)

    title = "An unfinished text that ends in ED A0"
    report = verdict(echoing(answer), title)
    assert report["behavior"] == "NON-STRICT"
    assert "may wait for the end of the message" in report["result"]
    assert verdict(refusing(1007), title)["behavior"] == "OK"


def test_a_text_without_its_byte_order_mark_is_another_one() -> None:
    def answer(found: frames.Frame, mask: bytes | None) -> bytes:
        shown = replace(found, payload=found.payload.removeprefix(b"\xef\xbb\xbf"))
        return lax_peers.echoed(shown, mask)

    report = verdict(echoing(answer), "A text that is a byte order mark")
    assert report["behavior"] == "FAILED"


# The testee's memory:


def test_a_process_is_found_by_its_port_again_and_where_another_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = psutil.Popen([sys.executable, "-c", ""])
    gone.wait()
    monkeypatch.setattr(memory, "_found", {gone.pid: gone})
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert MemoryWatch.of_listener(port) is not None
        assert list(vars(memory)["_found"]) == [gone.pid, os.getpid()]
        monkeypatch.setattr(psutil, "net_connections", lambda _kind: pytest.fail("it is known"))
        assert MemoryWatch.of_listener(port) is not None


def test_a_process_is_watched_in_place_of_this_one_only_while_this_one_leads_to_it() -> None:
    peer = psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with MemoryWatch(peer).instead_of_this_process():
            assert watched(port) == peer.pid
        peer.communicate(b"\n")
        assert watched(port) == os.getpid()


def watched(port: int) -> int:
    found = MemoryWatch.of_listener(port)
    assert found is not None
    return found._process.pid  # noqa: SLF001 - which one it is


def test_no_process_has_a_port_that_nobody_listens_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert MemoryWatch.of_listener(port) is None
    assert MemoryWatch.of_connection(port) is None
