from __future__ import annotations

import io

import pytest  # noqa: TC002 - pytest reads the annotations of its tests
from rich.console import Console

from harness.cases import select
from harness.progress import progress

CASES = select("full", ["1.1", "12.1"])


def shown(*, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with progress(console, {"server": CASES, "client": CASES}) as told:
        for case in CASES:
            told.begun("server", case)
        told.finished("server")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_each_section_is_a_plain_line() -> None:
    assert shown(terminal=False).splitlines() == [
        "server: case 1.1.1 (1 of 26), section 1, Framing",
        "server: case 12.1.1 (9 of 26), section 12, Compression (different payloads)",
        "server: all 26 cases have run",
    ]


def test_on_a_terminal_each_role_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out = shown(terminal=True)
    assert "26 of 26" in out
    assert "0 of 26" in out
    assert "starting" in out
    assert "\x1b[3" in out


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[3" not in shown(terminal=True)
