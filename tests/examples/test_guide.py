"""The snippets of the guide's chapters about programs do what the text says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import wsproto
from tests.examples.running import ACCEPT_OF_REQUEST, REQUEST
from wsproto import events, extensions, utilities

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")


class Socket:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data


def run_snippet(heading: str, data: bytes) -> bytes:
    """Run the first snippet under `heading` for a server that has received `data`; return what it sends."""
    chapter = GUIDE.split(f"## {heading}\n")[1].split("\n## ")[0]
    snippet = re.search(r"```python\n(.*?)```", chapter, re.DOTALL)
    assert snippet
    sock = Socket()
    names = {
        **vars(wsproto),
        **vars(events),
        **vars(extensions),
        **vars(utilities),
        "replace": replace,
        "sock": sock,
        "data": data,
    }
    exec(snippet[1], names)  # noqa: S102
    return sock.sent


def test_a_server_accepts() -> None:
    request = REQUEST[:-2] + b"Sec-WebSocket-Protocol: chat\r\n\r\n"
    assert ACCEPT_OF_REQUEST in run_snippet("A server", request)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (REQUEST.replace(b"/chat", b"/elsewhere"), b"404"),
        (REQUEST.replace(b"GET", b"PUT"), b"400"),
        (REQUEST.replace(b"Version: 13", b"Version: 8"), b"426"),
    ],
)
def test_a_refusal_ends_the_connection(request_: bytes, status: bytes) -> None:
    sent = run_snippet("Refusing a client", request_)
    assert sent.startswith(b"HTTP/1.1 " + status)
    assert sent.endswith(b"\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in sent
    assert (b"\r\nConnection: Upgrade\r\n" in sent) == (status == b"426")


def test_a_request_that_is_welcome_is_not_refused() -> None:
    assert run_snippet("Refusing a client", REQUEST) == b""


def test_every_program_that_the_guide_names_is_there() -> None:
    named = set(re.findall(r"examples/(\w+\.py)", GUIDE))
    assert "permessage_bzip2.py" in named
    programs = {path.name for path in Path(__file__).resolve().parents[2].glob("examples/*.py")}
    assert named <= programs
