"""Compares a run with the one before it, verdict by verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.case_texts import visible
from harness.report.tree import cells_of

if TYPE_CHECKING:
    from harness.report.tree import Cell
    from harness.results import Results


@dataclass
class Since:
    """What changed since the previous run."""

    about: str
    changes: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    """Case, setup, what became of it (`broken`, `fixed`, `changed`), the verdict before, the verdict now."""
    added: int = 0
    removed: int = 0

    @property
    def counts(self) -> str:
        """Say it in a line."""
        kinds = [change[2] for change in self.changes]
        parts = [f"{kinds.count(kind)} {kind}" for kind in ("broken", "fixed", "changed") if kind in kinds]
        parts += [
            f"{number} {word}" for number, word in ((self.added, "new"), (self.removed, "not run")) if number
        ]
        return ", ".join(parts) or "no verdict has changed"


def since(results: Results, previous: Results) -> Since:
    """Compare a run with the previous one."""
    about = [previous["started"], previous["library"], previous["commit"], previous["profile"]]
    found = Since(" · ".join(visible(text) for text in about if text))
    for setup, now in results["setups"].items():
        before = previous["setups"].get(setup)
        cells, old = cells_of(setup, now), cells_of(setup, before) if before else {}
        found.added += len(cells.keys() - old.keys())
        found.removed += len(old.keys() - cells.keys())
        for case, cell in cells.items():
            was = old.get(case)
            if was is None:
                continue
            if (was.difference is None) != (cell.difference is None):
                kind = "broken" if cell.difference else "fixed"
            elif was.verdict != cell.verdict:
                kind = "changed"
            else:
                continue
            found.changes.append((case, setup, kind, _verdict(was), _verdict(cell)))
    return found


def _verdict(cell: Cell) -> str:
    return f"{cell.verdict}, slow" if cell.difference and cell.difference["kind"] == "slow" else cell.verdict
