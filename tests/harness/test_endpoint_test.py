"""The command `test` against servers that run already: every option, and what the report says."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main
from harness.extra import limits
from harness.extra.memory import MemoryWatch
from tests.harness import lax_peers
from tests.harness.endpoint_servers import Certificate, Dying, call, served
from tests.harness.recorder import Recorder
from tests.harness.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.serving import EchoServer

AUTOBAHN = "1.1.2"
FRAMES = ["1.1.2", "3.1", "X.3.1"]


def url_of(server: EchoServer) -> str:
    return "ws://{}:{}/".format(*server.address)


def cases_of(results: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = results["setups"]["server"]["cases"]
    return found


def differing(results: dict[str, Any]) -> list[str]:
    return [difference["case"] for difference in results["setups"]["server"]["differences"]]


def test_a_server_that_breaks_no_rule(
    echo_server: EchoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, results = call(tmp_path, url_of(echo_server), "--cases", "1.1", "7.7.1", "X.3", "X.9", "X.10.9")
    assert code == 0
    out = capsys.readouterr().out
    assert f"wsproto/1.4.0 at {url_of(echo_server)} against kosoku 0.1." in out
    assert f"left out: {len(limits.CASES)} extra cases about a limit of the length of messages" in out
    assert "none breaks a MUST" in out
    assert "the library" not in out
    assert results["library"].startswith("wsproto/")
    assert (results["endpoint"], results["judgedBy"], results["asExpected"]) == (True, "must", True)
    assert results["setups"]["server"]["cpuTime"]["testee"] is None, "its process is not ours"
    assert cases_of(results)["X.10.9"]["behavior"] == "OK", "this server has the modes"
    for name in ("index.html", "junit.xml", "summary.md", "badge.svg"):
        text = (tmp_path / name).read_text()
        assert (
            "library"
            not in text.replace("--library", "").replace(".library", "")[: 2000 if "html" in name else None]
        )
    assert "No case breaks a MUST" in (tmp_path / "index.html").read_text()
    assert "none breaks a MUST" in (tmp_path / "summary.md").read_text()


def test_a_lax_server_is_told_what_it_breaks_and_how_to_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = ["--header", "X-Token: it's me", "--subprotocol", "chat"]
    with served(lax_peers.lax_server) as port:
        url = f"ws://127.0.0.1:{port}/a?b=1&c"
        code, results = call(tmp_path, url, *header, "--cases", *FRAMES, "--timeout", "5")
        out = capsys.readouterr().out
        assert code == 1
        assert differing(results) == ["3.1", "X.3.1"]
        repeat = results["setups"]["server"]["differences"][1]["repeat"]
        assert repeat in out
        words = shlex.split(repeat)
        assert words[:5] == ["python", "-m", "harness", "test", url]
        assert words[-2:] == ["--cases", "X.3.1"]
        assert main(words[3:]) == 1, "the command repeats it"
        out_again = capsys.readouterr().out
    assert "server X.3.1: violation\n  verdict  FAILED" in out
    assert "  rule     RFC 6455 5.1, https://www.rfc-editor.org/rfc/rfc6455#section-5.1" in out
    assert "  rule     RFC 6455 5.2, " in out, "Autobahn's cases have one as well"
    assert "server: 2 cases of Autobahn and 1 extra one in 0:0" in out
    assert "2 break a MUST" in out
    assert "to repeat all that differ: python -m harness test" in out
    assert "server: 1 extra case in 0:0" in out_again
    junit = (tmp_path / "junit.xml").read_text()
    assert junit.count("<failure") == 1, "the last report is that of the repetition"
    assert "verdict  FAILED" in junit
    assert "expected OK" not in junit
    assert "1 case breaks a MUST" in (tmp_path / "index.html").read_text()


def test_failed_repeats_what_differed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(lax_peers.lax_server) as port:
        url = f"ws://127.0.0.1:{port}"
        assert call(tmp_path, url, "--cases", *FRAMES, "3.2")[0] == 1
        code, results = call(tmp_path, url, "--failed")
    assert code == 1
    assert list(cases_of(results)) == ["3.1", "3.2", "X.3.1"]
    with served(Recorder()) as port:
        assert call(tmp_path, f"ws://127.0.0.1:{port}", "--cases", "1.1.2")[0] == 0
        capsys.readouterr()
        assert main(["test", f"ws://127.0.0.1:{port}", "--failed", "--report", str(tmp_path)]) == 0
    assert "nothing of this differed in the last run" in capsys.readouterr().out


@pytest.mark.parametrize("is_secure", [False, True])
def test_every_case_asks_that_very_target(tmp_path: Path, *, is_secure: bool) -> None:
    """Autobahn's cases and the extra ones ask for the same path, with the same fields, over TLS as well."""
    recorder, certificate = Recorder(), Certificate(tmp_path)
    options = [
        "--header",
        "Cookie: a=b",
        "--header",
        "X-Two: 2",
        "--subprotocol",
        "one",
        "--subprotocol",
        "two",
    ]
    options += ["--origin", "http://me.example"]
    options += ["--ca", str(certificate.authority)] if is_secure else []
    with served(recorder, certificate.context if is_secure else None) as port:
        url = f"{'wss' if is_secure else 'ws'}://localhost:{port}/chat/room?id=5&x=%20"
        code, results = call(tmp_path, url, *options, "--cases", "1.1", "X.3.1", "X.12.1", "X.1.1")
    assert code == 1, "it takes frames without a mask"
    assert {cases_of(results)[case]["behavior"] for case in ("1.1.1", "1.1.8", "X.12.1")} == {"OK"}
    assert results["library"] == "recorder/1"
    assert recorder.targets == {"/chat/room?id=5&x=%20"}
    assert len(recorder.heads) > 12
    for name, values in (
        ("Cookie", ["a=b"]),
        ("X-Two", ["2"]),
        ("Sec-WebSocket-Protocol", ["one, two"]),
        ("Origin", ["http://me.example"]),
        ("Host", [f"localhost:{port}"]),
    ):
        assert all(found == values for found in recorder.values(name)), name


