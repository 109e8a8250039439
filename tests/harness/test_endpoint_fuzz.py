"""`harness fuzz`: its sequences, its model of an echo server, its findings, and the command."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
import time
from dataclasses import replace
from html import unescape
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main
from harness.extra.deflating import Agreement
from harness.extra.heads import REQUEST
from harness.fuzzing import server as supervised
from harness.fuzzing.deflated import Deflater
from harness.fuzzing.generator import Generator
from harness.fuzzing.model import expect
from harness.fuzzing.player import offer_fault
from harness.fuzzing.requests import ODDITIES, STRICTNESS, odd_request
from harness.fuzzing.rules import RULES
from harness.fuzzing.sequence import Sent, Sequence, from_json, to_json
from harness.fuzzing.smaller import smaller
from tests.harness.endpoint_servers import Certificate, Dying, served
from tests.harness.faulty_echo import FAULTS, GOOD, Server
from tests.harness.test_cli import error_of
from tooling.frames import BINARY, CLOSE, CONTINUATION, MASK, PING, RSV1, TEXT

if TYPE_CHECKING:
    from harness.fuzzing.model import Expected

LIMIT = 1000
ROOT = Path(__file__).resolve().parents[2]


def sent(opcode: int, payload: bytes = b"", **more: Any) -> Sent:
    return Sent(opcode, payload, mask=MASK, **more)


def read(*frames: Sent, agreed: Agreement | None = None) -> Expected:
    return expect(frames, agreed, LIMIT)


# The sequences:


def test_a_seed_plays_the_same_sequences_and_another_one_others() -> None:
    first, again, other = Generator(1, LIMIT), Generator(1, LIMIT), Generator(2, LIMIT)
    sequences = [first.sequence(number) for number in range(100)]
    assert sequences[::-1] == [again.sequence(number) for number in reversed(range(100))]
    assert sequences != [other.sequence(number) for number in range(100)]


def test_a_case_file_holds_any_sequence() -> None:
    generator = Generator(3, LIMIT)
    for number in range(300):
        sequence = generator.sequence(number)
        assert from_json(json.loads(json.dumps(to_json(sequence)))) == sequence
        assert len(sequence.words()) > len(sequence.frames)


def test_what_goes_out_is_bounded() -> None:
    generator = Generator(4, 2**17)
    for number in range(300):
        frames = Deflater(Agreement()).written(generator.sequence(number).frames)
        assert sum(len(frame.payload) for frame in frames) < 2**21


def test_every_kind_of_thing_is_among_them() -> None:
    generator = Generator(5, LIMIT)
    sequences = [generator.sequence(number) for number in range(2000)]
    rules = {expect(one.frames, Agreement(), LIMIT).rule for one in sequences}
    forms = {frame.form for one in sequences for frame in one.frames}
    assert rules == {
        *("", "a reserved bit", "RSV1 out of place", "an unknown opcode", "no mask", "a long control frame"),
        *("a fragmented control frame", "a continuation of nothing", "a message inside of another"),
        *("text that is not UTF-8", "data that does not inflate"),
    }
    assert forms == {"", "takeover", "stored", "fixed", "huffman", "final", "blocks"}
    assert {one.wanted for one in sequences} == {"accept", "refuse", "either"}
    assert {one.cut == 0 for one in sequences} == {True, False}


def test_the_worst_oddity_of_a_request_decides() -> None:
    known = {oddity.words: oddity for oddity in ODDITIES}
    for seed in range(200):
        _, wanted, rule, words = odd_request(Random(seed))
        oddities = [known[name] for name in words.split(" and ")]
        assert STRICTNESS[wanted] == min(STRICTNESS[oddity.wanted] for oddity in oddities)
        assert rule in RULES


# The model:


@pytest.mark.parametrize(
    ("frame", "rule", "code"),
    [
        (sent(TEXT, b"a", rsv=2), "a reserved bit", 1002),
        (sent(TEXT, b"a", rsv=RSV1), "a reserved bit", 1002),
        (sent(3, b"a"), "an unknown opcode", 1002),
        (sent(TEXT, b"a", wrong_mask=True), "no mask", 1002),
        (sent(PING, b"a" * 126), "a long control frame", 1002),
        (sent(PING, fin=False), "a fragmented control frame", 1002),
        (sent(CONTINUATION, b"a"), "a continuation of nothing", 1002),
        (sent(TEXT, b"\xff"), "text that is not UTF-8", 1007),
    ],
)
def test_a_violation_has_to_fail_the_connection(frame: Sent, rule: str, code: int) -> None:
    expected = read(sent(TEXT, b"before"), frame, sent(TEXT, b"behind"))
    assert (expected.fails_at, expected.rule) == (1, rule)
    assert code in expected.codes(2)
    assert not expected.may_fail(1)
    assert expected.messages == [("message", b"before", False)]


def test_text_may_be_refused_at_the_wrong_byte_or_at_its_end() -> None:
    expected = read(sent(TEXT, b"\xff", fin=False), sent(PING, b"x"), sent(CONTINUATION, b"a"))
    assert expected.fails_at == 2
    assert expected.may_fail(1)
    assert expected.codes(1) == {1007}


def test_a_character_may_be_in_two_fragments() -> None:
    expected = read(sent(TEXT, b"\xe2\x82", fin=False), sent(PING, b"x"), sent(CONTINUATION, b"\xac"))
    assert expected.messages == [("message", "€".encode(), False)]
    assert expected.due == [0, 0, 0, 1]
    assert not expected.may_fail(3)


def test_a_long_length_may_be_taken_or_refused() -> None:
    expected = read(sent(TEXT, b"a", length_form=16))
    assert expected.fails_at is None
    assert expected.codes(1) == {1002}
    assert expected.messages == [("message", b"a", False)]


def test_a_message_over_the_limit_may_be_refused_as_too_big() -> None:
    assert read(sent(TEXT, b"a" * LIMIT)).codes(1) == set()
    assert read(sent(TEXT, b"a" * (LIMIT + 1))).codes(1) == {1009}


def test_nothing_is_read_behind_a_close() -> None:
    expected = read(sent(CLOSE, b"\x03\xe8"), sent(TEXT, b"a"))
    assert expected.closes_at == 0
    assert expected.messages == []
    assert expected.unfit_answers == {1002, 1007}


@pytest.mark.parametrize("payload", [b"\x03", b"\x03\xed", b"\x03\xe8\xff"])
def test_an_odd_close_may_be_answered_with_any_code(payload: bytes) -> None:
    assert read(sent(CLOSE, payload)).unfit_answers == frozenset()


@pytest.mark.parametrize("form", ["takeover", "stored", "fixed", "huffman", "final", "blocks"])
@pytest.mark.parametrize("agreed", [Agreement(), Agreement(client_no_context_takeover=True)])
def test_what_is_deflated_comes_back_as_it_was(form: Any, agreed: Agreement) -> None:
    frames = [
        *(sent(TEXT, b"Hello" * 9, form="takeover"), sent(BINARY, b"", form=form), sent(PING, b"x")),
        *(sent(TEXT, b"Hello", fin=False, form=form), sent(CONTINUATION, b"", form=form)),
        sent(TEXT, b"Hello", form="takeover"),
    ]
    expected = expect(Deflater(agreed).written(frames), agreed, LIMIT)
    texts = [b"Hello" * 9, b"", b"Hello", b"Hello"]
    assert [payload for _, payload, _ in expected.messages] == texts
    assert expected.failures == {}
    assert expected.unclear_from is None


def test_data_that_servers_may_read_differently_is_not_judged() -> None:
    empty = read(sent(BINARY, b"", rsv=RSV1), sent(TEXT, b"a"), agreed=Agreement())
    assert empty.unclear_from == 0
    frames = sent(BINARY, b"c", rsv=RSV1), sent(BINARY, b"", form="stored")
    behind = read(*Deflater(Agreement()).written(frames), agreed=Agreement())
    assert (behind.unclear_from, behind.fails_at) == (0, None)
    block_of_type_3 = read(sent(BINARY, b"\x06", rsv=RSV1), agreed=Agreement())
    assert (block_of_type_3.fails_at, block_of_type_3.rule) == (0, "data that does not inflate")


def test_a_frame_that_is_not_whole_asks_for_nothing() -> None:
    expected = read(sent(TEXT, b"a", declared=2), sent(TEXT, b"b"))
    assert expected.unfinished
    assert (expected.fails_at, expected.messages) == (None, [])


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ([("server_max_window_bits", "10"), ("client_max_window_bits", None)], ""),
        ([("server_max_window_bits", None)], "'server_max_window_bits' with the value None"),
        ([("client_max_window_bits", "08")], "'client_max_window_bits' with the value '08'"),
        ([("client_no_context_takeover", "1")], "'client_no_context_takeover' with the value '1'"),
        ([("x", None)], "the unknown parameter 'x'"),
        ([("server_no_context_takeover", None)] * 2, "'server_no_context_takeover' twice"),
    ],
)
def test_offers_that_have_to_be_declined(parameters: list[tuple[str, str | None]], fault: str) -> None:
    assert offer_fault(("permessage-deflate", parameters)) == fault


# Smaller sequences:


def test_a_finding_is_made_as_small_as_it_can_be() -> None:
    noise = [sent(TEXT, b"abc" * 30, waits=True), sent(BINARY, b"x" * 300, fin=False), sent(CONTINUATION)]
    found = Sequence(frames=(*noise, sent(PING, b"0123456789", rsv=RSV1), *noise), cut=7)

    async def finds(sequence: Sequence) -> bool:
        return any(frame.opcode == PING and frame.rsv for frame in sequence.frames)

    least = asyncio.run(smaller(found, finds, 200))
    assert least == Sequence(frames=(sent(PING, b"", rsv=RSV1),))


def test_a_finding_keeps_the_oddity_that_counts() -> None:
    requests = [odd_request(Random(seed)) for seed in range(100)]
    request, wanted, rule, words = next(odd for odd in requests if odd[3].startswith("no Host and"))

    async def finds(sequence: Sequence) -> bool:
        return sequence.wanted == "refuse" and not sequence.request.values("Host")

    least = asyncio.run(smaller(Sequence(request, wanted, rule, words), finds, 50))
    assert least == Sequence(REQUEST.drop("Host"), "refuse", "host", "no Host")


# The command:


def fuzz(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Call the command; give its exit code and report."""
    code = main(["fuzz", *arguments, "--report", str(folder), "--patience", "0.25"])
    report: dict[str, Any] = json.loads((folder / "findings.json").read_text())
    return code, report


