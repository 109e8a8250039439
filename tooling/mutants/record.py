"""Which functions' mutants were all tried, and are in order: tests/mutants/functions.csv, which is committed.

A row has a function, and a hash of its text as it was then.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tooling.mutants.source import MODULES, Function, functions_of
from tooling.mutants.survivors import FOLDER, rows
from tooling.written import write_text

if TYPE_CHECKING:
    from pathlib import Path


class Record:
    """The file in a folder, and the functions that there are now."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._file = folder / "functions.csv"
        self._tried = {row["function"]: row["content"] for row in rows(self._file)}
        self.functions: list[Function] = [each for module in MODULES for each in functions_of(module)]

    def changed(self) -> list[Function]:
        """Return the functions that are not as they were when their mutants were tried."""
        return [each for each in self.functions if self._tried.get(each.name) != each.content]

    def keep(self, function: Function, *, in_order: bool) -> None:
        """Write down at once whether a function is in order; forget those that are no more."""
        self._tried[function.name] = function.content if in_order else ""
        now = {each.name: self._tried.get(each.name) for each in self.functions}
        table = [
            ("function", "content"),
            *((name, content) for name, content in sorted(now.items()) if content),
        ]
        output = io.StringIO()
        csv.writer(output, lineterminator="\n").writerows(table)
        write_text(self._file, output.getvalue())
