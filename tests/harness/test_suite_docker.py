"""The engine docker where there is no Docker, or one that does not give what is asked of it."""

from __future__ import annotations

import gc
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main
from harness.engines.docker import IMAGE, DockerSuite
from tooling.console import Output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = ["run", "--engine", "docker", "--role", "server", "--cases", "1.1.1"]


class Engine(BaseHTTPRequestHandler):
    """Answers as a Docker engine without an image."""

    protocol_version = "HTTP/1.1"  # for the chunks, one a message
    pulling: tuple[dict[str, Any], ...] = ()

    def address_string(self) -> str:
        return "a Unix socket has none"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base class
        pass

    def do_GET(self) -> None:
        if self.path.endswith("/version"):
            self._answer(200, {"Version": "99.1", "ApiVersion": "1.41"})
        else:
            self._answer(404, {"message": f"No such image: {IMAGE}"})

    def do_POST(self) -> None:
        self._answer(200, *self.pulling)

    def _answer(self, status: int, *messages: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        for text in (*(json.dumps(message) + "\r\n" for message in messages), ""):
            self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with ThreadingUnixStreamServer(str(path), Engine) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def error_of(capsys: pytest.CaptureFixture[str], code: int) -> str:
    assert main(RUN) == code
    errors = capsys.readouterr().err
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    return errors


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # a socket of the SDK's that did not connect
def test_no_engine_is_exit_3_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert "no Docker engine answers (start it, or set DOCKER_HOST" in error_of(capsys, 3)
    gc.collect()


def test_an_address_that_is_none_is_exit_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ftp://somewhere")
    assert "ftp://somewhere" in error_of(capsys, 3)


def test_a_missing_sdk_is_exit_3_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "harness.engines.docker")
    monkeypatch.setitem(sys.modules, "docker", None)
    assert "docker is not installed: python -m pip install 'docker" in error_of(capsys, 3)


@pytest.mark.usefixtures("engine")
def test_an_image_that_cannot_be_pulled_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    why = "Get https://registry.example/v2/: connection refused"
    monkeypatch.setattr(Engine, "pulling", ({"status": "Pulling"}, {"error": why}))
    errors = error_of(capsys, 2)
    assert f"the image {IMAGE} is not here and cannot be pulled: {why}" in errors


@pytest.mark.usefixtures("engine")
def test_a_missing_image_is_pulled_and_that_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = {"id": "beef", "progressDetail": {"current": 5, "total": 9}, "status": "Downloading"}
    monkeypatch.setattr(Engine, "pulling", (layer, {"id": "beef", "status": "Pull complete"}))
    assert DockerSuite(Output()).version() == f"{IMAGE} in Docker 99.1"
    assert capsys.readouterr().out == f"pulling {IMAGE}\nbeef: pull complete\n"
