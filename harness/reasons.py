"""Why a case differs: its title, what was expected, the reason, what is missing, and the cause it shares.

Terminal, JUnit, summary and page all say of a difference what `reason_of` returns. A suite logs only the
start of a payload (` ...` follows), so that two texts that look alike may differ behind it: sizes come from
the wire log, and texts are cut around the place where they differ.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.case_texts import plain, title_of, visible
from harness.sections import link_of, reference_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.results import DifferenceReport

CUT = " ..."
WIDTH = 24
"""Characters of a text that are shown on each side of the first difference."""

MAX_EVENTS = 5
"""Events that are listed as missing, and as come instead."""

MAX_TEXT = 600
"""Characters of a reason and of an expectation."""

SAYS_NOTHING = {"Actual events differ from any expected.", "Actual events match at least one expected."}
"""Results of Autobahn that do not say what was wrong."""

HAVE_PAYLOADS = {"text message", "binary message", "ping", "pong"}

Event = tuple[str, str, int | None]
"""What it is (`text message`, `pong`), its payload as far as it is known, and its bytes."""


@dataclass(frozen=True)
class Reason:
    """What is to say of a difference."""

    title: str
    expectation: str
    reason: str
    """Why the verdict is not the expected one, in a sentence."""
    missing: tuple[str, ...]
    """What was expected and did not come."""
    instead: tuple[str, ...]
    """What came and was not expected."""
    change: str
    """The verdict that changed, `OK -> FAILED`; of a violation the verdict alone."""
    cause: str
    """Differences of the same cause have the same key, in whatever case and setup."""
    rule: str = ""
    """The section of an RFC against which a violation is."""

    def lines(self) -> list[str]:
        """Say it in lines, each opened by its name, for texts without a layout."""
        pairs = [("reason", self.reason), ("title", self.title), ("wanted", self.expectation)]
        pairs += [("rule", f"{self.rule}, {link_of(self.rule)}")] if self.rule else []
        pairs += [("missing", text) for text in self.missing] + [("instead", text) for text in self.instead]
        return [f"{name:<8} {text}" for name, text in pairs if text]


@dataclass
class Group:
    """The differences of one cause."""

    change: str
    reason: str
    """The reason of the first of them."""
    cases: dict[str, list[str]] = field(default_factory=dict)
    """The cases by setup."""
    title: str = ""
    """The title of the first of them."""
    rule: str = ""
    """The section of an RFC against which they are, where they are violations."""

    @property
    def link(self) -> str:
        """The address of the rule."""
        return link_of(self.rule)

    @property
    def names(self) -> list[str]:
        """The cases, each once."""
        return list(dict.fromkeys(case for cases in self.cases.values() for case in cases))

    @property
    def size(self) -> int:
        """The number of differences."""
        return sum(map(len, self.cases.values()))


def reason_of(report: Mapping[str, Any] | None, difference: DifferenceReport) -> Reason:
    """Explain a difference by the report of its case, None where the case has not run."""
    found = report or {}
    missing, instead = _compared(found)
    change = _change(difference)
    reason = _reason(found, difference, missing, instead)
    rule = _rule(found, difference)
    return Reason(
        title_of(_text(found, "description")),
        plain(_text(found, "expectation")).replace("\n", " ")[:MAX_TEXT],
        reason,
        missing,
        instead,
        change,
        f"{difference['kind']}: {change}: {rule}: {_general(reason, difference['case'])}",
        rule,
    )


def _rule(report: Mapping[str, Any], difference: DifferenceReport) -> str:
    if difference["kind"] != "violation":
        return ""
    return _text(report, "rfc") or reference_of(difference["case"])


def groups_of(setups: Mapping[str, Any]) -> list[Group]:
    """Group the differences of all setups of a run by their cause, the largest group first."""
    groups: dict[str, Group] = {}
    for setup, found in setups.items():
        for difference in found["differences"]:
            case = difference["case"]
            reason = reason_of(found["cases"].get(case), difference)
            new = Group(reason.change, reason.reason, title=reason.title, rule=reason.rule)
            group = groups.setdefault(reason.cause, new)
            group.cases.setdefault(setup, []).append(case)
    return sorted(groups.values(), key=lambda group: -group.size)


def _text(report: Mapping[str, Any], name: str) -> str:
    value = report.get(name)
    return value if isinstance(value, str) else ""


def _verdicts(difference: DifferenceReport) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    return difference["expected"], difference["actual"]


def _change(difference: DifferenceReport) -> str:
    """Return what changed of the verdict: the behaviour, else the close, else the code, else the status."""
    expected, actual = _verdicts(difference)
    if expected is None or actual is None:
        return " -> ".join(str(verdict["behavior"]) if verdict else "none" for verdict in (expected, actual))
    for name, label in (
        ("behavior", ""),
        ("behaviorClose", "close "),
        ("remoteCloseCode", "code "),
        ("status", "status "),
    ):
        before, now = expected.get(name), actual.get(name)
        if before != now and difference["kind"] == "violation":
            return visible(f"{label}{now}")
        if before != now:
            return visible(f"{label}{before or 'none'} -> {now or 'none'}")
    return ""


def _reason(
    report: Mapping[str, Any],
    difference: DifferenceReport,
    missing: tuple[str, ...],
    instead: tuple[str, ...],
) -> str:
    expected, actual = _verdicts(difference)
    if difference["kind"] == "slow":
        return difference["note"]
    if actual is None:
        return _text(report, "result") or "The case has not run."
    result, closing = _text(report, "result"), _text(report, "resultClose")
    if result in SAYS_NOTHING:
        result = _sentence(missing, instead) or result
    if expected is None or expected["behavior"] != actual["behavior"]:
        parts = [result]
    else:
        parts = [closing] if expected["behaviorClose"] != actual["behaviorClose"] else []
        code, wanted = actual["remoteCloseCode"], expected["remoteCloseCode"]
        if code != wanted:
            parts.append(f"The close code is {code or 'missing'}, expected is {wanted or 'none'}.")
        status, asked = actual.get("status"), expected.get("status")
        if status != asked:
            parts.append(f"The HTTP status is {status or 'missing'}, expected is {asked or 'none'}.")
    return visible(" ".join(filter(None, parts)))[:MAX_TEXT] or "The suite does not say why."


def _sentence(missing: tuple[str, ...], instead: tuple[str, ...]) -> str:
    if missing and instead:
        return f"Expected was {missing[0]}; what came is {instead[0]}."
    if missing:
        return f"Expected was {missing[0]}; nothing came."
    return f"Nothing more was expected; what came is {instead[0]}." if instead else ""


def _general(reason: str, case: str) -> str:
    """Take out of a reason what is of this case alone: quoted values, digits, the name of the case."""
    reason = re.sub(r"“.*?”|\"[^\"]*\"|(?<!\w)b?'.*?'(?!\w)|\((?:[^()]|\([^()]*\))*\)", "", reason)
    reason = re.sub(r"of \d+ (bytes?|characters?)", "", reason)
    return re.sub(r"[\d.]*\d|\s+", " ", reason.replace(case, "")).strip()


# What is missing:


def _compared(report: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List what is missing and what came instead, by that expectation of the case which is nearest."""
    alternatives, received = report.get("expected"), report.get("received")
    if not isinstance(alternatives, dict) or not isinstance(received, list):
        return (), ()
    wire = report.get("wirelog")
    log = wire if isinstance(wire, list) else []
    seen = _sized(received, log, "RF")
    found = [
        _left(_sized(events, log, "TF"), seen) for events in alternatives.values() if isinstance(events, list)
    ]
    if not found:
        return (), ()
    missing, instead = min(found, key=lambda left: len(left[0]) + len(left[1]))
    shown = [_pair(*pair) for pair in zip(missing, instead, strict=False)]
    pairs = len(shown)
    return (
        _listed([*(first for first, _ in shown), *(_shown(event) for event in missing[pairs:])]),
        _listed([*(second for _, second in shown), *(_shown(event) for event in instead[pairs:])]),
    )