def test_insecure_takes_any_certificate(tmp_path: Path) -> None:
    with served(Recorder(), Certificate(tmp_path).context) as port:
        code, results = call(tmp_path, f"wss://127.0.0.1:{port}", "--insecure", "--cases", "1.1.2", "X.4.1")
    assert code == 0
    assert [case["behavior"] for case in cases_of(results).values()] == ["OK", "OK"]


def test_a_path_of_its_own_is_not_asked_for_modes(tmp_path: Path) -> None:
    recorder = Recorder()
    with served(recorder) as port:
        code, results = call(tmp_path, f"ws://127.0.0.1:{port}/chat", "--cases", "X.10.1", "X.18.1")
    assert code == 0
    assert [case["behavior"] for case in cases_of(results).values()] == ["UNIMPLEMENTED"] * 2
    assert recorder.targets == {"/chat"}


def test_a_plain_echo_has_no_modes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorder = Recorder()
    with served(recorder) as port:
        _, results = call(tmp_path, f"ws://127.0.0.1:{port}", "--cases", "X.10.1", "X.10.2")
    said = "modes of the server: none; 2 extra cases not played for want of fragments"
    assert said in capsys.readouterr().out.splitlines()
    assert [case["behavior"] for case in cases_of(results).values()] == ["UNIMPLEMENTED"] * 2
    assert [head.split(" ")[1] for head in recorder.heads].count("/modes") == 1, "asked once"


