"""Several implementations side by side, with testees that misbehave; and the files that make one."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import zlib
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from harness.cli import main
from harness.engines.kosoku import KosokuSuite
from harness.judge import Baseline, Verdict
from harness.matrix.implementations import implementations
from harness.matrix.page import frames_of
from harness.matrix.programs import title_of
from harness.matrix.run import Matrix
from harness.order import Order
from harness.patience import Patience
from harness.setups import TRANSPORTS, Setup
from tests.harness.processes import all_end, children_of
from tests.harness.serving import TIMEOUT
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.setups import Transport

ROOT = Path(__file__).resolve().parents[2]
CASES = ("1.1.1", "X.1.15", "X.2.15", "X.3.1")
OK = Verdict("OK", "OK", 1000)
PROTOCOL_ERROR = Verdict("OK", "OK", 1002)
NO_CLOSE = Verdict("OK", "OK", None)
REFUSED = Verdict("OK", "OK", None, 400)

HARNESS = """
import runpy, sys
sys.path.insert(0, {root!r})
sys.argv = ["harness", {command!r}, *sys.argv[1:]]
runpy.run_module("harness", run_name="__main__")
"""
"""This library, as a testee that needs no package."""


LAX = """
import asyncio, sys
sys.path.insert(0, {root!r})
from tests.harness.lax_peers import lax_server

