"""Titles and descriptions of the cases: the suite's own, as plain text."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from harness.extra import EXTRA
from harness.streams import STREAMS
from tooling.errors import CommandError, MissingError

_OWN = {name: case.title for name, case in EXTRA.items()} | {
    name: case.title for name, case in STREAMS.items()
}
"""The titles of the harness's own cases."""

MAX_TITLE = 110
"""Characters of a title."""

DESCRIBE = """
import sys
sys.path[:] = filter(None, sys.path)  # not the current folder, which is anybody's
import json, kosoku.cases
print(json.dumps({case: kind.DESCRIPTION for case, kind in kosoku.cases.CASES.items()}))
"""
"""A program of its own, since kosoku puts Autobahn's modules on the import path."""


def visible(text: str, *, keep: str = "") -> str:
    r"""Escape the characters that do not show, as `\n`, `\x00`, `\u202e`, except those to `keep`.

    Bytes from the wire may hold anything. The result is valid in UTF-8, HTML and XML, and is unambiguous.
    """
    if text.isprintable() or text.translate(dict.fromkeys(map(ord, keep))).isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def plain(text: str) -> str:
    """Turn a description by Autobahn, which has `<br>`, `<b>` and with kosoku `b'hex'`, into plain text."""
    text = re.sub(r"<br */?>", "\n", text)
    text = re.sub(r"</?b>", "", text)
    text = re.sub(r"\b(0x)?b'([0-9a-f]*)'", r"\1\2", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return visible("\n".join(line for line in lines if line), keep="\n")


def title_of(description: str) -> str:
    """Return the description in one line of at most `MAX_TITLE` characters."""
    title = plain(description).replace("\n", " ")
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1].rstrip()}…"


def read_titles() -> dict[str, str]:
    """Read the title of every case; raises `MissingError` where the suite is not installed."""
    titles = {case: title_of(description) for case, description in _described().items()}
    return {**titles, **_OWN}


def read_descriptions() -> dict[str, str]:
    """Read the description of every case, as plain text; raises `MissingError` likewise."""
    texts = {case: plain(description) for case, description in _described().items()}
    return {**texts, **{name: f"{title}." for name, title in _OWN.items()}}


def _described() -> dict[str, str]:
    command = [sys.executable, "-c", DESCRIBE]
    found = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if found.returncode:
        last = (found.stderr.strip().splitlines() or ["it says nothing"])[-1]
        if "No module named 'kosoku'" in last:
            raise MissingError("kosoku is not installed: python -m pip install 'kosoku>=0.1,<0.2'")
        raise CommandError(f"the suite does not describe its cases: {last}")
    described: dict[str, str] = json.loads(found.stdout)
    return described