def test_without_compression_and_without_some_cases(
    echo_server: EchoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--cases", "1.1", "12.1.1", "X.7.1", "X.3.1", "--exclude", "1.1.*", "--without", "compression"]
    code, results = call(tmp_path, url_of(echo_server), *options)
    out = capsys.readouterr().out
    assert code == 0
    assert list(cases_of(results)) == ["X.3.1"]
    assert "left out: 8 cases (--exclude)" in out
    assert "left out: 1 case of Autobahn and 1 extra one that need permessage-deflate" in out


def test_a_limit_is_tested_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The server under test is one with another limit than the cases have for testees."""
    with serving("--max-message-size", "65536") as server:
        url = "ws://{}:{}/".format(*server.address)
        options = ["--cases", "X.9", "9.1", "--max-message-size", "65536"]
        code, results = call(tmp_path, url, *options)
        out = capsys.readouterr().out
        assert code == 0, out
        assert "left out: 5 cases with messages of more than 65536 bytes (--max-message-size)" in out
        assert list(cases_of(results)) == [
            "9.1.1",
            *(f"X.9.{number}" for number in range(1, len(limits.CASES) + 1)),
        ]
        assert all(case["behavior"] == "OK" for case in cases_of(results).values())
        code, results = call(tmp_path, url, "--cases", "X.9.1", "X.9.3", "--max-message-size", "262144")
        assert code == 1
        assert differing(results) == ["X.9.1"], "half of what the server is said to take is too long for it"
        repeat = results["setups"]["server"]["differences"][0]["repeat"]
        assert "--max-message-size 262144" in repeat


@pytest.mark.parametrize(("fail_on", "code", "found"), [("must", 0, []), ("should", 1, ["X.3.2"])])
def test_what_breaks_a_should_counts_if_asked(
    tmp_path: Path, fail_on: str, code: int, found: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The server ends the connection without a Close where it meets a fault."""

    async def dropping(reader: Any, writer: Any) -> None:
        writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")))
        data = await reader.read(2**16)
        if b"Hello" not in lax_peers.unmasked(data):
            writer.close()
            return
        writer.write(b"\x81\x05Hello")
        await reader.read()

    with served(dropping) as port:
        status, results = call(tmp_path, f"ws://127.0.0.1:{port}", "--fail-on", fail_on, "--cases", "X.3.2")
    assert status == code
    assert cases_of(results)["X.3.2"]["behavior"] in {"OK", "NON-STRICT"}
    assert differing(results) == found
    page = (tmp_path / "index.html").read_text()
    assert ("What is not strict" in page) == (code == 0)
    assert ("1 breaks a MUST or a SHOULD" in capsys.readouterr().out) == (code == 1)


def test_a_baseline_of_ones_own_is_strict_both_ways(tmp_path: Path) -> None:
    baseline = tmp_path / "mine" / "baseline.json"
    options = ["--baseline", str(baseline), "--cases", *FRAMES]
    with served(lax_peers.lax_server) as port:
        url = f"ws://127.0.0.1:{port}"
        assert call(tmp_path, url, *options, "--update-baseline")[0] == 0
        entries = json.loads(baseline.read_text())
        assert list(entries) == FRAMES
        assert entries["X.3.1"]["behavior"] == "FAILED"
        assert entries["X.3.1"]["why"].endswith("(RFC 6455 5.1)")
        assert entries["3.1"]["why"].endswith("(RFC 6455 5.2)")
        assert "why" not in entries["1.1.2"]
        entries["X.3.1"]["why"] = "we know"
        baseline.write_text(json.dumps(entries))
        code, results = call(tmp_path, url, *options)
        assert (code, results["judgedBy"]) == (0, "baseline")
        assert results["setups"]["server"]["whys"]["X.3.1"] == "we know"
        assert "we know" in (tmp_path / "index.html").read_text()
        assert call(tmp_path, url, *options, "--update-baseline")[0] == 0
        assert json.loads(baseline.read_text())["X.3.1"]["why"] == "we know", (
            "what the user has written stays"
        )
        assert call(tmp_path, url, *options, "3.2")[0] == 1, "a case that the baseline does not have"
    entries["1.1.2"] |= {"behavior": "FAILED"}
    baseline.write_text(json.dumps(entries))
    with served(lax_peers.lax_server) as port:
        options[-3:] = ["1.1.2"]
        code, results = call(tmp_path, f"ws://127.0.0.1:{port}", *options)
    assert code == 1, "a better verdict differs as well"
    assert results["setups"]["server"]["differences"][0]["kind"] == "improvement"


def test_a_run_stops_at_the_first_failure(tmp_path: Path) -> None:
    with served(lax_peers.lax_server) as port:
        code, results = call(tmp_path, f"ws://127.0.0.1:{port}", "-x", "--jobs", "1", "--cases", "3", "4")
    assert code == 1
    assert (results["complete"], len(cases_of(results)) < 17) == (False, True)
    assert "1 verdict differed (--max-failures)" in results["stopped"]


def test_the_time_for_all_is_bounded(tmp_path: Path) -> None:
    with served(lax_peers.silent_after_the_first(3)) as port:
        code, results = call(
            tmp_path,
            f"ws://127.0.0.1:{port}",
            "--budget",
            "1",
            "--jobs",
            "1",
            "--cases",
            "X.3",
            "--timeout",
            "50",
        )
    assert code == 1
    assert "--budget" in results["stopped"]


def test_a_case_that_takes_too_long_fails_and_the_next_follows(tmp_path: Path) -> None:
    with served(lax_peers.trickling_server) as port:
        code, results = call(
            tmp_path, f"ws://127.0.0.1:{port}", "--jobs", "1", "--cases", "X.3.3", "X.3.4", "--timeout", "0.8"
        )
    assert code == 1
    assert results["complete"]
    assert {case["result"] for case in cases_of(results).values()} == {
        "The case did not come to its end within 0.8 s (--timeout)."
    }


@pytest.mark.parametrize(
    ("cases", "lived"), [(["1.1.1", "1.1.2", "1.1.3", "1.1.4"], 4), (["X.3.1", "X.3.2", "X.3.3"], 3)]
)
def test_a_server_that_dies_ends_the_run_and_fails_the_case(
    tmp_path: Path, cases: list[str], lived: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One connection finds out that it can be reached; each case has one, and a look where it was odd."""
    with served(Dying(lived)) as port:
        code, results = call(tmp_path, f"ws://127.0.0.1:{port}", "--jobs", "1", "--cases", *cases)
    assert code == 1
    assert not results["complete"]
    last = list(cases_of(results).values())[-1]
    assert last["behavior"] == "FAILED"
    assert "does not answer any more" in last["result"]
    assert "refused" in last["result"]
    assert len(cases_of(results)) < len(cases) + 1
    assert "NOT COMPLETE: the server does not answer any more, since case" in capsys.readouterr().out
    assert "Partial run" in (tmp_path / "index.html").read_text()


def test_a_server_that_dies_behind_a_proxy_ends_the_run(tmp_path: Path) -> None:
    left = [3]

    async def proxy(reader: Any, writer: Any) -> None:
        left[0] -= 1
        if left[0] >= 0:
            await lax_peers.lax_server(reader, writer)
            return
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    with served(proxy) as port:
        code, results = call(tmp_path, f"ws://127.0.0.1:{port}", "--jobs", "1", "--cases", "X.4")
    assert code == 1
    assert "'HTTP/1.1 502 Bad Gateway'" in results["stopped"]
    assert len(cases_of(results)) < 4


def test_all_that_were_under_way_fail_where_a_server_dies(tmp_path: Path) -> None:
    with served(Dying(3)) as port:
        code, results = call(tmp_path, f"ws://127.0.0.1:{port}", "--jobs", "4", "--cases", "X.3", "X.4")
    assert code == 1
    assert not results["complete"]
    dead = {
        case: report["result"]
        for case, report in cases_of(results).items()
        if "does not answer any more" in report["result"]
    }
    assert dead
    for said in dead.values():
        assert len(dead) == 1 or f"These cases were under way: {', '.join(dead)}." in said


def test_cases_are_played_at_once(tmp_path: Path) -> None:
    """With one connection at a time, these cases take 0.2 s each."""
    recorder = lax_peers.Slow()
    with served(recorder) as port:
        call(tmp_path, f"ws://127.0.0.1:{port}", "--jobs", "6", "--cases", "1.1", "X.3.3", "X.3.4", "X.3.5")
    assert 2 < recorder.most <= 6


def test_memory_that_cannot_be_watched_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryWatch, "of_listener", lambda _port: None)
    with served(Recorder()) as port:
        code, results = call(tmp_path, f"ws://127.0.0.1:{port}", "--cases", "X.14.8")
    assert code == 0
    assert "memory is not watched" in capsys.readouterr().out
    assert "memory" not in cases_of(results)["X.14.8"]["result"]