async def main():
    server = await asyncio.start_server(lax_server, "127.0.0.1", 0)
    print(f"Listening on ws://127.0.0.1:{{server.sockets[0].getsockname()[1]}}", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
"""A server that takes everything."""


LAX_OVER_HTTP2 = """
# /// script
# [tool.testee]
# transports = ["h2"]
# ///
import asyncio, sys
sys.path.insert(0, {root!r})
from tests.harness.lax_streams import serving, takes

async def main():
    async with serving("h2", None, takes) as url:
        print("Listening on " + url.replace("http", "ws").rstrip("/"), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
"""The same over HTTP/2."""


LATE = """
# /// script
# [tool.testee]
# transports = ["h2"]
# ///
import asyncio, sys
sys.path.insert(0, {root!r})
from tests.harness.lax_streams import serving, takes

async def main():
    ended = asyncio.Event()

    async def takes_one(wire, stream):
        await takes(wire, stream)
        ended.set()

    async with serving("h2", None, takes_one) as url:
        print("Listening on " + url.replace("http", "ws").rstrip("/"), flush=True)
        await ended.wait()
    await asyncio.sleep(0.5)
    sys.exit(3)

asyncio.run(main())
"""
"""The same, for one WebSocket; it ends when it has not listened for half a second."""


def write_testees(folder: Path, **programs: str) -> Path:
    folder.mkdir()
    for name, program in programs.items():
        (folder / f"{name}.py").write_text(program)
    return folder


def run_matrix(
    folder: Path,
    testees: Path,
    cases: Sequence[str] = CASES,
    only: Sequence[str] = (),
    *,
    limit: float = 20,
    transports: Sequence[Transport] = ("h1",),
) -> tuple[ExitCode | str, str, dict[str, Any]]:
    """Give the exit code or the error, what was printed, and the rows of `matrix.json`."""
    expected = folder / "expected"
    Baseline("server", expected).update({"1.1.1": OK, "X.1.15": REFUSED, "X.3.1": PROTOCOL_ERROR}).save()
    Baseline("client", expected).update({"1.1.1": OK, "X.2.15": NO_CLOSE, "X.3.1": PROTOCOL_ERROR}).save()
    printed = io.StringIO()
    order = Order(["server", "client"], "fast", cases, expected, transports=transports)
    console = Console(file=printed, width=200)
    run = Matrix(
        order, KosokuSuite(), folder, Patience(time_limit=limit), console, only, [testees], folder / "cache"
    )
    outcome: ExitCode | str
    try:
        outcome = run.run()
    except CommandError as error:
        outcome = str(error)
    written = folder / "matrix.json"
    rows = json.loads(written.read_text())["implementations"] if written.exists() else []
    return outcome, printed.getvalue(), {row["name"]: row for row in rows}


def test_an_implementation_beside_this_library(tmp_path: Path) -> None:
    testees = write_testees(
        tmp_path / "testees",
        same_server=HARNESS.format(root=str(ROOT), command="serve"),
        same_client=HARNESS.format(root=str(ROOT), command="drive"),
        contract="raise SystemExit('no testee')",
    )
    outcome, printed, rows = run_matrix(tmp_path, testees)
    assert outcome == ExitCode.GOOD
    assert list(rows) == ["library", "same"]
    assert rows["library"]["title"].endswith(" (this library)")
    for row in rows.values():
        assert row["roles"]["server"]["counts"] == {"OK": 3}
        assert row["roles"]["client"]["counts"] == {"OK": 3}
        assert list(row["roles"]["server"]["cases"]) == ["1.1.1", "X.1.15", "X.3.1"]
        assert list(row["roles"]["client"]["cases"]) == ["1.1.1", "X.2.15", "X.3.1"]
    assert "2 implementations: as server 1 case of Autobahn and 2 extra ones, as client" in printed
    assert "3 OK" in printed
    assert not (tmp_path / "same").exists(), "a log without a word in it is not kept"


def test_testees_that_cannot_be_run_are_rows_that_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    testees = write_testees(
        tmp_path / "testees",
        broken_server="import sys\nprint('it is broken', file=sys.stderr)\nsys.exit(7)\n",
        missing_server='# /// script\n# dependencies = ["wsproto-nobody-has==1.0"]\n# ///\n',
    )
    outcome, printed, rows = run_matrix(tmp_path, testees, ["1.1.1", "X.1.15", "X.3.1"])
    assert isinstance(outcome, str)
    assert outcome.startswith("could not run broken as server: the server under test ended with exit code 7")
    assert outcome.endswith("(and 1 more)")
    assert "it is broken" in rows["broken"]["roles"]["server"]["error"]
    assert rows["broken"]["roles"]["server"]["counts"] == {"NOT RUN": 3}
    missing = rows["missing"]
    assert missing["title"] == "wsproto-nobody-has 1.0"
    assert missing["roles"]["server"]["error"].startswith("cannot install wsproto-nobody-has==1.0: ")
    assert rows["library"]["roles"]["server"]["counts"] == {"OK": 3}, "the others are run all the same"
    assert "wsproto-nobody-has 1.0: cannot be run as server: cannot install" in printed
    page = (tmp_path / "matrix.html").read_text()
    assert "it is broken" in page
    assert "cannot install wsproto-nobody-has==1.0" in page


def test_a_testee_that_does_nothing_is_a_row_that_says_so(tmp_path: Path) -> None:
    testees = write_testees(tmp_path / "testees", idle_client="")
    outcome, _, rows = run_matrix(tmp_path, testees, ["X.3.1"], only=["idle"], limit=1)
    assert outcome == ExitCode.GOOD, "a failure of another implementation is a result"
    report = rows["idle"]["roles"]["client"]["cases"]["X.3.1"]
    assert (
        report["result"] == "The client under test hangs: the case was not begun within 1 s (--time-limit)."
    )


def test_a_server_that_fails_cases_is_a_result_and_no_error(tmp_path: Path) -> None:
    testees = write_testees(tmp_path / "testees", lax_server=LAX.format(root=str(ROOT)))
    outcome, _, rows = run_matrix(tmp_path, testees, only=["library", "lax"])
    assert outcome == ExitCode.GOOD
    assert rows["lax"]["roles"]["server"]["counts"] == {"OK": 1, "NON-STRICT": 1, "FAILED": 1}
    found = rows["lax"]["roles"]["server"]["cases"]
    assert found["X.1.15"]["result"].startswith("The server accepted the request with 101.")
    assert found["1.1.1"] == {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000}
    page = (tmp_path / "matrix.html").read_text()
    assert "python -m harness matrix --again --only lax --cases X.1.15" in details_of(page)
    assert "It agrees to a handshake that is none" in page
    links, ids = links_and_ids(page)
    assert "server-X.1.15-lax" in links
    assert links <= set(ids)
    assert len(ids) == len(set(ids))
    assert not re.search(r"(src|href)=\"(?!#|data:|https://www.rfc-editor.org/)", page), (
        "it needs nothing besides"
    )


def test_a_server_that_fails_cases_over_http2(tmp_path: Path) -> None:
    testees = write_testees(tmp_path / "testees", lax_server=LAX_OVER_HTTP2.format(root=str(ROOT)))
    _, printed, rows = run_matrix(
        tmp_path, testees, ["X.3.1", "H.3.1", "H.6.1"], only=["lax"], transports=["h1", "h2"]
    )
    assert "lax as server/h2 in 0:" in printed
    assert set(rows["lax"]["roles"]) == {"server/h2"}
    found = rows["lax"]["roles"]["server/h2"]
    assert found["counts"] == {"UNCLEAN": 1, "FAILED": 2}
    broken = {case: finding for finding in found["findings"] for case in finding["cases"]}
    assert broken["H.3.1"]["meaning"] == "http"
    assert "MUST also be included" in broken["H.3.1"]["sentence"]
    page = (tmp_path / "matrix.html").read_text()
    assert "As server over HTTP/2" in page
    assert "--again --only lax --transport h2 --cases H.3.1" in details_of(page)
    assert "testee  Headers on stream 1" in details_of(page)
    links, ids = links_and_ids(page)
    assert "server-h2-H.3.1-lax" in links
    assert links <= set(ids)


def test_a_server_that_dies_a_little_later_than_it_stops_to_listen(tmp_path: Path) -> None:
    """The bridge answers for it meanwhile, which is no answer of its own."""
    testees = write_testees(tmp_path / "testees", late_server=LATE.format(root=str(ROOT)))
    _, _, rows = run_matrix(tmp_path, testees, ["X.3.1"], only=["late"], transports=["h2"])
    report = rows["late"]["roles"]["server/h2"]["cases"]["X.3.1"]
    assert report["result"] == "The server under test ended with exit code 3."


def test_who_has_not_the_transport_is_not_there(tmp_path: Path) -> None:
    testees = write_testees(tmp_path / "testees", lax_server=LAX_OVER_HTTP2.format(root=str(ROOT)))
    assert [found.name for found in implementations([testees], transports=["h1"])] == ["library"]
    with pytest.raises(CommandError, match="lax has h2 alone: give --transport h2"):
        implementations([testees], ["lax"], ["h1"])


def test_this_library_is_judged_by_its_baseline(tmp_path: Path) -> None:
    testees = write_testees(tmp_path / "testees")
    outcome, printed, _ = run_matrix(tmp_path, testees, cases=["X.3.2"])  # not in the baseline
    assert outcome == ExitCode.BAD
    assert "server X.3.2: unrecorded" in printed


def details_of(page: str) -> str:
    """The reports in the page, which are packed."""
    packed = re.search(r'id="details">"([^"]+)"', page)
    assert packed is not None
    return zlib.decompress(b64decode(packed[1])).decode()


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "href" and value and value.startswith("#") and tag == "a":
                self.links.add(value[1:])
            if name == "id" and value:
                self.ids.append(value)


def links_and_ids(page: str) -> tuple[set[str], list[str]]:
    parser = Links()
    parser.feed(page)
    return parser.links, parser.ids


def test_a_name_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", "--only", "nobody", "--cases", "1.1.1"]) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: there is no testee 'nobody': choose from aiohttp, autobahn, beast, ")
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [("dependencies = [", "cannot be read"), ("dependencies = 'x==1'", "not a list of packages")],
)
def test_metadata_that_cannot_be_read_is_one_line(tmp_path: Path, metadata: str, problem: str) -> None:
    testees = write_testees(tmp_path / "testees", bad_server=f"# /// script\n# {metadata}\n# ///\n")
    with pytest.raises(CommandError, match=problem) as caught:
        implementations([testees])
    assert str(testees / "bad_server.py") in str(caught.value)


def test_every_implementation_pins_what_it_needs() -> None:
    known = {found.name: found for found in implementations()}
    assert len(known) >= 25
    assert {found.language for found in known.values()} >= {"C", "C++", "Go", "JavaScript", "Perl", "Python"}
    for implementation in known.values():
        for file in implementation.files.values():
            assert file.packages or file.npm or file.debian or file.needs
            assert all(
                re.fullmatch(r"[a-z0-9-]+==[\d.]+", package) for package in (*file.packages, *file.npm)
            )
    assert title_of(known["uvicorn"]) == "uvicorn 0.54.0 (wsproto 1.3.2)"
    assert title_of(known["ws"]).startswith("ws ")
    assert set(known["uvicorn"].files) == {Setup("server")}
    assert set(known["hypercorn"].files) == {Setup("server", transport=name) for name in TRANSPORTS}
    assert set(known["ws"].files) == {Setup("server"), Setup("client"), Setup("server", transport="h2")}
    assert len({implementation.name for implementation in implementations(transports=["h2", "h3"])}) > 10


def test_a_signal_ends_the_matrix_and_every_child(tmp_path: Path) -> None:
    children = interrupt(tmp_path, ["6.4"], "1 implementation: ")
    assert all_end(children)
    assert not (tmp_path / "matrix.html").exists(), "nothing had been played"


def test_a_matrix_that_is_interrupted_has_a_page_of_what_was_played(tmp_path: Path) -> None:
    children = interrupt(tmp_path, ["X.1.1", "X.2", "X.6"], " as server in ")
    assert all_end(children)
    content = json.loads((tmp_path / "matrix.json").read_text())
    assert content["stopped"] == "interrupted by SIGINT, all children have ended"
    (row,) = content["implementations"]
    assert row["roles"]["server"]["cases"]["X.1.1"]["behavior"] == "OK"
    assert row["roles"]["server"]["error"] == ""
    assert row["roles"]["client"]["error"].endswith(" cases were not run")
    assert "<b>Partial run</b>: interrupted by SIGINT, all" in (tmp_path / "matrix.html").read_text()


def interrupt(folder: Path, cases: Sequence[str], line: str) -> set[int]:
    """Interrupt the matrix of this library after a line with this text; return its children."""
    command = [sys.executable, "-m", "harness", "matrix", "--again", "--only", "library", "--cases", *cases]
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        [*command, "--report", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while line not in (read := process.stdout.readline()):
            assert read
        children: set[int] = set()
        while len(children) < 2:
            children |= children_of(process.pid)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert errors == "error: interrupted by SIGINT, all children have ended\n"
    return children


def test_a_wire_log_as_lines() -> None:
    log = [
        ["TO", [3, "810161"], False],
        ["TF", [1, "a"], 1, False, 0, None, None, None, False],
        ["RF", [0, ""], 3, True, 4, False, None],
        *[["RF", [1, "x"], 9, True, 0, False, None]] * 30,
    ]
    lines = frames_of({"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000, "wirelog": log})
    assert lines[:2] == [
        "suite   text, not the last, 1 bytes: a",
        "testee  reserved 0x3, reserved bits, 0 bytes",
    ]
    assert lines[-1] == "and 8 more"


def test_the_page_says_what_it_is_about(tmp_path: Path) -> None:
    testees = write_testees(tmp_path / "testees")
    outcome, _, _ = run_matrix(tmp_path, testees, cases=["X.1.15"])
    assert outcome == ExitCode.GOOD
    page = (tmp_path / "matrix.html").read_text()
    assert "A key that is not base64" in page
    assert "Opening request" in page
    assert "profile fast, cases X.1.15," in page
    assert "By requirement, as server" in page
    assert "R6455-4.2.1" in page
    assert "As client" not in page
