"""A fault: a piece of the library's text, and what it is replaced by."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tooling.errors import CommandError

SOURCE: Final = Path(__file__).parents[2] / "src"
"""The folder that holds the package `wsproto`."""


@dataclass(frozen=True)
class Fault:
    """One fault; its text stands exactly once in its file."""

    name: str
    """What is wrong then, in words."""
    section: str
    """The section of an RFC, or the promise of this library, that it breaks."""
    file: str
    """A module of `src/wsproto`."""
    before: str
    after: str

    def applied(self, text: str) -> str:
        """Return the text of the file with the fault in it; raises `CommandError` if it is not as it was."""
        count = text.count(self.before)
        if count != 1:
            raise CommandError(
                f"the fault {self.name!r} has to be written anew: src/wsproto/{self.file} has its text"
                f" {count} times, not once: {self.before!r}"
            )
        return text.replace(self.before, self.after)


def plant(fault: Fault | None, folder: Path) -> tuple[Path, Path]:
    """Copy the library into `folder`, with the fault in it if there is one.

    :returns: what to import it from, and a folder to work in.
    """
    copy, work = folder / "src", folder / "work"
    work.mkdir()
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    if fault is not None:
        file = copy / "wsproto" / fault.file
        file.write_text(fault.applied(file.read_text("utf-8")), "utf-8")
    return copy, work