def _listed(texts: list[str]) -> tuple[str, ...]:
    more = len(texts) - MAX_EVENTS
    return (*texts[:MAX_EVENTS], f"{more} more") if more > 0 else tuple(texts)


def _left(expected: list[Event], seen: list[Event]) -> tuple[list[Event], list[Event]]:
    """Return the events of each that the other does not have."""
    return list((Counter(expected) - Counter(seen)).elements()), list(
        (Counter(seen) - Counter(expected)).elements()
    )


def _sized(events: Iterable[Any], log: list[Any], kind: str) -> list[Event]:
    """Read events; of a payload that is cut, the size is that of the message or control frame in the log."""
    of_message, of_control = _sizes(log, kind)
    sized: list[Event] = []
    for event in events:
        match event:
            case ["message", str(payload), bool(binary)]:
                size = next(of_message, None)
                name = "binary message" if binary else "text message"
            case ["ping" | "pong" as name, str(payload)]:
                size = next(of_control, None)
            case ["timeout", tag]:
                name, payload, size = f"silence until {tag}", "", None
            case _:
                name, payload, size = str(event), "", None
        if not payload.endswith(CUT):
            size = None
        sized.append((name, payload.removesuffix(CUT), size))
    return sized


def _sizes(log: list[Any], kind: str) -> tuple[Any, Any]:
    """Return the sizes of messages, None for a compressed one, and of pings and pongs."""
    messages: list[int | None] = []
    controls: list[int] = []
    size, plain_text = 0, True
    for entry in log:
        match entry:
            case [found, [int(length), str()], int(opcode), bool(fin), int(rsv), *rest] if found == kind:
                match rest:
                    case [_, int(repeat), *_] if kind == "TF":
                        length = repeat
                if opcode in {9, 10}:
                    controls.append(length)
                elif opcode < 8:
                    size, plain_text = size + length, plain_text and not rsv
                    if fin:
                        messages.append(size if plain_text else None)
                        size, plain_text = 0, True
    return iter(messages), iter(controls)


def _shown(event: Event, start: int = 0, stop: int = 2 * WIDTH) -> str:
    """Name an event, with its payload from `start` to `stop`."""
    name, payload, size = event
    if name not in HAVE_PAYLOADS:
        return visible(name)
    whole = size is None and start == 0 and stop >= len(payload)
    length, unit = (
        (len(payload), "bytes" if payload.isascii() else "characters") if size is None else (size, "bytes")
    )
    text = f" “{'…' if start else ''}{visible(payload[start:stop])}{'' if whole else '…'}”" if payload else ""
    return f"{name} of {length} {unit[: -1 if length == 1 else None]}{text}"


def _pair(expected: Event, seen: Event) -> tuple[str, str]:
    """Show two events, each cut around the first difference of their payloads."""
    first, second = expected[1], seen[1]
    length = min(len(first), len(second))
    differs_at = next((at for at in range(length) if first[at] != second[at]), length)
    start = max(0, differs_at - WIDTH) if differs_at > WIDTH else 0
    stop = start + 2 * WIDTH
    return _shown(expected, start, stop), _shown(seen, start, stop)
