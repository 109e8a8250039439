"""Compares verdicts with the baseline in `autobahn/expected/`: any difference counts, a better one too."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.cases import CASES
from harness.patience import SLOWER, Usual, slow_cases
from harness.setups import TRANSPORTS, VARIANTS
from harness.wording import RUN
from tooling.errors import CommandError
from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.results import CaseReport, DifferenceReport, VerdictFields
    from harness.roles import Role
    from harness.setups import Setup, Transport, Variant

KNOWN = frozenset(CASES)
"""Every case."""

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

Kind = Literal["regression", "improvement", "change", "missing", "extra", "unrecorded", "slow", "violation"]
"""Worse; better; as good, with another code or status; not run; not asked for; not in the baseline; slow;
against a rule of an RFC, where there is no baseline (`by_rfc`)."""

NOTED = 0.1
"""Seconds from which the baseline notes the duration of a case."""

STEADY = 4
"""A noted duration stays as long as a new one is within this factor: times differ from run to run."""


@dataclass(frozen=True)
class Verdict:
    """The verdict of a case."""

    behavior: str
    behavior_close: str
    remote_close_code: int | None
    status: int | None = None
    """The HTTP status of a response that refused the handshake."""

    def __str__(self) -> str:
        status = f", status {self.status}" if self.status else ""
        return (
            f"{self.behavior}, close {self.behavior_close}, code {self.remote_close_code or 'none'}{status}"
        )

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
        fields: VerdictFields = {
            "behavior": self.behavior,
            "behaviorClose": self.behavior_close,
            "remoteCloseCode": self.remote_close_code,
        }
        if self.status:
            fields["status"] = self.status
        return fields


def rank(name: str) -> int:
    """Return the place of a verdict, 0 for OK, the last for a name that Autobahn does not know."""
    return BEST_FIRST.index(name) if name in BEST_FIRST else len(BEST_FIRST)


@dataclass(frozen=True)
class Difference:
    """A case whose verdict is not that of the baseline."""

    setup: Setup
    case: str
    kind: Kind
    expected: Verdict | None
    actual: Verdict | None
    note: str = ""
    """What was slow."""
    command: str = ""
    """The command that repeats the case, but for `--cases`; by default `run`."""

    @property
    def repeat(self) -> str:
        """The command that runs this case again."""
        command = self.command or f"{RUN} {self.setup.options}"
        return f"{command} --cases {self.case}"

    def report(self) -> DifferenceReport:
        """Return it in the shape of `results.json`."""
        return {
            "case": self.case,
            "kind": self.kind,
            "expected": self.expected.fields() if self.expected else None,
            "actual": self.actual.fields() if self.actual else None,
            "note": self.note,
            "repeat": self.repeat,
        }


def verdict_of(report: Mapping[str, Any], where: str) -> Verdict:
    """Read the verdict of a case, which `where` names in the `CommandError` about another shape."""
    match report:
        case {
            "behavior": str(behavior),
            "behaviorClose": str(close),
            "remoteCloseCode": int() | None as code,
        } if isinstance(status := report.get("status"), (int, type(None))):
            return Verdict(behavior, close, code, status)
    raise CommandError(f"{where}: not a verdict (behavior, behaviorClose, remoteCloseCode): {report!r:.80}")


def verdicts_of(cases: Mapping[str, CaseReport], where: str) -> dict[str, Verdict]:
    """Read the verdicts of many cases."""
    return {case: verdict_of(report, f"{where}: case {case}") for case, report in cases.items()}


def judge(
    setup: Setup,
    asked: Iterable[str],
    expected: Mapping[str, Verdict],
    actual: Mapping[str, Verdict],
    slow: Mapping[str, str] | None = None,
) -> list[Difference]:
    """List the differences in Autobahn's order, cases that nobody asked for last.

    :param slow: says of slow cases what was slow.
    """
    asked, slow = dict.fromkeys(asked), slow or {}
    extra = [case for case in actual if case not in asked]
    differences = []
    for case in [*asked, *extra]:
        before, now, note = expected.get(case), actual.get(case), slow.get(case, "")
        kind = "extra" if case in extra else _kind(before, now)
        if kind is None and note:
            kind = "slow"
        if kind is not None:
            differences.append(Difference(setup, case, kind, before, now, note))
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


@dataclass
class Entry:
    """A case in the baseline."""

    verdict: Verdict
    why: str = ""
    """Why the verdict is not OK."""
    seconds: float | None = None
    """The usual duration of a case that takes long."""
    variants: dict[Variant, Verdict] = field(default_factory=dict)
    """The verdicts of the variants that have another one."""

    def line(self, *, unlike_others: bool = False) -> dict[str, Any]:
        """Return it as the file has it.

        :param unlike_others: whether another transport has another verdict, of which `why` says the reason.
        """
        unlike = {variant: found for variant, found in self.variants.items() if found != self.verdict}
        explained = unlike_others or not all(found.ok for found in (self.verdict, *unlike.values()))
        optional = {
            "seconds": self.seconds,
            "why": self.why if explained else "",
            "variants": {variant: found.fields() for variant, found in unlike.items()},
        }
        return {**self.verdict.fields(), **{name: value for name, value in optional.items() if value}}


class Baseline:
    """`autobahn/expected/ROLE.json`: an object with a line per case.

    It has the verdict, `seconds` where the case takes long, `why` where it is not OK, and `variants` where
    some have another verdict. It is for all transports; beside it `ROLE-TRANSPORT.json` has, in the same way,
    the cases that are unlike over this one.
    """

    def __init__(self, role: Role, folder: Path = EXPECTED, file: Path | None = None) -> None:
        self.path = file or folder / f"{role}.json"
        self.entries: dict[str, Entry] = {}
        self.unlike: dict[Transport, dict[str, Entry]] = {}
        """What is unlike over other transports than HTTP/1.1."""

    def entries_of(self, transport: Transport) -> dict[str, Entry]:
        """Return the entries for a transport."""
        return {**self.entries, **self.unlike.get(transport, {})}

    def path_of(self, transport: Transport) -> Path:
        """Return the file with what is unlike over a transport."""
        return self.path if transport == "h1" else self.path.with_stem(f"{self.path.stem}-{transport}")

    def verdicts(self, variant: Variant, transport: Transport = "h1") -> dict[str, Verdict]:
        """Return the expected verdicts of a variant."""
        entries = self.entries_of(transport)
        return {case: entry.variants.get(variant, entry.verdict) for case, entry in entries.items()}

    def accepts(self, setup: Setup, case: str, verdict: Verdict) -> bool:
        """Tell whether a verdict is the expected one."""
        entry = self.unlike.get(setup.transport, {}).get(case) or self.entries.get(case)
        return entry is not None and entry.variants.get(setup.variant, entry.verdict) == verdict

    def judge(
        self, setup: Setup, asked: Iterable[str], reports: Mapping[str, CaseReport]
    ) -> list[Difference]:
        """List the differences of a setup, the slow cases among them."""
        slow = slow_cases(reports, self.usual(setup))
        expected = self.verdicts(setup.variant, setup.transport)
        return judge(setup, asked, expected, verdicts_of(reports, str(setup)), slow)

    def whys_of(self, setup: Setup) -> dict[str, str]:
        """Return why cases are not OK."""
        entries = self.entries_of(setup.transport)
        return {case: entry.why for case, entry in entries.items() if entry.why}

    def usual(self, setup: Setup) -> Usual:
        """Return what the cases usually take."""
        slower = SLOWER[setup.transport]
        noted = {case: entry.seconds * slower for case, entry in self.entries.items() if entry.seconds}
        own = self.unlike.get(setup.transport, {})
        noted |= {case: entry.seconds for case, entry in own.items() if entry.seconds}
        return Usual(noted, slower)

    def load(self, *, may_be_missing: bool = False) -> Baseline:
        """Read the files; raises `CommandError` where one is corrupt, or that for all is missing."""
        for transport in TRANSPORTS:
            path = self.path_of(transport)
            entries = self.entries if transport == "h1" else self.unlike.setdefault(transport, {})
            if path.exists() or not (may_be_missing or transport != "h1"):
                entries.update({case: _entry(path, case, entry) for case, entry in _read(path).items()})
        return self

    def update(
        self,
        actual: Mapping[str, Verdict],
        variant: Variant = "default",
        seconds: Mapping[str, float] | None = None,
        transport: Transport = "h1",
    ) -> Baseline:
        """Take these verdicts and durations of a setup in place of the old ones of the same cases."""
        for case, verdict in actual.items():
            took = (seconds or {}).get(case, 0.0)
            if transport != "h1":
                before = self.entries_of(transport).get(case, Entry(verdict))
                noted = _noted(before.seconds, took)
                why = before.why if before.verdict == verdict else ""
                self.unlike.setdefault(transport, {})[case] = Entry(verdict, why, noted)
                continue
            entry = self.entries.setdefault(case, Entry(verdict))
            if variant == "default":
                entry.verdict = verdict
                entry.seconds = _noted(entry.seconds, took)
            elif verdict != entry.verdict:
                entry.variants[variant] = verdict
            else:
                entry.variants.pop(variant, None)
        return self

    def explain(self, whys: Mapping[str, str]) -> None:
        """Give the entries a reason that are not OK and have none."""
        for case, why in whys.items():
            if not self.entries[case].verdict.ok:
                self.entries[case].why = self.entries[case].why or why

    def save(self) -> None:
        """Write the files; none for a transport over which nothing is unlike."""
        _write(self.path, self.entries)
        for transport, entries in self.unlike.items():
            unlike = {case: entry for case, entry in entries.items() if self._is_unlike(case, entry)}
            if unlike:
                _write(self.path_of(transport), unlike, unlike_others=True)
            else:
                self.path_of(transport).unlink(missing_ok=True)

    def _is_unlike(self, case: str, entry: Entry) -> bool:
        alike = self.entries.get(case)
        return alike is None or (alike.verdict, alike.seconds) != (entry.verdict, entry.seconds)


def _read(path: Path) -> dict[str, Any]:
    """Read a file of entries."""
    try:
        entries = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CommandError(f"there is no baseline {path}: `--update-baseline` writes one") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"the baseline {path} cannot be read: {error}") from error
    if not isinstance(entries, dict):
        raise CommandError(f"the baseline {path} is not an object with an entry per case")
    return entries


def _write(path: Path, entries: Mapping[str, Entry], *, unlike_others: bool = False) -> None:
    known = [case for case in CASES if case in entries]
    written = {case: entries[case].line(unlike_others=unlike_others) for case in known}
    lines = [f"{json.dumps(case)}: {json.dumps(line)}" for case, line in written.items()]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _entry(path: Path, case: str, entry: Any) -> Entry:
    """Read an entry."""
    where = f"the baseline {path}, case {case}"
    loaded = Entry(_checked(entry, where))
    if case not in KNOWN:
        raise CommandError(f"{where}: there is no such case")
    match entry.get("seconds"):
        case None | int() | float() as seconds if seconds is None or seconds > 0:
            loaded.seconds = seconds
        case seconds:
            raise CommandError(f"{where}: {seconds!r:.40} is not a duration in seconds")
    match entry.get("variants", {}):
        case dict(variants) if variants.keys() <= set(VARIANTS):
            loaded.variants = {name: _checked(found, where) for name, found in variants.items()}
        case variants:
            raise CommandError(f"{where}: {variants!r:.80} are not verdicts of {', '.join(VARIANTS)}")
    loaded.why = str(entry.get("why", ""))
    return loaded


def _noted(before: float | None, now: float) -> float | None:
    if before is not None and before / STEADY <= now <= before * STEADY:
        return before
    return round(now, 1) if now >= NOTED else None


def _checked(entry: Any, where: str) -> Verdict:
    verdict = verdict_of(entry, where)
    for name in (verdict.behavior, verdict.behavior_close):
        if name not in BEST_FIRST:
            raise CommandError(f"{where}: {name!r} is not a verdict of Autobahn")
    return verdict
