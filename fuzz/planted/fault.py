"""A fault: a piece of the library's text, and the text that replaces it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tooling.errors import CommandError

_ROWS: Final = r"(?:R\d{4}-|-\d{2})[-R\d., ]*"

SOURCE: Final = Path(__file__).parents[2] / "src"
"""The folder that holds the package `wsproto`."""

LEFT_OUT: Final = shutil.ignore_patterns("*.egg-info", "*.so", "*.pyd", "*.pyc.*")
"""What copies leave out: the compiled core, since the faults are in Python, and bytecode under way.

Bytecode that is there fits the copies as well."""


@dataclass(frozen=True)
class Fault:
    """One fault; its text stands exactly once in its file."""

    name: str
    """The fault in words."""
    section: str
    """The section of an RFC, or the promise of this library, that it breaks."""
    file: str
    """A module of `src/wsproto`."""
    before: str
    after: str

    def planted(self) -> str:
        """Return the text of its file with the fault in it.

        :raises CommandError: where the file is gone, or has the text not at all or several times; the error
            names the files that have it.
        """
        texts = {file.name: text_of(file) for file in sorted((SOURCE / "wsproto").glob("*.py"))}
        text = texts.get(self.file, "")
        count = text.count(self.before)
        if count == 1:
            return text.replace(self.before, self.after)
        wrong = f"has its text {count} times, not once" if text else "does not exist"
        elsewhere = [name for name, other in texts.items() if name != self.file and self.before in other]
        raise CommandError(
            f"the fault {self.name!r} has to be written anew: src/wsproto/{self.file} {wrong}"
            f" ({', '.join(elsewhere) or 'no other file'} has it): {self.before!r}"
        )


def text_of(file: Path) -> str:
    """Return the text of a module without the comments that name rows of `tests/requirements.csv`."""
    text = file.read_text("utf-8")
    return re.sub(rf"(?m)^ *# {_ROWS}\n|  # {_ROWS}$", "", text)


def plant(fault: Fault | None, folder: Path) -> Path:
    """Copy the library into `folder`, with the fault in it if there is one.

    :param folder: is made where it does not exist; it must hold no `src` yet.
    :returns: the folder to import the copy from, by `PYTHONPATH`: `src` in `folder`.
    :raises CommandError: where the fault has to be written anew.
    """
    copy = folder / "src"
    shutil.copytree(SOURCE, copy, ignore=LEFT_OUT)
    if fault is not None:
        file = copy / "wsproto" / fault.file
        for bytecode in file.parent.glob(f"__pycache__/{file.stem}.*"):
            bytecode.unlink()
        file.write_text(fault.planted(), "utf-8")
    return copy