def command_of(fault: str) -> str:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import runpy; "
    program += "runpy.run_module('tests.harness.faulty_echo', run_name='__main__')"
    return shlex.join([sys.executable, "-c", program, "--port", "{port}", "--fault", fault])


def test_a_right_server_has_nothing_to_be_found(tmp_path: Path) -> None:
    with served(Server(GOOD)) as port:
        code, report = fuzz(tmp_path, f"ws://127.0.0.1:{port}/", "--seconds", "1", "--seed", "1")
    assert (code, report["findings"]) == (0, [])
    assert report["sequences"] > 0


def test_a_server_behind_tls_is_fuzzed_with_what_its_requests_need(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    with served(Server(GOOD), certificate.context) as port:
        url = f"wss://localhost:{port}/echo?a=b"
        options = ["--ca", str(certificate.authority), "--header", "X-Token: b"]
        code, report = fuzz(tmp_path, url, "--seconds", "1", "--seed", "2", *options)
    assert (code, report["findings"], report["url"]) == (0, [], url)
    assert report["sequences"] > 0


def test_a_handshake_of_tls_that_lasts_once_is_no_finding(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    pauses = iter([0] * 10 + [0.6])
    certificate.context.sni_callback = lambda *_: time.sleep(next(pauses, 0))
    with served(Server(GOOD), certificate.context) as port:
        url = f"wss://localhost:{port}/"
        code, report = fuzz(
            tmp_path, url, "--seconds", "3", "--seed", "2", "--ca", str(certificate.authority)
        )
    assert next(pauses, None) is None
    assert (code, report["findings"]) == (0, [])
    assert "The next connection failed: no handshake of TLS within 0.25 s." in report["slow"]


@pytest.mark.parametrize(
    ("fault", "section"),
    [
        ("any-version", "RFC 6455 4.2.1"),
        ("unmasked", "RFC 6455 5.1"),
        ("text-code", "RFC 6455 7.1.7"),
        ("no-takeover", "RFC 7692 7.2.2"),
    ],
)
def test_a_fault_is_found_and_its_case_repeats_it(
    fault: str, section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(Server(fault)) as port:
        url = f"ws://127.0.0.1:{port}/"
        code, report = fuzz(tmp_path, url, "--seconds", "30", "--seed", "6", "--rate", "1000", "-x")
        (found,) = report["findings"]
        assert (code, found["section"], found["repeats"]) == (1, section, True)
        assert found["sentence"] in capsys.readouterr().out
        page = unescape((tmp_path / "findings.html").read_text())
        assert all(
            text in page for text in (found["came"], found["sentence"], found["command"], *found["sent"])
        )
        assert shlex.split(found["command"])[:5] == ["python", "-m", "harness", "test", url]
        assert main(["test", url, "--case", found["case"], "--report", str(tmp_path)]) == 1
        assert "as found" in capsys.readouterr().out
    with served(Server(GOOD)) as port:
        cases = str(Path(found["case"]).parent)
        good = ["test", f"ws://127.0.0.1:{port}/", "--case", cases, "--report", str(tmp_path)]
        assert main(good) == 0
        assert "NOT FOUND" in capsys.readouterr().out


def test_a_server_that_has_gone_ends_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(Dying(3)) as port:
        url = f"ws://127.0.0.1:{port}/"
        code, report = fuzz(tmp_path, url, "--seconds", "30", "--seed", "1", "--patience", "0.1")
    assert (code, report["findings"][-1]["repeats"]) == (1, False)
    assert "the server does not answer any more" in capsys.readouterr().out


def case_of(folder: Path, sequence: Sequence) -> str:
    file = folder / "case.json"
    file.write_text(json.dumps({"format": 1, "found": {}, "sequence": to_json(sequence)}))
    return str(file)


def test_a_crash_is_found_in_a_server_that_a_command_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = case_of(tmp_path, Sequence(frames=(sent(TEXT, fin=False), sent(CONTINUATION, b"a"))))
    arguments = ["--command", command_of("crash"), "--case", case, "--report", str(tmp_path)]
    assert main(["test", *arguments]) == 1
    assert "ended with exit code 3" in capsys.readouterr().out


def test_memory_that_grows_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "LEAK", 2**20)
    hello = replace(supervised.HELLO, times=30)
    case = case_of(tmp_path, hello)
    arguments = ["--case", case, "--report", str(tmp_path)]
    assert main(["test", "--command", command_of("leak"), *arguments]) == 1
    said = capsys.readouterr().out
    assert re.search(r"Its memory grew by [3-6] MiB, [3-6] MiB in rounds of 10 connections\.", said)


def test_a_server_that_takes_no_connection_after_a_sequence_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Hanging(Server):
        connections = 0

        async def __call__(self, reader: Any, writer: Any) -> None:
            self.connections += 1
            if self.connections > 2:  # the first one looks whether it is a WebSocket server
                await reader.read()
            await super().__call__(reader, writer)

    case = case_of(tmp_path, supervised.HELLO)
    with served(Hanging(GOOD)) as port:
        url = f"ws://127.0.0.1:{port}/"
        assert main(["test", url, "--case", case, "--timeout", "2", "--report", str(tmp_path)]) == 1
    assert "The next connection failed, after nothing wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fuzz"], "no server: give ws:// or wss://HOST:PORT/PATH?QUERY"),
        (["fuzz", "ws://192.0.2.1/"], "192.0.2.1 is not this machine"),
        (["fuzz", "ws://127.0.0.1:1/"], "refused, nobody listens there"),
        (["fuzz", "http://127.0.0.1/"], "is not the URL of a WebSocket server"),
        (["test", "ws://127.0.0.1:1/", "--case", __file__], "is not a case of `harness fuzz`"),
        (["test", "ws://127.0.0.1:1/", "--case", str(ROOT)], "the folder has no *.json"),
    ],
)
def test_a_wrong_call_is_a_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in error_of([*arguments, "--report", str(tmp_path)], capsys)


def test_every_planted_fault_names_a_section() -> None:
    assert len(FAULTS) >= 25
    assert all(section.startswith("RFC ") for _, section in FAULTS.values())
