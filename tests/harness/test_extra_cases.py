"""The extra cases as data: each is about a rule that there is, for the side that it binds."""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.cases import section_of
from harness.cli import main
from harness.extra import EXTRA, GROUPS
from harness.extra.case import requirements
from harness.extra.deflating import Inflater, NegotiationError, agreement, deflate, parse_extensions
from harness.extra.frames import Frame, close
from harness.extra.heads import REQUEST, Head, take_head
from harness.extra.limits import BOMB_SIZE, bomb
from harness.extra.memory import MemoryWatch
from harness.extra.seen import Seen
from tooling import frames as wire
from tooling.frames import BINARY, TEXT

if TYPE_CHECKING:
    from pathlib import Path


OPENING = {"X.1", "X.2", "X.5", "X.6"}


def test_there_are_enough_of_them_for_both_roles() -> None:
    assert len(EXTRA) >= 60
    for role in ("server", "client"):
        assert sum(role in case.roles for case in EXTRA.values()) >= 100


def test_they_are_numbered_without_a_gap_and_each_title_is_there_once_in_its_group() -> None:
    for group in GROUPS:
        names = [name for name in EXTRA if section_of(name) == group]
        if group != "X.16":  # X.16.3.4 is X.3.4
            assert names == [f"{group}.{number}" for number in range(1, len(names) + 1)]
        titles = [EXTRA[name].title for name in names]
        assert len(titles) == len(set(titles))
    assert {section_of(name) for name in EXTRA} == set(GROUPS)


def test_a_case_that_is_played_a_byte_at_a_time_has_the_number_of_its_origin() -> None:
    again = {name: case for name, case in EXTRA.items() if section_of(name) == "X.16"}
    assert len(again) > 100
    for name, case in again.items():
        origin = EXTRA[name.replace(".16", "", 1)]
        assert case.chop == 1
        assert case.title.lower().endswith(origin.title.lower())
        assert (case.send, case.expect) == (origin.send, origin.expect)


def test_a_case_is_about_a_rule_for_its_role() -> None:
    for name, case in EXTRA.items():
        assert case.roles, name
        for role in case.roles:
            assert case.requirement_for(role)["applies_to"] in {"both", role, "app"}, name
        assert case.client_requirement == "" or case.roles == ("server", "client"), name


def test_a_response_after_which_a_client_could_ask_again_says_close() -> None:
    """Else a client with a pool of connections, as those on Go's net/http are, loses its next case.

    It takes the frames behind this response for that to its next request: `malformed HTTP response`.
    """
    without_body = [case for case in EXTRA.values() if case.response.status in {204, 304}]
    assert without_body
    for case in without_body:
        assert case.response.tokens("Connection") == ["close"]


def test_only_a_broken_must_is_a_failure() -> None:
    """Where the row of the RFC says MAY or SHOULD, the case says so too, or says why it is more."""
    for name, case in EXTRA.items():
        assert case.unmet in {"FAILED", "NON-STRICT", "INFORMATIONAL"}, name
        assert bool(case.why) == (case.unmet != "FAILED"), name
        keywords = {case.requirement_for(role)["keyword"] for role in case.roles}
        if keywords & {"SHOULD", "SHOULD NOT", "recommended"}:
            assert case.unmet != "FAILED", name


