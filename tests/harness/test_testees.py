"""The contract of a testee: this library's commands keep to it, and `testees/contract.py` does."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness.engines.extra import ExtraSuite
from harness.engines.suite import Ended, Listening
from harness.matrix.implementations import FOLDER
from harness.testee.commands import library
from tests.harness.serving import TIMEOUT
from tests.harness.test_extra_verdicts import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SERVERS = {
    "library": list(library().server),
    "websockets": [sys.executable, str(FOLDER / "websockets_server.py")],
}
CLIENTS = {
    "library": list(library().client),
    "websockets": [sys.executable, str(FOLDER / "websockets_client.py")],
}
"""websockets is installed beside the tests."""

LIMIT = ["--max-message-size", str(2**20)]
CASES = ["X.3.14", "X.7.1", "X.9.1", "X.9.3"]

servers = pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS)
clients = pytest.mark.parametrize("command", CLIENTS.values(), ids=CLIENTS)


@contextmanager
def started(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    found = re.fullmatch(r"Listening on (ws://127\.0\.0\.1:\d+)\n", process.stdout.readline())
    assert found is not None
    return found[1]


@servers
def test_a_server_keeps_to_the_contract(command: list[str]) -> None:
    async def play(url: str) -> dict[str, Any]:
        steps = ExtraSuite("testee").fuzz_server(url, CASES, NOWHERE)
        return {step.case: step.report async for step in steps if isinstance(step, Ended)}

    with started([*command, "--port", "0", *LIMIT]) as process:
        reports = asyncio.run(play(url_of(process)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
    assert {case: report["behavior"] for case, report in reports.items()} == dict.fromkeys(CASES, "OK")
    assert reports["X.9.3"]["remoteCloseCode"] == 1009


@clients
def test_a_client_keeps_to_the_contract(command: list[str]) -> None:
    async def play() -> tuple[dict[str, Any], bytes, int | None]:
        reports: dict[str, Any] = {}
        client = None
        async for step in ExtraSuite("testee").fuzz_client(CASES, NOWHERE):
            if isinstance(step, Listening):
                client = await asyncio.create_subprocess_exec(
                    *command,
                    step.url,
                    "--agent",
                    "me & you",
                    *LIMIT,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
            elif isinstance(step, Ended):
                reports[step.case] = step.report
        assert client is not None
        assert client.stdout is not None
        output = await asyncio.wait_for(client.stdout.read(), TIMEOUT)  # not communicate(): it ends the input
        return reports, output, await asyncio.wait_for(client.wait(), TIMEOUT)

    reports, output, code = asyncio.run(play())
    assert code == 0
    assert [line for line in output.decode().splitlines() if line.startswith("case ")] == [
        f"case {number} of {len(CASES)}" for number in range(1, len(CASES) + 1)
    ]
    assert {case: report["behavior"] for case, report in reports.items()} == dict.fromkeys(CASES, "OK")
    assert {report["agent"] for report in reports.values()} == {"me & you"}
    assert reports["X.9.3"]["remoteCloseCode"] == 1009


async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await reader.read()
    writer.transport.abort()


@pytest.mark.parametrize("command", ["serve", "drive"])
def test_a_limit_below_nothing_is_one_line(command: str) -> None:
    url = ["ws://127.0.0.1:1"] if command == "drive" else []
    found = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-m", "harness", command, *url, "--max-message-size", "-1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2
    assert found.stderr.startswith("error: Invalid value for '--max-message-size': -1 is not in the range")
    assert found.stderr.count("\n") == 1
