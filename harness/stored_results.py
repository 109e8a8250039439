"""Reads back the `results.json` of a run, for its report and for `run --failed`."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, cast, get_args

from harness.judge import Kind, verdict_of
from harness.results import FORMAT, DifferenceReport, SetupReport
from harness.roles import ROLES
from tooling.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.results import CpuTime, Results
    from harness.roles import Role


def read_results(path: Path) -> Results:
    """Read a `results.json`, or that of a folder.

    The fields that are judged are checked; of the others, those of a wrong type are left out.
    Raises `CommandError` where there is none, or it has another shape.
    """
    path = path / "results.json" if path.is_dir() else path
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CommandError(f"there is no {path}: `python -m harness run` writes one") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    match content:
        case {"format": int(number), "setups": dict(roles)} if number == FORMAT and roles:
            report = {role: _role(role, found, f"{path}: {role}") for role, found in roles.items()}
        case {"format": number} if number != FORMAT:
            raise CommandError(f"{path} has format {number!r:.20}, this harness reads {FORMAT}")
        case _:
            raise CommandError(f"{path} is not the results.json of a run: it has no `format` and `setups`")
    return {
        "format": FORMAT,
        "engine": str(content.get("engine", "")),
        "library": str(content.get("library", "")),
        "python": str(content.get("python", "")),
        "started": str(content.get("started", "")),
        "profile": str(content.get("profile", "")),  # type: ignore[typeddict-item]  # only shown
        "patterns": [str(pattern) for pattern in _list(content.get("patterns"))],
        "command": str(content.get("command", "")),
        "commit": str(content.get("commit", "")),
        "host": str(content.get("host", "")),
        "stopped": str(content.get("stopped", "")),
        "complete": content.get("complete") is not False,
        "asExpected": not any(found["differences"] for found in report.values()),
        "cpuTime": _seconds(content.get("cpuTime")) or 0.0,
        "setups": report,
    }


def differing_cases(results: Results) -> dict[Role, list[str]]:
    """List the cases of each role whose verdicts were not those of the baseline; no role without one."""
    return {
        report["role"]: [difference["case"] for difference in report["differences"]]
        for report in results["setups"].values()
        if report["differences"]
    }


def _role(name: Any, report: Any, where: str) -> SetupReport:
    role, _, variant = str(name).partition("/")
    if role not in ROLES:
        raise CommandError(f"{where}: not a role ({', '.join(ROLES)})")
    match report:
        case {"cases": dict(cases), "differences": list(differences)} if cases or differences:
            pass
        case _:
            raise CommandError(f"{where}: it has no `cases`, or no `differences`")
    for case, found in cases.items():
        verdict_of(found, f"{where}: case {_name(case, where)}")
    duration, whys = report.get("duration"), report.get("whys")
    checked: SetupReport = {
        "role": role,
        "variant": variant,
        "duration": _seconds(duration) or 0.0,
        "cpuTime": _cpu_time(report.get("cpuTime")),
        "differences": [_difference(difference, where) for difference in differences],
        "whys": {str(case): str(why) for case, why in whys.items()} if isinstance(whys, dict) else {},
        "cases": cases,
    }
    return cast(SetupReport, {**report, **checked})


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and isfinite(value) else None


def _cpu_time(value: Any) -> CpuTime | None:
    if not isinstance(value, dict):
        return None
    return {"testee": _seconds(value.get("testee")) or 0.0, "suite": _seconds(value.get("suite"))}


def _difference(difference: Any, where: str) -> DifferenceReport:
    match difference:
        case {"case": str(case), "kind": str(kind), "expected": expected, "actual": actual, "repeat": str()}:
            pass
        case _:
            raise CommandError(f"{where}: not a difference: {difference!r:.80}")
    if kind not in get_args(Kind):
        raise CommandError(f"{where}: case {_name(case, where)}: {kind!r:.40} is not a kind of difference")
    for verdict in (expected, actual):
        if verdict is not None:
            verdict_of(verdict, f"{where}: difference of case {_name(case, where)}")
    return cast(DifferenceReport, difference)


def _name(case: str, where: str) -> str:
    if not re.fullmatch(r"\w[\w.-]{0,60}", case, re.ASCII):
        raise CommandError(f"{where}: {case!r:.80} is not the name of a case")
    return case


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