@pytest.mark.requirement(
    "R6455-4.1-14",
    "R6455-4.1-15",
    "R6455-4.1-16",
    "R6455-4.1-17",
    "R6455-4.2.2-02",
    "R6455-4.3-04",
    "R6455-7.1.1-01",
    "R6455-10.6-01",
    "R9110-2.5-01",
    "R9110-5.4-01",
    "R9110-5.4-02",
    "R9110-5.5-02",
    "R9110-5.5-03",
    "R9110-5.6.1.2-01",
    "R9110-9.1-01",
    "R9110-10.1.1-02",
    "R9110-15.2-02",
    "R9110-15.5.6-01",
    "R9112-2.2-03",
    "R9112-2.2-04",
    "R9112-2.2-05",
    "R9112-2.3-01",
    "R9112-3-02",
    "R9112-4-01",
    "R9112-4-02",
    "R9112-5-01",
    "R9112-5.2-01",
    "R9112-5.2-02",
    "R9112-6-01",
    "R9112-6.1-02",
    "R9112-6.3-01",
    "R9112-6.3-02",
    "R9112-6.3-03",
    "R9112-8-01",
    "R9112-9.2-01",
    "R9112-9.3-01",
    "R9112-9.3-02",
)
def test_the_library_is_as_its_baseline_in_all_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Patiently: others may use the machine.
    options = ["--variant", "default", "--timeout", "10", "--report", str(tmp_path)]
    code = main(["run", *options, "--cases", "X"])
    assert "extra cases in" in capsys.readouterr().out
    results = json.loads((tmp_path / "results.json").read_text())
    differences = [one for report in results["setups"].values() for one in report["differences"]]
    assert [one for one in differences if one["kind"] != "slow"] == []
    assert code == bool(differences)
    for role in ("server", "client"):
        reports = results["setups"][role]["cases"]
        assert list(reports) == [name for name, case in EXTRA.items() if role in case.roles]
        for name, report in reports.items():
            assert report["requirement"] in requirements(), name
            assert report["rfc"].startswith("RFC ")
            assert report["description"]
            assert report["result"]
            assert report["isServer"] == (role == "client")
            if section_of(name) in OPENING or EXTRA[name].over_tls:
                assert (report["behavior"], report["behaviorClose"]) == ("OK", "OK"), name
    bombs: Any = [name for name, case in EXTRA.items() if case.title.startswith("A decompression bomb")]
    assert "its memory grew by" in results["setups"]["server"]["cases"][bombs[0]]["result"]


def test_a_case_of_one_role_is_left_out_of_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--variant", "default", "--cases", "X.1.1", "--report", str(tmp_path)]) == 0
    assert "server: 1 extra case in 0:0" in capsys.readouterr().out
    assert list(json.loads((tmp_path / "results.json").read_text())["setups"]) == ["server"]


def test_a_case_of_the_other_role_alone_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--role", "client", "--cases", "X.1.1"]) == 2
    assert capsys.readouterr().err == "error: 'X.1.1' means no case of the role client\n"


def test_both_suites_run_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--variant", "default", "--cases", "1.1.1", "X.3.1", "--report", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "server: 1 case of Autobahn and 1 extra one in 0:0" in out
    results = json.loads((tmp_path / "results.json").read_text())
    for role in ("server", "client"):
        assert list(results["setups"][role]["cases"]) == ["1.1.1", "X.3.1"]


# The means that the cases are written with:


@pytest.mark.parametrize("wrong_mask", [True, False])
@pytest.mark.parametrize("by_client", [True, False])
def test_a_frame_is_masked_as_its_sender_has_to_or_not(by_client: bool, wrong_mask: bool) -> None:
    frame = Frame(BINARY, b"abc", rsv=4, fin=False, mask=wire.MASK, wrong_mask=wrong_mask)
    mask = wire.MASK if by_client != wrong_mask else None
    written = frame.keyed(by_client=by_client).encode()
    assert written == wire.frame(BINARY, b"abc", fin=False, rsv=4, mask=mask)


def test_frames_without_a_key_get_one_of_their_own() -> None:
    keys = {Frame(TEXT).keyed(by_client=True).mask for _ in range(10)}
    assert len(keys) == 10


def test_a_head_is_written_and_taken() -> None:
    written = REQUEST.put("Upgrade", "h2c", "websocket").encode(host="a", key="b")
    data = bytearray(written[:-1])
    assert take_head(data) is None
    data += b"\nrest"
    head = take_head(data)
    assert head is not None
    assert head.tokens("upgrade") == ["h2c", "websocket"]
    assert head.values("HOST") == ["a"]
    assert data == b"rest"
    assert Head("HTTP/1.1 426 ", ()).status == 426
    assert Head("WEBSOCKET OK", ()).status == 0


PLAIN = "permessage-deflate"


