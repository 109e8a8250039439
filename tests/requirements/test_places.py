"""Citations in a source, and the statement of Python that each is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requirements.places import citations, citations_in

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '''\
"""A module (RFC 6455 5)."""

LIMIT = 125  # R6455-5.5-01
TABLE = [
    (1, 2),
    (3, 4),  # R6455-7.1.3-01, R6455-7.4-01, -02
]


class Reader:
    """It reads (RFC 6455 6.2, 7.1.7)."""

    def judge(self, length):
        """Judge a length."""
        if length >> 63:
            raise ValueError("its most significant bit is set (RFC 6455 5.2)")
        # R6455-5.2-06
        # is what follows
        if length < 126:
            self.short = True
            raise ValueError("RFC 6455 5.4")
        return length, 16 + 1, "RFC 6455 4.1, 16 bytes"
'''


def found(folder: Path) -> list[tuple[str, int, str, bool]]:
    file = folder / "reader.py"
    file.write_text(SOURCE, encoding="utf-8")
    return [
        (one.cited, one.place.line, one.place.function, one.place.is_definition) for one in citations_in(file)
    ]


def test_each_citation_has_its_place(tmp_path: Path) -> None:
    assert found(tmp_path) == [
        ("RFC 6455 5", 1, "", True),
        ("R6455-5.5-01", 3, "", False),
        ("R6455-7.1.3-01", 6, "", False),
        ("R6455-7.4-01", 6, "", False),
        ("R6455-7.4-02", 6, "", False),
        ("RFC 6455 6.2", 10, "Reader", True),
        ("RFC 6455 7.1.7", 10, "Reader", True),
        ("RFC 6455 5.2", 15, "Reader.judge", False),  # the `if`, which does nothing but raise
        ("R6455-5.2-06", 19, "Reader.judge", False),  # what follows a comment
        ("RFC 6455 5.4", 21, "Reader.judge", False),
        ("RFC 6455 4.1", 22, "Reader.judge", False),  # 16 is no section
    ]


def test_the_library_is_read() -> None:
    (place,) = citations()["R6455-4.1-29"]
    assert (place.file.name, place.function) == ("utilities.py", "generate_nonce")
