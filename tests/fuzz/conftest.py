from __future__ import annotations

import pytest

from fuzz import campaign, fuzzer


@pytest.fixture
def without_atheris(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let targets run that do without it, and measure no baseline for long."""
    monkeypatch.setattr(campaign, "require_atheris", lambda: None)
    monkeypatch.setattr(fuzzer, "BASELINE_TIME", 0.05)
