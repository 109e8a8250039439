"""What goes wrong is one line, and leaves no process behind."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from bench.end_to_end import cli, load
from bench.end_to_end.load import Scenario, connected
from bench.end_to_end.peers import LIBRARY, ROOT, Peer
from bench.end_to_end.server_process import serving
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 20.0
SCENARIO = Scenario(size=32, connections=1, in_flight=4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "tornado"], "'tornado' is not one of"),
        (["--fast"], "No such option"),
        (["more"], "unexpected extra argument"),
        (["--json", "/dev/null/a.json"], "/dev/null"),
        (["--html", "/"], "is a directory"),
        (["--docs", "pyproject.toml"], "is a file"),
    ],
)
def test_a_wrong_call_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert cli.main(arguments) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert said in errors


def test_a_server_that_ends_is_named_with_its_last_word() -> None:
    peer = Peer("broken", "", ("no_such_module",))
    with (
        pytest.raises(CommandError, match=r"the server broken did not say that it listens: .*no_such_module"),
        serving(peer),
    ):
        pytest.fail("it does not exist")


class Double:
    """Takes the place of a server's process: an echo in a thread, with a change to what it sends."""

    peer = Peer("double", "", ())

    def __init__(self, change: Callable[[bytes], bytes], headers: bytes = b"") -> None:
        self._change = change
        self._headers = headers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def failure(self, what: str) -> CommandError:
        return CommandError(f"the server double {what}")

    def end(self) -> None:
        self._thread.join(TIMEOUT)
        self._listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        # A load generator that gave up resets the connection.
        with suppress(ConnectionError), connection, connection.makefile("rb") as received:
            request = connection.recv(2**16)
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
            assert key is not None
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + load.accept_of(key[1]) + b"\r\n" + self._headers + b"\r\n"
            )
            while len(head := received.read(6)) == 6:
                masked = received.read(head[1] & 0x7F)
                payload = bytes(byte ^ head[2 + at % 4] for at, byte in enumerate(masked))
                echo = self._change(bytes([head[0], len(payload)]) + payload)
                if not echo:
                    return
                connection.sendall(echo)


def swapped(echo: bytes) -> bytes:
    return echo[:-1] + bytes([echo[-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "headers", "said"),
    [
        (swapped, b"", "sent another message 1 back than it had got"),
        (lambda echo: b"\x89\0" + echo, b"", "sent another message 1 back"),
        (lambda _: b"", b"", "ended a connection after 0 messages"),
        (bytes, b"Sec-WebSocket-Extensions: permessage-deflate\r\n", "negotiated an extension"),
    ],
    ids=["another byte", "a ping", "the end", "compression"],
)
def test_an_echo_that_is_wrong_is_noticed(
    change: Callable[[bytes], bytes], headers: bytes, said: str
) -> None:
    server: Any = Double(change, headers)
    try:
        with (
            pytest.raises(CommandError, match=f"the server double {said}"),
            connected(server, SCENARIO) as load,
        ):
            load.run(0.5)
    finally:
        server.end()


def test_an_honest_double_passes() -> None:
    """The one above is noticed for what was changed, not for being a double."""
    server: Any = Double(bytes)
    try:
        with connected(server, SCENARIO) as load:
            load.run(0.1)
            assert load.echoed > SCENARIO.in_flight
            load.close()
    finally:
        server.end()


def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "STALL_TIMEOUT", 0.3)
    waiting = threading.Event()

    def wait(echo: bytes) -> bytes:
        waiting.wait(TIMEOUT)
        return echo

    server: Any = Double(wait)
    try:
        with (
            pytest.raises(CommandError, match=r"sent nothing for 0\.3 s"),
            connected(server, SCENARIO) as silent,
        ):
            silent.run(0.5)
    finally:
        waiting.set()
        server.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_servers_end_with_the_measurement(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "bench.end_to_end", "--quick", "--only", LIBRARY.name]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stderr is not None
        while "round 1" not in (line := process.stderr.readline()):
            assert line, "it has ended"
        servers = psutil.Process(process.pid).children(recursive=True)
        assert servers
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert psutil.wait_procs(servers, TIMEOUT)[1] == []
    if number is signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 2
        assert errors.splitlines()[-1] == "error: interrupted"
        assert "Traceback" not in errors
