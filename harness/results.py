"""The shape of `results.json`, the same for every engine.

    {
      "format": 2,                        raised when a reader of the old shape would fail
      "engine": "kosoku 0.1.0",           what played Autobahn's part
      "library": "wsproto/1.4.0",         what was judged: this library, or the endpoint of somebody else
      "endpoint": false,                  whether it is the endpoint of somebody else
      "judgedBy": "baseline",             or "must", "should": the rules of the RFCs that count, no baseline
      "python": "3.13.1",
      "started": "2026-01-31T12:00:00+00:00",
      "profile": "full", "patterns": [],  what was asked for
      "command": "python -m harness run", the command line
      "commit": "1a2b3c4d5e",             of the checkout; empty where it is not one
      "host": "Linux 6.1 x86_64, 2 CPUs",
      "complete": true,                   false where the run was stopped before its end
      "stopped": "",                      why
      "asExpected": true,                 it is complete, and no setup has a difference
      "cpuTime": 1.4,                     seconds, user and system, of the harness itself
      "setups": {
        "server": {                       "server/limits" in a variant of the library, "server/h2" over HTTP/2
          "role": "server",               of the library; "client" the other way round
          "variant": "default",
          "transport": "h1",              or "h2", "h3"; "h1" where a file does not say
          "duration": 251.3,              seconds
          "cpuTime": {
            "testee": 84.2,               seconds of the library, its glue, zlib and the start of Python
            "suite": 161.0                seconds of the engine; null where it does not say
          },
          "differences": [
            {"case": "6.4.1", "kind": "regression", "expected": {...}, "actual": {...}, "note": "",
             "repeat": "..."}
          ],
          "whys": {"7.1.6": "..."},       why the baseline has another verdict than OK, where it says so
          "cases": {"1.1.1": {...}, ...}  in Autobahn's order
        }
      }
    }

A verdict (`expected`, `actual`, null where there is none) is `behavior`, `behaviorClose`, `remoteCloseCode`,
and `status`, the HTTP status of a response that refused the handshake. A `note` says what was slow.
A case has these three, its `duration` in milliseconds, and, where the engine gives them, the other fields of
Autobahn's report of a case under Autobahn's names (`CaseReport` lists them). An extra case has besides `rfc`
(`RFC 6455 5.1`) and `requirement`, its row in `tests/requirements.csv`, and `timing`: milliseconds to the
last `answer`, to the peer's `close`, and to the `end` of TCP, each from when it was due. A case in which the
testee crashed or hung has the end of its `log`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tooling.errors import CommandError
from tooling.written import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cases import Profile
    from harness.roles import Role
    from harness.setups import Transport, Variant

FORMAT = 2

JudgedBy = Literal["baseline", "must", "should"]
"""What a run was judged by: a baseline, or the rules with a MUST, or those with a SHOULD as well."""


class _Verdict(TypedDict):
    behavior: str
    behaviorClose: str
    remoteCloseCode: int | None


class VerdictFields(_Verdict, total=False):
    """The verdict of a case, under Autobahn's names, and the HTTP status of a refusal."""

    status: int | None


class Timing(TypedDict):
    """When the parts of an extra case came, in milliseconds after they were due; None where one did not."""

    answer: float | None
    close: float | None
    end: float | None


class CaseReport(VerdictFields, total=False):
    """A case: the verdict, and the other fields that the engine gives."""

    duration: int
    timing: Timing
    log: str
    agent: str
    started: str
    description: str
    expectation: str
    result: str
    resultClose: str
    expected: dict[str, Any]
    expectedClose: dict[str, Any]
    received: list[Any]
    wirelog: list[Any]
    httpRequest: str
    httpResponse: str
    reportTime: bool
    reportCompressionRatio: bool
    createWirelog: bool
    createStats: bool
    isServer: bool
    closedByMe: bool
    failedByMe: bool
    droppedByMe: bool
    wasClean: bool
    wasNotCleanReason: str | None
    wasServerConnectionDropTimeout: bool
    wasOpenHandshakeTimeout: bool
    wasCloseHandshakeTimeout: bool
    localCloseCode: int | None
    localCloseReason: str | None
    remoteCloseReason: str | None
    rxOctetStats: dict[str, int]
    rxFrameStats: dict[str, int]
    txOctetStats: dict[str, int]
    txFrameStats: dict[str, int]
    trafficStats: dict[str, Any] | None


class ExtraCaseReport(CaseReport, total=False):
    """A case of the extra section, which also names the rule that it tests."""

    rfc: str
    requirement: str


class DifferenceReport(TypedDict):
    """A case whose verdict is not that of the baseline."""

    case: str
    kind: str
    expected: VerdictFields | None
    actual: VerdictFields | None
    note: str
    repeat: str


class CpuTime(TypedDict):
    """The CPU time of each side, user and system, in seconds; None where it is unknown."""

    testee: float | None
    suite: float | None


class SetupReport(TypedDict):
    """One setup of a run."""

    role: Role
    variant: Variant
    transport: Transport
    duration: float
    cpuTime: CpuTime | None
    differences: list[DifferenceReport]
    whys: dict[str, str]
    cases: dict[str, CaseReport]


class Results(TypedDict):
    """A whole `results.json`."""

    format: int
    engine: str
    library: str
    endpoint: bool
    judgedBy: JudgedBy
    python: str
    started: str
    profile: Profile
    patterns: list[str]
    command: str
    commit: str
    host: str
    complete: bool
    stopped: str
    asExpected: bool
    cpuTime: float
    setups: dict[str, SetupReport]
    """By label: `server`, `server/limits`."""


def write_results(path: Path, results: Results) -> None:
    """Write `results.json`."""
    write_text(path, json.dumps(results, indent=1) + "\n")


def read_cases(path: Path, role: Role, agent: str | None = None) -> dict[str, CaseReport]:
    """Read the cases of a `results.json`, of Autobahn's `index.json`, or of a folder with one of them.

    Raises `CommandError` where there is none, or it has another shape, or several agents and none is chosen.
    """
    for name in ("results.json", "index.json") if path.is_dir() else ():
        if (path / name).is_file():
            return read_cases(path / name, role, agent)
    try:
        agents = _agents(json.loads(path.read_bytes()), role)
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"cannot read verdicts from {path}: {error}") from error
    chosen = agents if agent is None else {agent: agents.get(agent)}
    match list(chosen.values()):
        case [dict(cases)]:
            return cases
    wanted = "one agent" if agent is None else f"agent {agent!r}"
    raise CommandError(f"{path} has not the verdicts of {wanted}; it has: {', '.join(agents) or 'none'}")


def _agents(content: Any, role: Role) -> dict[str, Any]:
    """Return the cases of each agent, in a `results.json` those of the library."""
    match content:
        case {"setups": dict(setups)}:
            report = setups.get(role)
            return {role: report.get("cases")} if isinstance(report, dict) else {}
        case dict():
            return content
    return {}
