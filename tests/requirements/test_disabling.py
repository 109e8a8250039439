"""The ways to disable a statement of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from requirements.disabling import ways_to_disable
from requirements.places import citations_in

if TYPE_CHECKING:
    from pathlib import Path


def ways(folder: Path, source: str) -> list[str]:
    file = folder / "module.py"
    file.write_text(source, encoding="utf-8")
    (citation,) = citations_in(file)
    return [text for _, text in ways_to_disable(citation.place)]


@pytest.mark.parametrize(
    ("source", "disabled"),
    [
        ("if a:  # R6455-5.1-02\n    raise E", ["if False:\n    raise E"]),
        ("if a:  # R6455-5.1-02\n    b = 1", ["if False:\n    b = 1", "if True:\n    b = 1"]),
        ("for a in b:  # R6455-5.1-02\n    c()", ["for a in ():\n    c()"]),
        ("a = b < c  # R6455-5.1-02", ["a = True", "a = False"]),
        ("a = b if c else d  # R6455-5.1-02", ["a = b if True else d", "a = b if False else d"]),
        ("a = 15  # R6455-5.1-02", ["a = 16", "a = 14"]),
        ("a = b'13'  # R6455-5.1-02", ["a = b'13X'"]),
        ("a = None  # R6455-5.1-02", ["a = True"]),
        ("a = b.c(d)  # R6455-5.1-02", ["a = b"]),
        ("a = b(c)  # R6455-5.1-02", ["a = c"]),
        ("a = b  # R6455-5.1-02", ["a = None"]),
        ("a = [b for b in c if b]  # R6455-5.1-02", ["a = [b for b in c]"]),
        ("a = [\n    b,\n    c,  # R6455-5.1-02\n]", ["a = [b]"]),
        ("a = f(\n    b=1,\n    c=2,  # R6455-5.1-02\n)", ["a = f(b=1)"]),
        ("a.b(c)  # R6455-5.1-02", ["pass"]),
        ("a += b  # R6455-5.1-02", ["pass"]),
        ("a.b = c(d)  # R6455-5.1-02", ["pass"]),
        ('def a(b, c):\n    """Do (RFC 6455 5)."""\n    return c', ["def a(b, c):\n    return b"]),
    ],
)
def test_a_statement_is_disabled(source: str, disabled: list[str], tmp_path: Path) -> None:
    assert ways(tmp_path, source) == disabled
