"""The command `test` over HTTP/2 and HTTP/3: the examples, a lax server, and who does not speak them."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.cli import main
from harness.endpoints.choice import choose, longest
from harness.transports.certificates import certificate
from tests.examples.running import EXAMPLES
from tests.examples.running import serving as running
from tests.harness import lax_streams
from tests.harness.endpoint_servers import call, served
from tests.harness.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from harness.transports.bridge import Files

CASES = ["1.1.1", "X.4.1", "H.2.6", "H.6.1"]


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    with certificate() as made:
        yield made


@contextmanager
def lax(behave: Any, settings: dict[int, int]) -> Iterator[str]:
    """Serve HTTP/2 in a thread, and give the URL."""
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    urls: list[str] = []
    ready = threading.Event()

    async def serve() -> None:
        async with lax_streams.serving("h2", None, behave, settings=settings) as url:
            urls.append(url.replace("http", "ws", 1))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    assert ready.wait(10)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def verdicts(results: dict[str, Any], transport: str) -> dict[str, str]:
    """The verdicts on behaviour."""
    found = results["setups"][f"server/{transport}"]["cases"]
    return {case: report["behavior"] for case, report in found.items()}


def test_a_server_by_prior_knowledge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running("http2_server.py") as server:
        url = f"ws://127.0.0.1:{server.port}/chat?x=1"
        header = ["--header", "X-Token: 1"]
        code, results = call(tmp_path, url, "--transport", "h2", *header, "--cases", *CASES)
    assert code == 0
    assert verdicts(results, "h2") == dict.fromkeys(CASES, "OK")
    requests = [case.get("httpRequest", "") for case in results["setups"]["server/h2"]["cases"].values()]
    assert sum("x-token: 1" in request and ":path: /chat?x=1" in request for request in requests) == 2
    assert "server/h2: 1 case of Autobahn and 3 extra ones in 0:0" in capsys.readouterr().out


@pytest.mark.parametrize(("transport", "program"), [("h2", "http2_server.py"), ("h3", "http3_server.py")])
def test_a_server_over_tls_that_a_command_starts(
    tmp_path: Path, files: Files, transport: str, program: str
) -> None:
    shown = f"--certificate {files.certificate} --key {files.key}"
    command = f"{sys.executable} {EXAMPLES / program} {shown} 127.0.0.1 {{port}}"
    options = ["--transport", transport, "--command", command]
    code, results = call(
        tmp_path, "wss://127.0.0.1:{port}/", *options, "--ca", str(files.authority), "--cases", *CASES
    )
    assert code == 0
    assert verdicts(results, transport) == dict.fromkeys(CASES, "OK")
    assert call(tmp_path, *options, "wss://127.0.0.1:{port}", "--insecure", "--cases", "H.6.1")[0] == 0


def test_a_lax_server_is_told_what_it_breaks_and_how_to_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lax(lax_streams.takes, {0x8: 1}) as url:
        code, results = call(
            tmp_path, url, "--transport", "h2", "--cases", "H.3.1", "X.3.1", "--timeout", "5"
        )
    assert code == 1
    assert verdicts(results, "h2") == {"X.3.1": "FAILED", "H.3.1": "FAILED"}
    printed = capsys.readouterr().out
    assert f"test {url} --transport h2" in printed
    assert "  rule     RFC 8441 4, " in printed


@pytest.mark.parametrize(
    ("scheme", "transport", "why"),
    [
        ("ws", "h2", "it does not speak HTTP/2: "),
        ("wss", "h2", "it does not speak HTTP/2: "),
        ("wss", "h3", "it does not speak HTTP/3: no SETTINGS came within 0.2 s"),
        ("ws", "h3", "is without TLS, which HTTP/3 always has: give wss://"),
    ],
)
def test_who_does_not_speak_it_is_one_line(
    scheme: str, transport: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(Recorder()) as port:
        url = f"{scheme}://127.0.0.1:{port}/"
        assert main(["test", url, "--transport", transport, "--timeout", "1", "--cases", "H.6.1"]) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert url in line
    assert why in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(("transport", "program"), [("h2", "http2_server.py"), ("h3", "http3_server.py")])
def test_a_certificate_that_nobody_trusts_is_one_line(
    transport: str, program: str, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(program, "--certificate", files.certificate, "--key", files.key) as server:
        url = f"wss://127.0.0.1:{server.port}/"
        assert main(["test", url, "--transport", transport, "--cases", "H.6.1"]) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"error: {url}: ")
    assert "unable to get local issuer certificate" in line
    assert line.endswith("(--ca FILE trusts its authority, --insecure any certificate)\n")


def test_who_does_not_allow_extended_connect_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with lax(lax_streams.takes, {}) as url:
        assert main(["test", url, "--transport", "h2", "--cases", "H.6.1"]) == 2
    said = "it speaks HTTP/2, but its first SETTINGS do not allow extended CONNECT (RFC 8441 3)"
    assert capsys.readouterr().err == f"error: {url}: {said}\n"


def test_what_was_found_is_repeated_over_http1_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--transport", "h2", "--case", str(tmp_path)]
    assert main(["test", "ws://127.0.0.1:1/", *options]) == 2
    assert capsys.readouterr().err == "error: --case is for HTTP/1.1: it has no --transport h2\n"


def test_the_cases_fit_the_transport_and_the_limit() -> None:
    assert choose("server", "full", ["H.6.1", "1.1.1", "X.3.1"], transport="h2").cases == [
        "1.1.1",
        "X.3.1",
        "H.6.1",
    ]
    assert "H.6.4" not in choose("server", "full", ["H.6"], transport="h3").cases
    assert longest("H.8.4") == 300_032
    assert "H.8.4" not in choose("server", "full", ["H.8"], transport="h2", limit=100_000).cases