@pytest.mark.parametrize(
    ("offer", "answer", "problem"),
    [
        (PLAIN, f"{PLAIN}; x", "has 'x' with"),
        (PLAIN, "other", "not offered"),
        (PLAIN, f"{PLAIN}; server_max_window_bits=7", "'7'"),
        (PLAIN, f"{PLAIN}; server_max_window_bits", "None"),
        (PLAIN, f"{PLAIN}; server_no_context_takeover=1", "'1'"),
        (PLAIN, f"{PLAIN}; server_no_context_takeover; server_no_context_takeover", "twice"),
        (PLAIN, f"{PLAIN}; client_max_window_bits=10", "was not offered"),
        (f"{PLAIN}; server_no_context_takeover", PLAIN, "leaves out"),
        (f"{PLAIN}; server_max_window_bits=10", PLAIN, "does not keep to"),
        (f"{PLAIN}; server_max_window_bits=10", f"{PLAIN}; server_max_window_bits=11", "does not keep to"),
    ],
)
def test_an_answer_that_does_not_fit_the_offer(offer: str, answer: str, problem: str) -> None:
    with pytest.raises(NegotiationError, match=problem):
        agreement(parse_extensions([offer])[0], parse_extensions([answer])[0])


def test_an_answer_that_fits_the_offer() -> None:
    offer = f"{PLAIN}; client_max_window_bits; server_max_window_bits=12"
    answer = f'{PLAIN}; client_max_window_bits=9; server_max_window_bits="10"; client_no_context_takeover'
    agreed = agreement(parse_extensions([offer])[0], parse_extensions([answer])[0])
    assert (agreed.bits("client"), agreed.bits("server")) == (9, 10)
    assert (agreed.takes_over("client"), agreed.takes_over("server")) == (False, True)


@pytest.mark.parametrize("bits", range(8, 15))
def test_the_inflater_sees_a_window_that_is_too_large(bits: int) -> None:
    first, second = b"abcdefgh" * 8, b"0" * (2**bits)
    payload = deflate(first + bytes(range(256)) * 200 + first, bits=15)[0]
    assert Inflater(15, takes_over=True).message(payload).endswith(first)
    inflater = Inflater(bits, takes_over=True)
    with pytest.raises(zlib.error):  # noqa: PT012  # one of the messages
        for message in deflate(first, second, first):  # one of them
            inflater.message(message)
    fitting = Inflater(bits, takes_over=True)
    assert [fitting.message(message) for message in deflate(first, second, first, bits=bits)] == [
        first,
        second,
        first,
    ]


def test_the_bomb_is_one() -> None:
    assert len(bomb(BOMB_SIZE)) < 300_000
    inflater = zlib.decompressobj(wbits=-15)
    assert len(inflater.decompress(bomb(BOMB_SIZE) + b"\x00\x00\xff\xff")) == BOMB_SIZE * 2**20


@pytest.mark.parametrize(
    ("frames", "fault"),
    [
        ((Frame(TEXT, b"x", wrong_mask=True),), "with a mask"),
        ((Frame(TEXT, b"x", rsv=4),), "reserved bits 100"),
        ((Frame(3),), "opcode 3"),
        ((Frame(0),), "without a message"),
        ((Frame(TEXT, fin=False), Frame(TEXT)), "within a message"),
        ((Frame(9, fin=False),), "in fragments"),
        ((close(999),), "code 999"),
        ((close(1000, b"\xff"),), "reason"),
        ((close(1000), Frame(TEXT)), "after its Close"),
        ((Frame(TEXT, b"\xff"),), "not UTF-8"),
    ],
)
def test_a_peer_that_breaks_a_rule_is_noticed_in_every_case(frames: tuple[Frame, ...], fault: str) -> None:
    server = Seen("server")
    for frame in frames:
        server.take(frame.keyed(by_client=False))
    assert fault in server.fault


def test_memory_that_grows_is_noticed() -> None:
    async def grow() -> int:
        watch = MemoryWatch(psutil.Process(os.getpid()))
        watch.start()
        held = bytearray(b"\x01") * (100 * 2**20)
        await asyncio.sleep(0.05)
        del held
        return await watch.stop()

    assert asyncio.run(grow()) > 90 * 2**20
