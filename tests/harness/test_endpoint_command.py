"""`--command` starts a server, supervises it, and starts it again."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main
from harness.endpoints import endpoint, runner
from tests.harness.endpoint_servers import call, served
from tests.harness.processes import all_end, descendants_of
from tests.harness.recorder import Recorder
from tests.harness.serving import TIMEOUT
from tests.harness.test_cli import error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = f"""
import asyncio, os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.harness.recorder import Recorder

port, trigger, deed = int(sys.argv[1]), sys.argv[2], sys.argv[3]

class Faulty(Recorder):
    async def __call__(self, reader, writer):
        try:
            await super().__call__(Watched(reader), writer)
        except (OSError, EOFError, ValueError):  # whoever has left, or is no WebSocket client
            writer.close()

class Watched:
    "Reads, and does the deed where the bytes hold the trigger."
    def __init__(self, reader):
        self.reader = reader

    async def readuntil(self, end):
        head = await self.reader.readuntil(end)
        self.check(head)
        return head

    async def read(self, size):
        return await self.reader.read(size)

    def check(self, data):
        if trigger.encode() in data:
            print("the deed:", deed, file=sys.stderr, flush=True)
            if deed == "crash":
                os._exit(7)
            if deed == "abort":
                os.abort()
            if deed == "hang":
                signal.pause()

async def main():
    server = await asyncio.start_server(Faulty("faulty/3"), "127.0.0.1", port)
    if deed == "talk":
        print("Listening on ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
        print("x" * 2**20, flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "server.py"
    path.write_text(PROGRAM)
    return path


def command_of(program: Path, trigger: str = "nothing", deed: str = "nothing", port: str = "{port}") -> str:
    return shlex.join([sys.executable, str(program), port, trigger, deed])


def results(found: Mapping[str, Any]) -> dict[str, str]:
    return {case: report["result"] for case, report in found["setups"]["server"]["cases"].items()}


def test_a_server_is_started_at_a_free_port(
    program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = command_of(program)
    code, found = call(tmp_path, "--command", command, "--cases", "1.1.1", "X.4.1")
    out = capsys.readouterr().out
    assert code == 0, out
    assert found["library"] == "faulty/3"
    assert "faulty/3 at ws://127.0.0.1:" in out
    assert found["setups"]["server"]["cpuTime"]["testee"] > 0
    assert not (tmp_path / "server.log").exists(), "it has said nothing"


def test_the_url_may_have_the_port_in_it(program: Path, tmp_path: Path) -> None:
    url = "ws://localhost:{port}/chat"
    code, found = call(tmp_path, url, "--command", command_of(program), "--cases", "X.4.1", "X.3.1")
    assert code == 1
    repeat = found["setups"]["server"]["differences"][0]["repeat"]
    words = shlex.split(repeat)
    assert words[4] == url
    assert main(words[3:]) == 1, "the command repeats it"


def test_a_server_may_say_itself_where_it_listens(program: Path, tmp_path: Path) -> None:
    """As a testee of the matrix does; it takes any port. What it prints besides does not block it."""
    code, found = call(
        tmp_path, "--command", command_of(program, deed="talk", port="0"), "--cases", "1.1.1", "X.4.1"
    )
    assert code == 0
    assert found["library"] == "faulty/3"


def test_the_testees_of_the_matrix_are_such_servers(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-m", "harness.testee", "serve", "--port", "0"])
    code, found = call(tmp_path, "--command", command, "--cases", "1.1.1", "X.10.9")
    assert code == 0
    assert found["library"].startswith("wsproto/")


@pytest.mark.parametrize("jobs", ["1", "4"])
@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("crash", "ended with exit code 7."),
        ("abort", "was killed by SIGABRT."),
        ("hang", "not answered within"),
    ],
)
def test_a_server_that_dies_fails_the_case_and_is_started_again(
    program: Path, tmp_path: Path, deed: str, said: str, jobs: str
) -> None:
    """Only one case has a subprotocol, whichever others are under way with it."""
    cases = ["X.1.1", "X.1.2", "X.1.10", "X.1.3", "X.4.1", "X.4.2"]
    options = ["--command", command_of(program, "x-nobody-knows", deed), "--jobs", jobs, "--timeout", "2.5"]
    code, found = call(tmp_path, *options, "--cases", *cases)
    assert code == 1
    assert found["complete"]
    assert list(results(found)) == sorted(cases, key=lambda name: [int(part) for part in name.split(".")[1:]])
    (difference,) = found["setups"]["server"]["differences"]
    guilty = found["setups"]["server"]["cases"][difference["case"]]
    assert said in guilty["result"]
    assert guilty["log"] == f"the deed: {deed}"


def test_a_server_that_always_dies_is_given_up(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MOST_DEATHS", 3)
    options = ["--command", command_of(program, "permessage-deflate", "crash"), "--jobs", "1"]
    code, found = call(tmp_path, *options, "--cases", "X.5")
    assert code == 1
    assert not found["complete"]
    assert found["stopped"] == "the server died 3 times in a row"
    assert [difference["case"] for difference in found["setups"]["server"]["differences"]] == [
        "X.5.1",
        "X.5.2",
        "X.5.3",
    ]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([sys.executable, "-c", "import sys; sys.exit('no {port} for me')"], "no "),
        ([sys.executable, "-c", "raise SystemExit(3)", "{port}"], "ended with exit code 3"),
        (
            [sys.executable, "-c", "import time; time.sleep(60)", "{port}"],
            "did not listen on ws://127.0.0.1:",
        ),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "Listening on ws://HOST:PORT"),
    ],
)
def test_a_server_that_does_not_start_is_one_line(
    tmp_path: Path,
    command: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoint, "START", 1.0)
    line = error_of(["test", "--command", shlex.join(command), "--report", str(tmp_path)], capsys)
    assert said in line


def test_a_port_that_is_taken_is_not_the_servers(
    program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(Recorder()) as port:
        url = f"ws://127.0.0.1:{port}/"
        line = error_of(
            ["test", url, "--command", command_of(program, port=str(port)), "--report", str(tmp_path)], capsys
        )
    assert f"{url}: something listens there already" in line


def test_a_command_without_a_port_needs_none(program: Path, tmp_path: Path) -> None:
    with served(Recorder()) as port:
        free = port  # which is free as soon as this server has ended
    code, _ = call(
        tmp_path,
        f"ws://127.0.0.1:{free}/",
        "--command",
        command_of(program, port=str(free)),
        "--cases",
        "1.1.1",
    )
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_as_well(program: Path, tmp_path: Path, number: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "harness",
        "test",
        "--command",
        command_of(program),
        "--cases",
        "6.4",
        "X.4",
    ]
    with subprocess.Popen(  # noqa: S603  # this very interpreter
        [*command, "--jobs", "1", "--report", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while "server: case" not in (line := process.stdout.readline()):
            assert line, process.communicate()[1]
        children = set(descendants_of(process.pid))
        assert len(children) >= 2, "the server and the engine"
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert errors == f"error: interrupted by {number.name}, all children have ended\n"
    assert all_end(children)
