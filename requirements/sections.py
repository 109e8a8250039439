"""The sections that the RFCs have: `sections.csv`, made from their texts."""

from __future__ import annotations

import csv
import re
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Final

from tooling.errors import CommandError
from tooling.written import write_text

FILE: Final = Path(__file__).with_name("sections.csv")

# At the beginning of a line, or indented throughout a text.
_HEADINGS = [
    re.compile(rf"^{indent}(\d+(?:\.\d+)*)\. {{1,2}}(\S.*)$", re.MULTILINE) for indent in ("", " {3}")
]


@cache
def sections() -> dict[str, dict[str, str]]:
    """Return the titles of the sections of each RFC: `sections()["RFC 6455"]["5.4"]`."""
    found: dict[str, dict[str, str]] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["rfc"], {})[row["section"]] = row["title"]
    return found


def sections_in(text: str) -> dict[str, str]:
    """Return the titles of the sections of an RFC, by number, from its text.

    A heading goes on from the heading before it. Where headings begin their lines, what is indented is
    an item of a list.
    """
    found: dict[str, str] = {}
    for number, title in _HEADINGS[0].findall(text) or _HEADINGS[1].findall(text):
        parent, _, place = number.rpartition(".")
        before = f"{parent}.{int(place) - 1}".lstrip(".")
        if number not in found and (not parent or parent in found) and (place == "1" or before in found):
            found[number] = title.strip()
    return found


def write_sections(folder: Path) -> int:
    """Write `sections.csv` from the texts `rfcNNNN.txt` in a folder, and return how many sections there are.

    :raises CommandError: where there is no such text.
    """
    texts = sorted(folder.glob("rfc[0-9]*.txt"))
    if not texts:
        raise CommandError(f"{folder} has no texts of RFCs (rfc6455.txt, ...)")
    output = StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(["rfc", "section", "title"])
    rows = [
        (f"RFC {text.stem[3:]}", number, title)
        for text in texts
        for number, title in sections_in(text.read_text(encoding="utf-8")).items()
    ]
    writer.writerows(rows)
    write_text(FILE, output.getvalue())
    return len(rows)
