"""Compares verdicts with the baseline in `autobahn/expected/`: any difference counts, a better one too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.cases import CASES
from tooling.errors import CommandError
from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.results import CaseReport, DifferenceReport, VerdictFields
    from harness.roles import Role

EXPECTED = Path(__file__).resolve().parent.parent / "autobahn" / "expected"
"""The folder of `server.json` and `client.json`."""

BEST_FIRST = (
    "OK",
    "INFORMATIONAL",
    "NON-STRICT",
    "UNIMPLEMENTED",
    "WRONG CODE",
    "UNCLEAN",
    "FAILED BY CLIENT",
    "FAILED",
    "ERROR",
)
"""Every verdict of Autobahn and kosoku, of the behaviour and of the close behaviour."""

Kind = Literal["regression", "improvement", "change", "missing", "extra", "unrecorded", "slow"]
"""Worse; better; as good, with another close code; not run; not asked for; not in the baseline."""


@dataclass(frozen=True)
class Verdict:
    """The verdict of a case."""

    behavior: str
    behavior_close: str
    remote_close_code: int | None

    def __str__(self) -> str:
        return f"{self.behavior}, close {self.behavior_close}, code {self.remote_close_code or 'none'}"

    @property
    def ok(self) -> bool:
        """Whether both verdicts are OK."""
        return self.behavior == self.behavior_close == "OK"

    @property
    def ranks(self) -> tuple[int, int]:
        """Orders verdicts, the best first."""
        return rank(self.behavior), rank(self.behavior_close)

    def fields(self) -> VerdictFields:
        """Return the verdict under Autobahn's names."""
        return {
            "behavior": self.behavior,
            "behaviorClose": self.behavior_close,
            "remoteCloseCode": self.remote_close_code,
        }


def rank(name: str) -> int:
    """Return the place of a verdict, 0 for OK, the last for a name that Autobahn does not know."""
    return BEST_FIRST.index(name) if name in BEST_FIRST else len(BEST_FIRST)


@dataclass(frozen=True)
class Difference:
    """A case whose verdict is not that of the baseline."""

    role: Role
    case: str
    kind: Kind
    expected: Verdict | None
    actual: Verdict | None
    options: str = ""
    """Further options of `run` that repeat the case: those of the engine."""

    @property
    def repeat(self) -> str:
        """The command that runs this case again."""
        return f"python -m harness run{self.options} --role {self.role} --cases {self.case}"

    def report(self) -> DifferenceReport:
        """Return it in the shape of `results.json`."""
        return {
            "case": self.case,
            "kind": self.kind,
            "expected": self.expected.fields() if self.expected else None,
            "actual": self.actual.fields() if self.actual else None,
            "repeat": self.repeat,
        }


def verdict_of(report: Mapping[str, Any], where: str) -> Verdict:
    """Read the verdict of a case, which `where` names in the `CommandError` about another shape."""
    match report:
        case {
            "behavior": str(behavior),
            "behaviorClose": str(close),
            "remoteCloseCode": int() | None as code,
        }:
            return Verdict(behavior, close, code)
    raise CommandError(f"{where}: not a verdict (behavior, behaviorClose, remoteCloseCode): {report!r:.80}")


def verdicts_of(cases: Mapping[str, CaseReport], where: str) -> dict[str, Verdict]:
    """Read the verdicts of many cases."""
    return {case: verdict_of(report, f"{where}: case {case}") for case, report in cases.items()}


def judge(
    role: Role, asked: Iterable[str], expected: Mapping[str, Verdict], actual: Mapping[str, Verdict]
) -> list[Difference]:
    """List the differences in Autobahn's order, cases that nobody asked for last."""
    asked = list(asked)
    extra = [case for case in actual if case not in set(asked)]
    differences = []
    for case in [*asked, *extra]:
        before, now = expected.get(case), actual.get(case)
        kind = "extra" if case in extra else _kind(before, now)
        if kind is not None:
            differences.append(Difference(role, case, kind, before, now))
    return differences


def _kind(expected: Verdict | None, actual: Verdict | None) -> Kind | None:
    if actual is None:
        return "missing"
    if expected is None:
        return "unrecorded"
    if actual == expected:
        return None
    if actual.ranks == expected.ranks:
        return "change"
    better = all(now <= before for now, before in zip(actual.ranks, expected.ranks, strict=True))
    return "improvement" if better else "regression"


class Baseline:
    """`autobahn/expected/ROLE.json`: an object with a line per case, its verdict, and `why` if not OK."""

    def __init__(self, role: Role, folder: Path = EXPECTED) -> None:
        self.path = folder / f"{role}.json"
        self.verdicts: dict[str, Verdict] = {}
        self.whys: dict[str, str] = {}

    def load(self, *, may_be_missing: bool = False) -> Baseline:
        """Read the file; raises `CommandError` where it is missing or corrupt."""
        try:
            entries = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            if may_be_missing:
                return self
            raise CommandError(f"there is no baseline {self.path}: `--update-baseline` writes one") from None
        except (OSError, ValueError, RecursionError) as error:
            raise CommandError(f"the baseline {self.path} cannot be read: {error}") from error
        if not isinstance(entries, dict):
            raise CommandError(f"the baseline {self.path} is not an object with an entry per case")
        for case, entry in entries.items():
            self._load_entry(case, entry)
        return self

    def _load_entry(self, case: str, entry: Any) -> None:
        where = f"the baseline {self.path}, case {case}"
        verdict = verdict_of(entry, where)
        if case not in CASES:
            raise CommandError(f"{where}: there is no such case")
        for name in (verdict.behavior, verdict.behavior_close):
            if name not in BEST_FIRST:
                raise CommandError(f"{where}: {name!r} is not a verdict of Autobahn")
        self.verdicts[case] = verdict
        if "why" in entry:
            self.whys[case] = str(entry["why"])

    def update(self, actual: Mapping[str, Verdict]) -> None:
        """Write the file with these verdicts in place of the old ones of the same cases."""
        self.verdicts.update(actual)
        lines = []
        for case in CASES:
            if case in self.verdicts:
                verdict = self.verdicts[case]
                why = {} if verdict.ok or case not in self.whys else {"why": self.whys[case]}
                lines.append(f"{json.dumps(case)}: {json.dumps({**verdict.fields(), **why})}")
        write_text(self.path, "{\n" + ",\n".join(lines) + "\n}\n")
